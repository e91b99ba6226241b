/** What is made of the past beside the log stays whole: no hole in memory, no wrong run, nothing dropped that is needed. */
import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { encodeRun, runOf } from '../../src/documents/log/checkpoint-codec.ts';
import { RoomState } from '../../src/documents/memory/room-state.ts';
import { LOAD_TRIED_BYTES_MIN, LOG_PAGE_COMMITS, RUN_DELTAS } from '../../src/limits.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { Checkpoints } from '../../src/storage/checkpoints.ts';
import { isDatabaseError } from '../../src/storage/database-error.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { Tombstones } from '../../src/storage/log/tombstones.ts';
import { readLog } from '../campaign/replay.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { audit, closeHistories, openHistory, requireClean, requireVersions, textAt } from './past-world.ts';
import { openRetention } from './retention-world.ts';
import { seedLog, type SeededLog } from './seeded-log.ts';

const test = suite('history: holes');
const DATABASE = 'holes';
const DAY_MS = 86_400_000;
const SECOND_RUN = { first: RUN_DELTAS + 1, last: 2 * RUN_DELTAS };
let parts: TestParts;
let database: Database;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  database = await openDatabase({ url: parts.url('mongodb'), name: DATABASE });
});
test.after.each(closeHistories);
test.after(async () => {
  await database?.close();
  await parts?.stop();
});

const seed = (blobId: string, deltas: number): Promise<SeededLog> =>
  seedLog(database, { blobId, owner: 'ann', deltas, seed: 3, sampleEvery: 97, breakEvery: RUN_DELTAS });

const versionsOf = (state: RoomState, first: number, last: number): number[] | undefined =>
  state.recent(first, last)?.map(({ toVersion }) => toVersion);

test('G2: deltas before and after a run do not become neighbours in memory, nor a run of the wrong ones', async () => {
  const log = await seed('gap', 3 * RUN_DELTAS + 100);
  const past = await openHistory(database);
  // As it is where the first window is too large for a run.
  await past.maker.makeRuns([{ blobId: 'gap', range: SECOND_RUN, packed: undefined }]);
  const index = await past.checkpoints.index('gap');
  const state = new RoomState('gap');
  const commits = new CommitLog(database);
  const read = async (first: number, last: number): Promise<void> => {
    for (const commit of await commits.readRange('gap', first, last)) state.apply([commit]);
  };
  await read(1, RUN_DELTAS);
  state.skip({
    ...runOf((await commits.readRange('gap', SECOND_RUN.first, SECOND_RUN.last)).flatMap((c) => c.deltas)),
  });
  assert.is(state.newestDelta, undefined, 'the newest is not one from before the run');
  await read(SECOND_RUN.last + 1, SECOND_RUN.last + 8);
  assert.equal(versionsOf(state, 513, 514), [513, 514]);
  assert.equal([versionsOf(state, 300, 310), versionsOf(state, 200, 520)], [undefined, undefined]);
  past.compaction.follow(state, index);
  // Five seconds without a keystroke, and on.
  state.relax((relaxed) => past.compaction.keep(relaxed));
  for (const commit of await commits.readRange('gap', state.version + 1, log.version)) {
    state.apply([commit]);
    past.history.checkpointIfDue(state);
  }
  await past.compaction.settle();
  await requireVersions(past, log);
  await past.close();
  const other = await openHistory(database);
  const loaded = await other.history.load('gap');
  assert.is(loaded.doc.getText('content').toJSON(), log.texts.get(log.version));
  assert.equal(versionsOf(loaded, log.version, log.version), [log.version]);
  await requireVersions(other, log);
  assert.is(other.compaction.rejected, 0, 'whole runs are used');
  await other.close();
  await requireClean(parts, DATABASE, ['gap']);
});

test('G2: a stored run that lacks deltas is never used', async () => {
  const log = await seed('short-run', 2 * RUN_DELTAS + 40);
  const past = await openHistory(database);
  const deltas = (await new CommitLog(database).readRange('short-run', 1, RUN_DELTAS)).flatMap(
    (commit) => commit.deltas,
  );
  const bytes = encodeRun(runOf(deltas.slice(0, -3)));
  await past.checkpoints.register(
    await past.checkpoints.writeRuns([{ blobId: 'short-run', range: { first: 1, last: RUN_DELTAS }, bytes }]),
  );
  await requireVersions(past, log);
  const loaded = await past.history.load('short-run');
  assert.is(loaded.version, log.version);
  assert.is(past.compaction.rejected, 1);
  // Nor is one stored that was packed wrongly.
  await past.maker.makeRuns([{ blobId: 'short-run', range: { first: 1, last: RUN_DELTAS }, packed: bytes }]);
  await past.close();
  await requireClean(parts, DATABASE, ['short-run']);
});

test('G2: a commit that starts inside another one is found and refused, also where a page ends between them', async () => {
  const { version } = await seed('overlap', 2 * LOG_PAGE_COMMITS);
  const holder = await database.commits.findOne({
    blob_id: 'overlap',
    first_seq: { $lte: LOG_PAGE_COMMITS },
    last_seq: { $gt: LOG_PAGE_COMMITS },
  });
  assert.ok(holder, 'no commit reaches over the end of the first page');
  const { last_seq: last, deltas } = holder;
  const inside = { ...holder, _id: `${holder._id}-again`, first_seq: last, deltas: deltas.slice(-1) };
  await database.commits.insertOne(inside);
  const past = await openHistory(database);
  for (const read of [() => past.history.load('overlap'), () => textAt(past, 'overlap', version)]) {
    const error: unknown = await read().catch((thrown: unknown) => thrown);
    assert.match(String(error), `two commits hold delta ${last}`);
  }
  await past.close();
  const { findings } = await audit(parts, DATABASE, { blobIds: ['overlap'] });
  assert.ok(findings.some(({ text }) => text.includes(`starts with delta ${last}, which another one holds`)));
  assert.equal((await readLog(database, 'overlap')).problems, [`after ${last} comes ${last}`]);
  await database.commits.deleteOne({ _id: inside._id });
  await database.db.collection('quarantine').deleteMany({});
});

async function seedLarge(blobId: string): Promise<void> {
  const { version } = await seed(blobId, 3);
  const doc = new Y.Doc();
  const commits = new CommitLog(database);
  const [last] = await commits.readRange(blobId, version, version);
  for (const commit of await commits.readRange(blobId, 1, version))
    for (const delta of commit.deltas) for (const update of delta.updates) Y.applyUpdate(doc, update);
  const before = Y.encodeStateVector(doc);
  doc.clientID = 77;
  doc.getText('content').insert(0, 'x'.repeat(LOAD_TRIED_BYTES_MIN + 1));
  const newest = last?.deltas.at(-1);
  assert.ok(last && newest);
  const delta = {
    ...newest,
    id: `${blobId}-large`,
    toVersion: version + 1,
    base: { fromVersion: version, extras: [] },
    updates: [Y.encodeStateAsUpdate(doc, before)],
    newClients: [77],
  };
  const commit = { ...last, id: `${blobId}-large`, firstSeq: version + 1, lastSeq: version + 1, committerSeq: 1e6 };
  const { results } = await commits.insert([{ ...commit, deltas: [delta] }]);
  assert.equal(results, ['inserted']);
}

test('G1: a process that stops while it tries a large state takes it neither for wrong nor for the end of the blob', async () => {
  await seedLarge('stopping');
  const past = await openHistory(database);
  await past.maker.makeState('stopping', 4);
  const before = await past.checkpoints.index('stopping');
  assert.ok((before.states.at(-1)?.bytes ?? 0) >= LOAD_TRIED_BYTES_MIN);
  const loading = past.history.load('stopping').then(
    () => 'loaded',
    (error: { reason?: string }) => error.reason,
  );
  past.worker.close();
  assert.is(await loading, 'DRAINING');
  assert.is(past.compaction.rejected, 0);
  assert.equal(await past.checkpoints.index('stopping'), before);
  assert.is(await database.db.collection('quarantine').countDocuments(), 0);
  await past.close();
});

test('of two states of one version, the one that is wrong is dropped', async () => {
  const { version } = await seed('two-states', 300);
  const past = await openHistory(database);
  const good = await past.maker.makeState('two-states', version);
  // Read before the good one: the last by hash.
  for (let nonce = 0; ; nonce++) {
    const bytes = Buffer.from(`no state, ${nonce}`);
    if (createHash('sha256').update(bytes).digest('hex') < good.hash) continue;
    const entry = await past.checkpoints.writeState('two-states', { version }, bytes);
    await past.checkpoints.register([{ blobId: 'two-states', entry }]);
    break;
  }
  assert.is((await past.history.load('two-states')).version, version);
  await past.compaction.settle();
  const hashes = (await past.checkpoints.index('two-states')).states.map(({ hash }) => hash);
  assert.equal(hashes, [good.hash]);
  await past.close();
});

test('an update that the database refuses is told as the database’s', async () => {
  await database.checkpointIndex.insertOne({ _id: 'odd', states: 'none', runs: [] } as never);
  const update = [{ q: { _id: 'odd' }, u: { $addToSet: { states: 1 } }, upsert: true }];
  const error = await database.update('checkpoint_index', update).catch((thrown: unknown) => thrown);
  assert.match(String(error), /checkpoint_index not updated/);
  assert.ok(isDatabaseError(error));
  await database.checkpointIndex.deleteOne({ _id: 'odd' });
});

test('checkpoints that can not be made are not tried again with every delta', async () => {
  const { version } = await seed('failing', 4 * RUN_DELTAS);
  const past = await openHistory(database);
  let tries = 0;
  past.maker.makeRuns = () => {
    tries += 1;
    return Promise.reject(new Error('not today'));
  };
  const state = new RoomState('failing');
  for await (const commit of new CommitLog(database).read('failing', 1)) {
    state.apply([commit]);
    past.history.checkpointIfDue(state);
    await past.compaction.settle();
  }
  assert.is(state.version, version);
  // At 256, after 256 more, and after 512.
  assert.is(tries, 3);
  await past.close();
});

async function seedOld(blobId: string): Promise<SeededLog> {
  const began = Date.now() - 6 * DAY_MS;
  return seedLog(database, {
    blobId,
    owner: 'ann',
    deltas: 900,
    seed: 9,
    sampleEvery: 1,
    breakEvery: 300,
    appliedAt: (lastSeq) => new Date(began + Math.floor((lastSeq - 1) / 300) * DAY_MS + lastSeq),
  });
}

const RULE = { thinAfterMs: DAY_MS, keepDaily: true };

test('G2: retention makes the state anew that compaction dropped before there was a tombstone', async () => {
  const log = await seedOld('raced');
  const world = await openRetention(parts, { database: DATABASE });
  const { past, thinning } = world;
  const { tombstones } = past;
  tombstones.put = async (tombstone, slot) => {
    const { states } = await past.checkpoints.index('raced');
    // Compaction in another process, which read the tombstones a moment ago.
    await past.maker.drop(
      'raced',
      states.filter(({ version }) => version === tombstone.last),
    );
    return Tombstones.prototype.put.call(tombstones, tombstone, slot);
  };
  const dropped = await thinning.apply('raced', RULE, 'ann');
  assert.ok(dropped.length > 0);
  await requireVersions(
    past,
    log,
    dropped.map(({ last }) => last),
  );
  await world.close();
  await requireClean(parts, DATABASE, ['raced']);
});

test('G2: compaction lists a state again that came to end a dropped range while it was being dropped', async () => {
  const log = await seedOld('relisted');
  const world = await openRetention(parts, { database: DATABASE });
  const { past, thinning } = world;
  const state = await past.history.load('relisted');
  await past.compaction.rebuild(state);
  await past.maker.makeState('relisted', 300);
  const { checkpoints } = past;
  checkpoints.unregister = async (blobId, entries) => {
    await Checkpoints.prototype.unregister.call(checkpoints, blobId, entries);
    checkpoints.unregister = Checkpoints.prototype.unregister.bind(checkpoints);
    const whole = { first: 2, last: 300, commits: 1, bytes: 1, stateHash: '' };
    await past.tombstones.put({ blobId, ...whole, droppedAt: new Date(), droppedBy: 'ann' }, 0);
  };
  await past.compaction.tidy('relisted');
  const { states } = await checkpoints.index('relisted');
  const kept = states.filter(({ version }) => version === 300);
  assert.is((await checkpoints.read('relisted', kept)).size, 1);
  await thinning.finish('relisted');
  await requireVersions(past, log, [1, 300, log.version]);
  await world.close();
});

test('G2: states are listed again where it can not be told whether they have come to be needed', async () => {
  await seed('untold', 600);
  const past = await openHistory(database);
  const entry = await past.maker.makeState('untold', 600);
  const failed = past.maker.drop('untold', [entry], () => Promise.reject(new Error('no answer')));
  assert.match(String(await failed.catch(String)), 'no answer');
  const { states } = await past.checkpoints.index('untold');
  assert.is((await past.checkpoints.read('untold', states)).size, 1);
  await past.close();
});

test('G2: an object that was made anew while it was being dropped stays', async () => {
  await seed('again', 600);
  const past = await openHistory(database);
  const entry = await past.maker.makeState('again', 600);
  const { checkpoints } = past;
  checkpoints.unregister = async (blobId, entries) => {
    await Checkpoints.prototype.unregister.call(checkpoints, blobId, entries);
    await past.maker.makeState('again', 600);
  };
  await past.maker.drop('again', [entry]);
  const { states } = await checkpoints.index('again');
  assert.is(states.length, 1);
  assert.is((await checkpoints.read('again', states)).size, 1);
  await past.close();
});

test('a wrong state that nothing can be made in place of is reported, and kept', async () => {
  const log = await seedOld('last-copy');
  const world = await openRetention(parts, { database: DATABASE });
  const { past, thinning } = world;
  const [range] = await thinning.apply('last-copy', RULE, 'ann');
  assert.ok(range);
  const { states } = await past.checkpoints.index('last-copy');
  const end = states.find(({ version }) => version === range.last);
  assert.ok(end);
  const stored = await database.checkpoints.findOne({ _id: { $regex: `^last-copy:s${end.version}:` } });
  assert.ok(stored);
  const _id = stored._id;
  await database.checkpoints.updateOne({ _id }, { $set: { bytes: new Uint8Array(4) } });
  const other = await openHistory(database);
  await requireVersions(other, log, [range.last]).then(
    () => assert.unreachable(),
    () => undefined,
  );
  await requireVersions(other, log, [range.last]).then(
    () => assert.unreachable(),
    () => undefined,
  );
  assert.is(other.compaction.rejected, 1, 'reported once');
  await other.compaction.settle();
  // Mended by hand, it is used again.
  await database.checkpoints.updateOne({ _id }, { $set: { bytes: stored.bytes } });
  await requireVersions(other, log, [range.last, log.version]);
  await other.close();
  await world.close();
});

test.run();
