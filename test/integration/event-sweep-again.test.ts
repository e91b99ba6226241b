/** A process that is gone is swept more than once: what one sweep could not do is for the next. */
import * as assert from 'uvu/assert';
import { StudioError } from '../../src/errors.ts';
import { FLUSH_DELTAS_MAX, PUBLISHES_IN_FLIGHT_MAX } from '../../src/limits.ts';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { openEventWorld, type EventWorld } from './event-world.ts';
import { commitOf, startSweep } from './sweep-world.ts';

const test = suite('swept again', { timeoutMs: 60_000 });
let world: EventWorld;

test.before(async () => {
  world = await openEventWorld();
});
test.after(() => world?.stop());

async function writeHead(blobId: string): Promise<void> {
  const genesis = { contentType: 'text/plain', parentIds: [], rootId: blobId, depth: 0, createdBy: 'user', labels: {} };
  const now = new Date();
  const facts = { version: 1, contentVersion: 1, size: 0, createdAt: now, updatedAt: now };
  await new BlobHeads(world.database).insert({ id: blobId, owner: 'ann', genesis, ...facts });
}

test('G3: a head that a sweep could not heal is healed by the next', async () => {
  const committer = 'a'.repeat(16);
  const tried: string[] = [];
  const healHead = async (blobId: string): Promise<void> => {
    tried.push(blobId);
    if (tried.length === 1) throw new StudioError('LIMIT_EXCEEDED', 'No room for this document.');
    await writeHead(blobId);
  };
  const { committers, close } = await startSweep(world, { healHead, againMs: 0 });
  try {
    await new CommitLog(world.database).insert([commitOf(committer, 1)]);
    await committers.abandon(committer, 1);
    await eventually('it is healed', () => tried.length === 2, 30_000);
    assert.equal(tried, [`${committer}-1`, `${committer}-1`]);
  } finally {
    await close();
    await committers.remove(committer);
  }
});

test('G3: a process that was only cut off once, and swept then, is swept like any other when it is gone', async () => {
  const committer = 'b'.repeat(16);
  const healed: string[] = [];
  const healHead = async (blobId: string): Promise<void> => {
    healed.push(blobId);
    await writeHead(blobId);
  };
  // Long enough never to come within the test.
  const { committers, close } = await startSweep(world, { healHead, againMs: 60 * 60 * 1000 });
  try {
    const log = new CommitLog(world.database);
    await log.insert([commitOf(committer, 1)]);
    await committers.abandon(committer, 1);
    await eventually('it is swept', () => healed.length === 1);
    const isKnownToLive = async (): Promise<boolean> => {
      await committers.renew(committer, 1);
      const asked = committers.asked;
      // The one under way may have begun before.
      await eventually('the sweep has looked twice', () => committers.asked >= asked + 2);
      return (await committers.lapsed()).every(({ name }) => name !== committer);
    };
    await eventually('its lease was seen renewed', isKnownToLive);
    await log.insert([commitOf(committer, 2)]);
    await committers.abandon(committer, 2);
    await eventually('it is swept again', () => healed.length === 2, 30_000);
    assert.is(healed[1], `${committer}-2`);
  } finally {
    await close();
    await committers.remove(committer);
  }
});

test('G5: what a process had told of shortly before its end is told again, once, where NATS was started again since', async () => {
  const committer = 'd'.repeat(16);
  const { committers, writer, ground, close } = await startSweep(world, { healHead: async () => {}, againMs: 0 });
  const entry = async (): Promise<string> => {
    const found = (await committers.lapsed()).find(({ name }) => name === committer);
    return `${found?.low} ${found?.again} ${found?.ground}`;
  };
  const sweepAgain = async (): Promise<void> => {
    const { asked } = committers;
    await eventually('it is looked at again', () => committers.asked >= asked + 2);
  };
  try {
    const log = new CommitLog(world.database);
    for (const seq of [1, 2, 3]) await log.insert([commitOf(committer, seq)]);
    await committers.abandon(committer, 3, { again: 1, ground });
    await sweepAgain();
    assert.equal(writer.counts, []);
    await committers.abandon(committer, 3, { again: 1, ground: 'an earlier one' });
    await eventually('it is known to be told of', async () => (await entry()) === `3 1 ${ground}`);
    await sweepAgain();
    // Of each of two commits, its creation and its delta.
    assert.equal(writer.counts, [4]);
  } finally {
    await close();
    await committers.remove(committer);
  }
});

test('G7: a sweep gives the stream no more at once than it takes, and goes on from where it got to', async () => {
  const committer = 'c'.repeat(16);
  const commits = Array.from({ length: 60 }, (_none, index) => commitOf(committer, index + 1, FLUSH_DELTAS_MAX));
  const events = commits.length * (FLUSH_DELTAS_MAX + 2);
  const lows: number[] = [];
  const lapsed = async (): Promise<number | undefined> =>
    (await committers.lapsed()).find(({ name }) => name === committer)?.low;
  // Asked for each blob, after its slice was written.
  const healHead = async (): Promise<void> => void lows.push((await lapsed()) ?? 0);
  const { committers, writer, close } = await startSweep(world, { healHead });
  try {
    const log = new CommitLog(world.database);
    for (const commit of commits) await log.insert([commit]);
    await committers.abandon(committer, 0);
    await eventually('it is swept', async () => (await lapsed()) === commits.length, 30_000);
    assert.is(
      writer.counts.reduce((sum, count) => sum + count, 0),
      events,
    );
    assert.ok(Math.max(...writer.counts) <= PUBLISHES_IN_FLIGHT_MAX, writer.counts.join(' '));
    // The mark followed each slice: the heads of the last were looked at when that of the one before was passed.
    const last = Math.floor(PUBLISHES_IN_FLIGHT_MAX / (FLUSH_DELTAS_MAX + 2));
    assert.ok(Math.max(...lows) >= commits.length - last, lows.join(' '));
  } finally {
    await close();
    await committers.remove(committer);
  }
});

test.run();
