/** A studio with histories in it that a test chooses: several authors, any times, as other processes would have written them. */
import { randomUUID } from 'node:crypto';
import * as Y from 'yjs';
import { createDocument } from '../../src/domain/content/document.ts';
import type { Base, Commit, Delta, Operation } from '../../src/domain/delta.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { connectAs, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';

export interface HistoryWorld {
  readonly parts: TestParts;
  readonly studio: TestStudio;
  readonly database: Database;
  ann: StudioClient;
  readonly bob: StudioClient;
  /** Another studio process on the same parts in place of the one before; `ann` is hers from then on. */
  readonly restart: () => Promise<StudioClient>;
  readonly stop: () => Promise<void>;
}

export async function openHistoryWorld(): Promise<HistoryWorld> {
  const parts = await startParts({ mongodb: true, nats: true });
  const env = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };
  let studio = await startStudio({ parts, env });
  const database = await openDatabase({ url: parts.url('mongodb'), name: 'studio' });
  const world: HistoryWorld = {
    parts,
    studio,
    database,
    restart: async () => {
      await studio.stop();
      studio = await startStudio({ parts, env });
      return (world.ann = connectAs(studio.address, await studio.token('ann')));
    },
    ann: connectAs(studio.address, await studio.token('ann')),
    bob: connectAs(studio.address, await studio.token('bob')),
    stop: async () => {
      await database.close();
      await studio.stop();
      await parts.stop();
    },
  };
  return world;
}

export interface WrittenChange {
  readonly by: string;
  readonly at: Date;
  readonly provider?: string;
  readonly operation?: Operation;
  /** What it says it was made on. Default: the version before it. */
  readonly base?: Base;
  /** Made on the author's replica, which has seen everything before. */
  readonly edit?: (doc: Y.Doc) => void;
}

/** Of updates in one insert. */
const INSERT_BYTES = 8 * 1024 * 1024;

/** Writes a blob's whole log, `perCommit` deltas to a commit. The blob is ann's. */
export async function writeHistory(
  database: Database,
  blobId: string,
  contentType: string,
  changes: Iterable<WrittenChange>,
  perCommit = 1,
): Promise<void> {
  const log = new CommitLog(database);
  let batch: Commit[] = [];
  let deltas: Delta[] = [];
  const state = createDocument({ gc: true });
  const replicas = new Map<string, { doc: Y.Doc; update: Uint8Array | undefined }>();
  const commit = (): void => {
    const [first, last] = [deltas[0], deltas.at(-1)];
    if (!first || !last) return;
    const id = randomUUID();
    batch.push({
      id,
      blobId,
      firstSeq: first.toVersion,
      lastSeq: last.toVersion,
      committer: 'test',
      committerSeq: last.toVersion,
      owner: 'ann',
      contentType,
      rootId: blobId,
      deltas: deltas.map((delta, index) => ({ ...delta, id: `${id}-${index}`, appliedAt: first.appliedAt })),
    });
    deltas = [];
  };
  const insert = async (): Promise<void> => {
    const { results, error } = await log.insert(batch);
    if (results.some((result) => result !== 'inserted')) throw new Error('not written', { cause: error });
    [batch, bytes] = [[], 0];
  };
  let version = 0;
  let bytes = 0;
  for (const { by, at, provider, operation, base, edit } of changes) {
    version += 1;
    let replica = replicas.get(by);
    if (!replica) {
      const made: { doc: Y.Doc; update: Uint8Array | undefined } = { doc: new Y.Doc(), update: undefined };
      made.doc.on('update', (update: Uint8Array, origin: unknown) => {
        if (origin !== 'log') made.update = update;
      });
      Y.applyUpdate(made.doc, Y.encodeStateAsUpdate(state), 'log');
      replicas.set(by, (replica = made));
    }
    replica.update = undefined;
    edit?.(replica.doc);
    const update = replica.update as Uint8Array | undefined;
    if (update) {
      Y.applyUpdate(state, update);
      for (const other of replicas.values()) if (other !== replica) Y.applyUpdate(other.doc, update, 'log');
    }
    deltas.push({
      id: '',
      blobId,
      toVersion: version,
      userId: by,
      providerId: provider,
      operation: operation ?? (version === 1 ? 'create' : 'update'),
      patch: { kind: version === 1 ? 'create' : 'yjs_update', bytes: update?.byteLength ?? 0 },
      updates: update ? [update] : [],
      base: base ?? { fromVersion: version - 1, extras: [] },
      chainLength: 1,
      newClients: [],
      genesis:
        version === 1
          ? { contentType, parentIds: [], rootId: blobId, depth: 0, createdBy: 'user', labels: {} }
          : undefined,
      createdAt: at,
      appliedAt: at,
    });
    if (deltas.length >= perCommit) commit();
    bytes += update?.byteLength ?? 0;
    if (batch.length >= 1_000 || bytes >= INSERT_BYTES) await insert();
  }
  commit();
  if (batch.length > 0) await insert();
}
