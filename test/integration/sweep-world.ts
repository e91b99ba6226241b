/** What a process left that is gone, and a sweep that a test can look into. */
import { pino } from 'pino';
import type { Commit, Delta } from '../../src/domain/delta.ts';
import { EventConnection } from '../../src/events/connection.ts';
import type { StudioEvent } from '../../src/events/contract.ts';
import { StreamWriter } from '../../src/events/stream-writer.ts';
import { Sweep } from '../../src/events/sweep.ts';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { commitId, deltaId } from '../../src/storage/log/commit-document.ts';
import { CommitOutlines } from '../../src/storage/log/commit-outlines.ts';
import { Committers, type LapsedCommitter } from '../../src/storage/log/committers.ts';
import type { EventWorld } from './event-world.ts';

/** The first deltas of a blob of its own. */
export function commitOf(committer: string, committerSeq: number, deltas = 1): Commit {
  const blobId = `${committer}-${committerSeq}`;
  const id = commitId(committer, committerSeq);
  const genesis = { contentType: 'text/plain', parentIds: [], rootId: blobId, depth: 0, createdBy: 'user', labels: {} };
  const now = new Date();
  const made = Array.from({ length: deltas }, (_none, index): Delta => {
    const isFirst = index === 0;
    return {
      id: deltaId(id, index),
      blobId,
      toVersion: index + 1,
      userId: 'ann',
      operation: isFirst ? 'create' : 'update',
      patch: { kind: isFirst ? 'create' : 'sync', bytes: 0 },
      // Each changes something, if nothing that is read here.
      updates: isFirst ? [] : [new Uint8Array(2)],
      base: { fromVersion: index, extras: [] },
      chainLength: 1,
      newClients: [],
      genesis: isFirst ? genesis : undefined,
      createdAt: now,
      appliedAt: now,
    };
  });
  const place = { firstSeq: 1, lastSeq: deltas, owner: 'ann', contentType: 'text/plain', rootId: blobId };
  return { id, blobId, committer, committerSeq, ...place, deltas: made };
}

/** Counts how often it was asked. */
export class CountedCommitters extends Committers {
  asked = 0;

  override async lapsed(): Promise<LapsedCommitter[]> {
    const lapsed = await super.lapsed();
    this.asked += 1;
    return lapsed;
  }
}

/** Notes how many events it was given at once. */
export class CountedWriter extends StreamWriter {
  readonly counts: number[] = [];

  override write(events: readonly StudioEvent[]): Promise<void> {
    this.counts.push(events.length);
    return super.write(events);
  }
}

export interface TestSweep {
  readonly sweep: Sweep;
  readonly writer: CountedWriter;
  readonly committers: CountedCommitters;
  /** What NATS it publishes on. */
  readonly ground: string | undefined;
  readonly close: () => Promise<void>;
}

export async function startSweep(
  world: EventWorld,
  options: { readonly healHead: (blobId: string) => Promise<void>; readonly againMs?: number },
): Promise<TestSweep> {
  const logger = pino({ level: 'silent' });
  const { database, parts } = world;
  const connection = await EventConnection.open({ url: parts.url('nats'), name: 'sweep', logger });
  const writer = new CountedWriter(connection);
  const committers = new CountedCommitters(database.db);
  const [outbox, heads] = [new CommitOutlines(database), new BlobHeads(database)];
  const sweep = new Sweep({ connection, writer, outbox, committers, heads, logger, ...options });
  sweep.start();
  return {
    sweep,
    writer,
    committers,
    ground: connection.ground,
    close: async () => {
      await sweep.close();
      await connection.close();
    },
  };
}
