/** What was committed and never announced, because its process died or NATS was away too long. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { EventConnection } from '../../src/events/connection.ts';
import { EventPublisher } from '../../src/events/publisher.ts';
import { StreamWriter } from '../../src/events/stream-writer.ts';
import { Failpoints } from '../../src/failpoints.ts';
import { FLUSH_DELTAS_MAX, PUBLISH_DRAIN_MS_MAX, PUBLISH_QUEUE_DELTAS_MAX } from '../../src/limits.ts';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { commitId } from '../../src/storage/log/commit-document.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { CommitOutlines } from '../../src/storage/log/commit-outlines.ts';
import { Committers } from '../../src/storage/log/committers.ts';
import { readStream } from '../campaign/event-stream.ts';
import { eventually } from '../harness/eventually.ts';
import { startStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { openEventWorld, type EventWorld } from './event-world.ts';
import { commitOf } from './sweep-world.ts';

const test = suite('event sweep', { timeoutMs: 120_000 });
const DEAD = 40;
const COMMITS_EACH = 4;
const ANNOUNCED = 1;
/** Of each dead process: a number that it lost a race with, and never used again. */
const UNUSED = 3;
let world: EventWorld;

test.before(async () => {
  world = await openEventWorld();
});
test.after(() => world?.stop());

test('G5: what many dead processes left is published, and the marks move over it', async () => {
  const committers = Array.from({ length: DEAD }, (_, index) => index.toString(16).padStart(16, '0'));
  const log = new CommitLog(world.database);
  const leases = new Committers(world.database.db);
  const due: string[] = [];
  for (const committer of committers) {
    const seqs = Array.from({ length: COMMITS_EACH }, (_, index) => index + ANNOUNCED + 1).filter(
      (seq) => seq !== UNUSED,
    );
    await log.insert(seqs.map((seq) => commitOf(committer, seq)));
    await leases.renew(committer, ANNOUNCED);
    await leases.abandon(committer, ANNOUNCED);
    due.push(...seqs.map((seq) => `${committer}-${seq}:1`));
  }
  const studio = await startStudio({ parts: world.parts, env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  try {
    await eventually(
      'every event is in the stream',
      async () => {
        const seen = await readStream(world.parts.url('nats'));
        const missing = due.filter((one) => !seen.has(one));
        if (missing.length > 0) throw new Error(`${missing.length} are not`);
        return true;
      },
      60_000,
    );
    // Up to the unused number, which an insert on its way may still take.
    await eventually('the marks have moved', async () => {
      const lapsed = await leases.lapsed();
      const own = lapsed.filter(({ name }) => committers.includes(name));
      assert.is(own.length, DEAD);
      return own.every(({ low }) => low === UNUSED - 1);
    });
  } finally {
    await studio.stop();
  }
});

test('G3: heads that a process did not write, though it had told of the commits, are written when it is gone', async () => {
  const committer = 'e'.repeat(16);
  const seqs = [1, 2, 3];
  await new CommitLog(world.database).insert(seqs.map((seq) => commitOf(committer, seq)));
  const leases = new Committers(world.database.db);
  await leases.renew(committer, seqs.length);
  await leases.abandon(committer, seqs.length);
  const studio = await startStudio({ parts: world.parts, env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  try {
    const heads = new BlobHeads(world.database);
    await eventually('all have their heads', async () => {
      const versions = await heads.versions(seqs.map((seq) => `${committer}-${seq}`));
      return [...versions.values()].join() === '1,1,1';
    });
  } finally {
    await studio.stop();
  }
});

test('G5 G7: what did not fit the queue while NATS was away is read back from the log, and the mark moves over it and over what was dropped', async () => {
  const logger = pino({ level: 'silent' });
  const committerId = 'f'.repeat(16);
  const log = new CommitLog(world.database);
  const committers = new Committers(world.database.db);
  const connection = await EventConnection.open({ url: world.parts.url('nats'), name: 'test', logger });
  const publisher = new EventPublisher({
    committerId,
    connection,
    writer: new StreamWriter(connection),
    outbox: new CommitOutlines(world.database),
    committers,
    failpoints: new Failpoints(),
    logger,
  });
  try {
    await publisher.start();
    await world.parts.kill('nats');
    await eventually('the connection is lost', () => !connection.healthy);
    const many = Math.ceil(PUBLISH_QUEUE_DELTAS_MAX / FLUSH_DELTAS_MAX) + 40;
    for (let seq = 1; seq <= many; seq += 1) {
      const commit = commitOf(committerId, seq, FLUSH_DELTAS_MAX);
      await log.insert([commit]);
      publisher.onCommitted(commit);
    }
    // What retention would do after a day: of the last numbers, and of some among the others.
    const dropped = [many - 20, many - 19, many - 5, many];
    await world.database.commits.deleteMany({ _id: { $in: dropped.map((seq) => commitId(committerId, seq)) } });
    await world.parts.restart('nats');
    await eventually(
      'every event is in the stream',
      async () => {
        const seen = await readStream(world.parts.url('nats'));
        let missing = 0;
        for (let seq = 1; seq <= many; seq += 1)
          for (let version = 1; version <= FLUSH_DELTAS_MAX; version += 1)
            if (!dropped.includes(seq) && !seen.has(`${committerId}-${seq}:${version}`)) missing += 1;
        if (missing > 0) throw new Error(`${missing} are not`);
        return true;
      },
      60_000,
    );
    await publisher.drain(PUBLISH_DRAIN_MS_MAX);
    await publisher.close({ isComplete: true });
    // Nothing is left to publish; but NATS may still lose it, and then it is told again.
    const lapsed = async () => (await committers.lapsed()).find(({ name }) => name === committerId);
    await eventually('it has lapsed', async () => (await lapsed()) !== undefined);
    const { low, again, ground } = (await lapsed()) ?? {};
    assert.equal({ low, again, ground }, { low: many, again: 0, ground: connection.ground });
  } finally {
    await publisher.close({ isComplete: true });
    await connection.close();
    await committers.remove(committerId);
  }
});

test.run();
