/** Logs as a person typing would leave them, written straight into a database: thousands of deltas in a second. */
import * as Y from 'yjs';
import type { Commit, Delta } from '../../src/domain/delta.ts';
import { uuidV7 } from '../../src/domain/ids.ts';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import type { Database } from '../../src/storage/database.ts';
import { Random } from '../harness/random.ts';

export interface SeededLog {
  readonly blobId: string;
  readonly version: number;
  /** The text at a version; kept for every `sampleEvery`th. */
  readonly texts: ReadonlyMap<number, string>;
}

export interface SeedLog {
  readonly blobId: string;
  readonly owner: string;
  readonly deltas: number;
  readonly seed: number;
  readonly sampleEvery: number;
  /** No commit reaches over a multiple of it. */
  readonly breakEvery?: number;
  /** Of commits, by their last seq; default: now. */
  readonly appliedAt?: (lastSeq: number) => Date;
}

const CLIENT = 4_000_000_001;
const COMMIT_DELTAS_MAX = 12;

export async function seedLog(database: Database, options: SeedLog): Promise<SeededLog> {
  const { blobId, owner } = options;
  const random = new Random(options.seed);
  const doc = new Y.Doc();
  doc.clientID = CLIENT;
  const text = doc.getText('content');
  const texts = new Map<number, string>();
  let update: Uint8Array = new Uint8Array();
  doc.on('update', (bytes: Uint8Array) => (update = bytes));
  const genesis = { contentType: 'text/plain', parentIds: [], rootId: blobId, depth: 0, createdBy: 'user', labels: {} };
  const log = new CommitLog(database);
  const commits: Commit[] = [];
  for (let version = 0; version < options.deltas;) {
    const id = uuidV7();
    const firstSeq = version + 1;
    const breakEvery = options.breakEvery ?? options.deltas;
    const left = Math.min(options.deltas - version, breakEvery - (version % breakEvery));
    const count = Math.min(random.int(1, COMMIT_DELTAS_MAX + 1), left);
    const appliedAt = options.appliedAt?.(version + count) ?? new Date();
    const deltas: Delta[] = [];
    for (let index = 0; index < count; index++) {
      version += 1;
      const at = random.int(0, text.length + 1);
      if (text.length > 20 && random.chance(0.3)) text.delete(Math.min(at, text.length - 3), random.int(1, 4));
      else text.insert(at, random.pick(['a', 'b ', 'ö', '\n', '😀', `${version}`]));
      if (version % options.sampleEvery === 0 || version === options.deltas) texts.set(version, text.toJSON());
      deltas.push({
        id: `${id}-${index}`,
        blobId,
        toVersion: version,
        userId: owner,
        operation: version === 1 ? 'create' : 'update',
        patch: { kind: version === 1 ? 'create' : 'sync', bytes: update.byteLength },
        updates: [update],
        base: { fromVersion: version - 1, extras: [] },
        chainLength: 1,
        requestId: version % 50 === 0 ? `request-${version}` : undefined,
        newClients: version === 1 ? [CLIENT] : [],
        genesis: version === 1 ? genesis : undefined,
        createdAt: appliedAt,
        appliedAt,
      });
    }
    commits.push({
      id,
      blobId,
      firstSeq,
      lastSeq: version,
      committer: 'seeder',
      committerSeq: commits.length + 1,
      owner,
      contentType: genesis.contentType,
      rootId: blobId,
      deltas,
    });
  }
  for (let at = 0; at < commits.length; at += 500) {
    const { results, error } = await log.insert(commits.slice(at, at + 500));
    if (results.some((result) => result !== 'inserted')) throw new Error('not seeded', { cause: error });
  }
  const newest = commits.at(-1)?.deltas.at(-1);
  const first = commits[0]?.deltas[0];
  if (!newest || !first) throw new Error('nothing to seed');
  await new BlobHeads(database).insert({
    id: blobId,
    owner,
    genesis,
    version: newest.toVersion,
    contentVersion: newest.toVersion,
    size: Buffer.byteLength(text.toJSON()),
    createdAt: first.createdAt,
    updatedAt: newest.appliedAt,
  });
  return { blobId, version: newest.toVersion, texts };
}
