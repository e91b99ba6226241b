/** Any version quickly, from verified checkpoints; whatever kills their making, and whatever is wrong with them. */
import { setTimeout } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import type { Commit } from '../../src/domain/delta.ts';
import { RoomState } from '../../src/documents/memory/room-state.ts';
import { CHECKPOINT_RUNS_MAX, RUN_DELTAS, STATE_EVERY_DELTAS, STATES_PER_ROUND_MAX } from '../../src/limits.ts';
import { Checkpoints, isState, type CheckpointIndex, type RunEntry } from '../../src/storage/checkpoints.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { closeHistories, openHistory, requireClean, requireVersions, runHistoryProcess, textAt } from './past-world.ts';
import { seedLog } from './seeded-log.ts';

const test = suite('history: checkpoints', { timeoutMs: 120_000 });
const DATABASE = 'checkpoints';
const DELTAS = STATE_EVERY_DELTAS * 2 + 700;
let parts: TestParts;
let database: Database;

test.before(async () => {
  parts = await startParts({ mongodb: true });
  database = await openDatabase({ url: parts.url('mongodb'), name: DATABASE });
});
test.after.each(closeHistories);
test.after(async () => {
  await database?.close();
  await parts?.stop();
});

const seed = (blobId: string, deltas = DELTAS): ReturnType<typeof seedLog> =>
  seedLog(database, { blobId, owner: 'ann', deltas, seed: blobId.length, sampleEvery: 331 });

test('G2: every version reads the same before checkpoints, with them, and from any process', async () => {
  const log = await seed('same');
  const past = await openHistory(database);
  await requireVersions(past, log);
  const state = await past.history.load('same');
  await past.compaction.settle();
  await requireVersions(past, log);
  past.history.leave(state);
  await past.compaction.settle();
  await past.close();

  const other = await openHistory(database);
  await requireVersions(other, log);
  const loaded = await other.history.load('same');
  assert.is(loaded.doc.getText('content').toJSON(), log.texts.get(log.version));
  assert.is(JSON.stringify(loaded.head()), JSON.stringify(state.head()));
  const { states, runs } = await other.checkpoints.index('same');
  const versions = states.map(({ version }) => version);
  assert.equal(versions, [STATE_EVERY_DELTAS, STATE_EVERY_DELTAS * 2, log.version]);
  assert.ok(runs.length < 8 && runs.length < CHECKPOINT_RUNS_MAX, `${runs.length} runs: not joined`);
  await other.close();
  await requireClean(parts, DATABASE, ['same']);
});

const KILLED_AT = [
  'checkpoint.before_write',
  'checkpoint.after_write',
  'checkpoint.after_verify',
  'checkpoint.after_register',
  // The first passage is of all the runs, this one is of the first state.
  'checkpoint.after_write=kill@2',
  'checkpoint.after_verify=kill@2',
  'compaction.after_join',
  'compaction.after_unregister',
  'compaction.after_remove',
];

for (const [index, failpoint] of KILLED_AT.entries()) {
  test(`killed at ${failpoint}, nothing half done is used, and the next process makes the rest`, async () => {
    const blobId = `killed-${index}`;
    const log = await seed(blobId, STATE_EVERY_DELTAS + 300);
    const target = { parts, database: DATABASE, blobId };
    const plan = failpoint.includes('=') ? failpoint : `${failpoint}=kill`;
    assert.is(await runHistoryProcess('compact', target, plan), 'SIGKILL');
    await requireClean(parts, DATABASE, [blobId]);
    const past = await openHistory(database);
    await requireVersions(past, log, [331, 331 * 13, log.version]);
    await past.close();
    assert.is(await runHistoryProcess('compact', target), 0);
    await requireClean(parts, DATABASE, [blobId]);
    const after = await openHistory(database);
    const { states } = await after.checkpoints.index(blobId);
    assert.ok(states.some(({ version }) => version === STATE_EVERY_DELTAS));
    await requireVersions(after, log, [331, 331 * 13, log.version]);
    await after.close();
  });
}

test('a wrong, cut or missing checkpoint is never used: it is left out, reported and made anew', async () => {
  const log = await seed('wrong');
  const past = await openHistory(database);
  const state = await past.history.load('wrong');
  await past.compaction.settle();
  past.history.leave(state);
  await past.compaction.settle();
  const { states, runs } = await past.checkpoints.index('wrong');
  await past.close();
  const idOf = (hash: string | undefined): { _id: string } => {
    const entry = [...states, ...runs].find((one) => one.hash === hash);
    const place = entry && ('version' in entry ? `s${entry.version}` : `r${entry.first}-${entry.last}`);
    return { _id: `wrong:${place}:${hash}:0` };
  };
  const stored = await database.checkpoints.findOne(idOf(states[0]?.hash));
  assert.ok(stored);
  const flipped = Uint8Array.from(stored.bytes);
  flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1;
  await database.checkpoints.updateOne(idOf(states[0]?.hash), { $set: { bytes: flipped } });
  await database.checkpoints.updateOne(idOf(states[1]?.hash), { $set: { bytes: stored.bytes.subarray(0, 40) } });
  await database.checkpoints.deleteOne(idOf(states[2]?.hash));
  await database.checkpoints.deleteOne(idOf(runs[0]?.hash));

  const after = await openHistory(database);
  await requireVersions(after, log, [331, 331 * 13, 331 * 26, log.version]);
  const loaded = await after.history.load('wrong');
  assert.is(loaded.doc.getText('content').toJSON(), log.texts.get(log.version));
  assert.is(after.compaction.rejected, 4);
  await after.compaction.settle();
  await after.compaction.rebuild(loaded);
  const again = await after.checkpoints.index('wrong');
  assert.equal(
    again.states.map(({ version }) => version),
    states.map(({ version }) => version),
  );
  await after.close();
  await requireClean(parts, DATABASE, ['wrong']);
});

test('a wrong checkpoint that many come upon is reported and dropped once, and made anew only when it is gone', async () => {
  const log = await seed('known-wrong', STATE_EVERY_DELTAS + 300);
  const past = await openHistory(database);
  await past.compaction.rebuild(await past.history.load('known-wrong'));
  const before = await past.checkpoints.index('known-wrong');
  await past.close();
  await database.checkpoints.updateMany({ _id: { $regex: '^known-wrong:s' } }, { $set: { bytes: new Uint8Array(9) } });

  const after = await openHistory(database);
  const order: string[] = [];
  let free = (): void => undefined;
  const freed = new Promise<void>((resolve) => (free = resolve));
  const { checkpoints } = after;
  const remove = checkpoints.remove.bind(checkpoints);
  checkpoints.unregister = async (blobId, entries) => {
    await freed;
    await Checkpoints.prototype.unregister.call(checkpoints, blobId, entries);
  };
  checkpoints.remove = async (...request) => {
    await remove(...request);
    order.push('removed');
  };
  checkpoints.register = async (placed) => {
    await Checkpoints.prototype.register.call(checkpoints, placed);
    if (placed.some(({ entry }) => isState(entry))) order.push('made anew');
  };
  for (let reader = 0; reader < 3; reader++) await requireVersions(after, log, [log.version]);
  assert.is(after.compaction.rejected, before.states.length);
  const rebuilt = after.compaction.rebuild(await after.history.load('known-wrong'));
  await setTimeout(100);
  free();
  await rebuilt;
  assert.is(after.compaction.rejected, before.states.length);
  assert.equal(
    order.slice(0, before.states.length),
    before.states.map(() => 'removed'),
    order.join(),
  );
  const hashes = ({ states, runs }: CheckpointIndex): string[] => [...states, ...runs].map(({ hash }) => hash);
  assert.equal(hashes(await checkpoints.index('known-wrong')), hashes(before));
  const { states, runs } = before;
  assert.is((await checkpoints.read('known-wrong', [...states, ...runs])).size, states.length + runs.length);
  await after.close();
  await requireClean(parts, DATABASE, ['known-wrong']);
});

test('the cost of a commit does not grow with the history: no query to the database, and few checkpoints', async () => {
  await seed('steady', 3_000);
  const past = await openHistory(database);
  const state = await past.history.load('steady');
  await past.compaction.settle();
  const asked: string[] = [];
  const checkpoints = past.checkpoints as { index: (blobId: string) => Promise<unknown> };
  const index = checkpoints.index.bind(past.checkpoints);
  checkpoints.index = (blobId) => {
    asked.push(blobId);
    return index(blobId);
  };
  for (let commit = 0; commit < 1_000; commit++) past.history.checkpointIfDue(state);
  await past.compaction.settle();
  assert.equal(asked, []);
  await past.close();
});

test('runs of many blobs that are written to are stored together, with nothing looked up', async () => {
  const blobIds = ['live-1', 'live-2', 'live-3', 'live-4'];
  const logs = await Promise.all(blobIds.map((blobId) => seed(blobId, 2 * RUN_DELTAS + 100)));
  const past = await openHistory(database);
  const asked: string[] = [];
  const registered: number[] = [];
  const index = past.checkpoints.index.bind(past.checkpoints);
  const register = past.checkpoints.register.bind(past.checkpoints);
  past.checkpoints.index = (blobId) => {
    asked.push(blobId);
    return index(blobId);
  };
  past.checkpoints.register = (placed) => {
    registered.push(placed.length);
    return register(placed);
  };
  for (const blobId of blobIds) {
    const state = new RoomState(blobId);
    for await (const commit of new CommitLog(database).read(blobId, 1)) {
      state.apply([commit]);
      past.history.checkpointIfDue(state);
    }
  }
  await past.compaction.settle();
  assert.equal([asked, registered], [[], [2 * blobIds.length]]);
  await past.close();
  const other = await openHistory(database);
  for (const log of logs) {
    const { runs } = await other.checkpoints.index(log.blobId);
    assert.equal(
      runs.map(({ first, last }) => [first, last]),
      [
        [1, RUN_DELTAS],
        [RUN_DELTAS + 1, 2 * RUN_DELTAS],
      ],
    );
    await requireVersions(other, log);
  }
  await other.close();
  await requireClean(parts, DATABASE, blobIds);
});

test('a blob that has runs and no state yet is loaded whole, its first delta included', async () => {
  const log = await seed('young', 600);
  const past = await openHistory(database);
  await past.history.load('young');
  await past.compaction.settle();
  await past.close();
  const other = await openHistory(database);
  const { states, runs } = await other.checkpoints.index('young');
  assert.equal([states.length, runs.length], [0, 2]);
  const state = await other.history.load('young');
  assert.is(state.doc.getText('content').toJSON(), log.texts.get(600));
  assert.is(state.genesis.contentType, 'text/plain');
  assert.is(state.owner, 'ann');
  assert.is(state.owners.size, 1);
  await other.close();
});

test('states that a process did not come to make are made when the blob is loaded again, however many', async () => {
  // More than one round makes.
  const log = await seed('unfinished', STATE_EVERY_DELTAS * (STATES_PER_ROUND_MAX + 1) + 700);
  const past = await openHistory(database);
  past.history.leave(await past.history.load('unfinished'));
  await past.compaction.settle();
  const { states, runs } = await past.checkpoints.index('unfinished');
  await past.close();
  await database.checkpointIndex.updateOne({ _id: 'unfinished' }, { $set: { states: [] } });
  const other = await openHistory(database);
  await other.history.load('unfinished');
  await other.compaction.settle();
  const again = await other.checkpoints.index('unfinished');
  const spaced = states.map(({ version }) => version).filter((version) => version < log.version);
  assert.equal(
    again.states.map(({ version }) => version),
    spaced,
  );
  assert.equal(again.runs, runs);
  await other.close();
  await requireClean(parts, DATABASE, ['unfinished']);

  // A delta that comes meanwhile, and makes a run due, must not make it forget the states that are still missing.
  const lastRun = runs.at(-1) as RunEntry;
  await database.checkpointIndex.updateOne(
    { _id: 'unfinished' },
    { $set: { states: [], runs: runs.filter((run) => run !== lastRun) } },
  );
  const past3 = await openHistory(database);
  const { checkpoints } = past3;
  const [state, later] = [new RoomState('unfinished'), [] as Commit[]];
  for await (const commit of new CommitLog(database).read('unfinished', 1)) {
    if (later.length > 0 || commit.lastSeq >= lastRun.last) later.push(commit);
    else state.apply([commit]);
  }
  checkpoints.register = async (placed) => {
    await Checkpoints.prototype.register.call(checkpoints, placed);
    for (const commit of later.splice(0)) {
      state.apply([commit]);
      past3.history.checkpointIfDue(state);
    }
  };
  past3.compaction.follow(state, await checkpoints.index('unfinished'));
  await past3.compaction.settle();
  assert.is(state.version, log.version);
  const overtaken = await checkpoints.index('unfinished');
  assert.equal(
    overtaken.states.map(({ version }) => version),
    spaced,
  );
  assert.equal(overtaken.runs, runs);
  await past3.close();
});

test('VERSION_NOT_FOUND beyond the head', async () => {
  const log = await seed('short', 300);
  const past = await openHistory(database);
  try {
    await textAt(past, 'short', log.version + 1);
    assert.unreachable();
  } catch (error) {
    assert.is((error as { reason?: string }).reason, 'VERSION_NOT_FOUND');
  }
  await past.close();
});

test.run();
