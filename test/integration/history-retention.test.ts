/** Old history thinned: what was foretold is dropped, nothing else changes, whatever kills it. */
import * as assert from 'uvu/assert';
import { headBase } from '../../src/domain/base.ts';
import { RoomState } from '../../src/documents/memory/room-state.ts';
import { RetentionPass } from '../../src/documents/retention/retention-pass.ts';
import { OriginBlock } from '../../src/domain/attribution/origin-block.ts';
import { OriginIndex } from '../../src/documents/origins/origin-index.ts';
import { Failpoints } from '../../src/failpoints.ts';
import { ORIGINS_BLOCK_VERSIONS } from '../../src/limits.ts';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { Lease } from '../../src/storage/leases.ts';
import { Mark } from '../../src/storage/marks.ts';
import { NamedVersions } from '../../src/storage/named-versions.ts';
import { OriginBlocks } from '../../src/storage/origin-blocks.ts';
import { RetentionPolicies } from '../../src/storage/retention-policies.ts';
import { Tombstones } from '../../src/storage/log/tombstones.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { closeHistories, logger, openHistory, requireClean, requireVersions } from './past-world.ts';
import { runHistoryProcess, textAt } from './past-world.ts';
import { nameVersion, openRetention, type RetentionWorld } from './retention-world.ts';
import { seedLog, type SeededLog } from './seeded-log.ts';

const test = suite('history: retention', { timeoutMs: 120_000 });
const DATABASE = 'retention';
const DAY_MS = 86_400_000;
const RULE = { thinAfterMs: DAY_MS, keepDaily: true };
/** Days of 300 deltas each; the last two are young. */
const DAYS = 6;
/** What somebody gave a name. */
const NAMED = 777;
let parts: TestParts;
let database: Database;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  database = await openDatabase({ url: parts.url('mongodb'), name: DATABASE });
  await new NamedVersions(database.db).createIndexes();
});
test.after.each(closeHistories);
test.after(async () => {
  await database?.close();
  await parts?.stop();
});

async function seed(blobId: string): Promise<SeededLog> {
  const noon = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAYS * DAY_MS + DAY_MS / 2;
  const log = await seedLog(database, {
    blobId,
    owner: 'ann',
    deltas: 300 * DAYS,
    seed: 7,
    sampleEvery: 1,
    breakEvery: 300,
    appliedAt: (lastSeq) => new Date(noon + Math.floor((lastSeq - 1) / 300) * DAY_MS + lastSeq),
  });
  await nameVersion(database, blobId, NAMED);
  return log;
}

const retention = (failpoints?: Failpoints): Promise<RetentionWorld> =>
  openRetention(parts, { database: DATABASE, failpoints });

async function reasonAt(
  past: Awaited<ReturnType<typeof openHistory>>,
  blobId: string,
  version: number,
): Promise<Error> {
  try {
    await textAt(past, blobId, version);
  } catch (error) {
    return error as Error;
  }
  throw new Error(`version ${version} can still be read`);
}

/** Dropped versions say so, all others read as before. */
async function requireThinned(blobId: string, log: SeededLog): Promise<void> {
  const past = await openHistory(database);
  const dropped = await past.tombstones.list(blobId);
  assert.ok(dropped.length >= 4, `only ${dropped.length} ranges dropped`);
  const isDropped = (version: number): boolean =>
    dropped.some((range) => range.first <= version && version < range.last);
  const versions = [...log.texts.keys()];
  const kept = versions.filter((version) => !isDropped(version));
  for (const version of [1, NAMED, 300, 600, 900, log.version]) assert.ok(kept.includes(version), `version ${version}`);
  await requireVersions(
    past,
    log,
    kept.filter((version) => version % 17 === 0 || version === NAMED),
  );
  for (const { first, last } of dropped) {
    const error = (await reasonAt(past, blobId, first)) as { reason?: string; metadata?: Record<string, string> };
    assert.is(error.reason, 'VERSION_THINNED');
    assert.is(error.metadata?.['kept_before'], String(first - 1));
    assert.is(error.metadata?.['kept_after'], String(last));
    await requireVersions(past, log, [first - 1, last]);
  }
  const loaded = await past.history.load(blobId);
  assert.is(loaded.doc.getText('content').toJSON(), log.texts.get(log.version));
  const listed: number[] = [];
  for (let after = 0; ; after = listed.at(-1) ?? 0) {
    const { deltas } = await past.history.deltas.after(blobId, after, 100);
    if (deltas.length === 0) break;
    listed.push(...deltas.map(({ toVersion }) => toVersion));
  }
  assert.equal(
    listed,
    versions.filter((version) => !dropped.some((range) => range.first <= version && version <= range.last)),
  );
  const newest = await past.history.deltas.before(blobId, log.version + 1, 0, 10_000);
  assert.equal(
    newest.deltas.map(({ toVersion }) => toVersion),
    listed,
  );
  const [block] = await new OriginBlocks(database.db).range(blobId, 0, 0);
  const facts = block && OriginBlock.decode(block.bytes)?.facts;
  assert.is(facts?.length, ORIGINS_BLOCK_VERSIONS, 'who made what was dropped is known');
  await past.close();
}

test('what the preview tells is what applying drops; the rest reads as before', async () => {
  const log = await seed('thin');
  const world = await retention();
  const { thinning: work } = world;
  const foretold = await work.plan('thin', RULE);
  const before = await database.commits.countDocuments({ blob_id: 'thin' });
  const dropped = await work.apply('thin', RULE, 'ann');
  assert.equal(dropped, foretold);
  const after = await database.commits.countDocuments({ blob_id: 'thin' });
  assert.is(
    before - after,
    foretold.reduce((sum, range) => sum + range.commits, 0),
  );
  assert.equal(await work.plan('thin', RULE), [], 'a second time there is nothing to drop');
  await world.close();
  await requireThinned('thin', log);
  await requireClean(parts, DATABASE, ['thin']);
});

test('thinned after checkpoints were made, and compacted after it was thinned', async () => {
  const log = await seed('both');
  const world = await retention();
  const { thinning: work, past } = world;
  const state = await past.history.load('both');
  await past.compaction.settle();
  past.history.leave(state);
  await past.compaction.settle();
  await work.apply('both', RULE, 'ann');
  await requireThinned('both', log);
  await past.compaction.rebuild(await past.history.load('both'));
  await world.close();
  await requireThinned('both', log);
  await requireClean(parts, DATABASE, ['both']);
});

test('what a process remembers of versions that were dropped since is not stored again', async () => {
  const blobId = 'remembered';
  const old = new Date(Date.now() - 3 * DAY_MS);
  const appliedAt = (lastSeq: number): Date => (lastSeq <= 200 ? old : new Date());
  await seedLog(database, { blobId, owner: 'ann', deltas: 300, seed: 7, sampleEvery: 300, breakEvery: 200, appliedAt });
  const commits = await new CommitLog(database).readRange(blobId, 1);
  const world = await retention();
  const { thinning: work, past } = world;
  const state = new RoomState(blobId);
  state.apply(commits.filter(({ lastSeq }) => lastSeq <= 200));
  past.compaction.follow(state, await past.checkpoints.index(blobId));
  state.relax((relaxed) => past.compaction.keep(relaxed));
  assert.ok((await work.apply(blobId, RULE, 'ann')).length > 0);
  for (const commit of commits.filter(({ lastSeq }) => lastSeq > 200)) {
    state.apply([commit]);
    past.history.checkpointIfDue(state);
  }
  await past.compaction.settle();
  assert.equal((await past.checkpoints.index(blobId)).runs, []);
  assert.is(((await reasonAt(past, blobId, 100)) as { reason?: string }).reason, 'VERSION_THINNED');
  await world.close();
});

test('a run that is stored while retention drops some of it goes again', async () => {
  const blobId = 'overtaken-run';
  const log = await seed(blobId);
  const world = await retention();
  const { thinning: work, past } = world;
  const read = past.checkpoints.readPlaced.bind(past.checkpoints);
  let dropped = 0;
  past.checkpoints.readPlaced = async (placed) => {
    past.checkpoints.readPlaced = read;
    const stored = await read(placed);
    dropped = (await work.apply(blobId, RULE, 'ann')).length;
    return stored;
  };
  await past.compaction.round(blobId, log.version, { leaving: false });
  assert.ok(dropped > 0);
  const tombstones = await past.tombstones.list(blobId);
  const { runs } = await past.checkpoints.index(blobId);
  assert.equal(
    runs.filter((run) => tombstones.some(({ first, last }) => run.first <= last && first <= run.last)),
    [],
  );
  await world.close();
});

const KILLED_AT = [
  'retention.before_state',
  'retention.after_state',
  'retention.after_tombstone',
  'retention.after_unregister',
  'retention.after_delete',
  'retention.after_delete=kill@3',
  'checkpoint.after_write',
];

for (const [index, failpoint] of KILLED_AT.entries()) {
  test(`killed at ${failpoint}, what is left is whole, and the next call finishes it`, async () => {
    const blobId = `cut-${index}`;
    const log = await seed(blobId);
    const target = { parts, database: DATABASE, blobId };
    const plan = failpoint.includes('=') ? failpoint : `${failpoint}=kill`;
    assert.is(await runHistoryProcess('thin', target, plan), 'SIGKILL');
    await requireClean(parts, DATABASE, [blobId]);
    const past = await openHistory(database);
    await requireVersions(past, log, [1, NAMED, log.version]);
    await past.close();
    assert.is(await runHistoryProcess('thin', target), 0);
    await requireThinned(blobId, log);
    await requireClean(parts, DATABASE, [blobId]);
    assert.ok((await past.tombstones.list(blobId)).every(({ isDone }) => isDone));
  });
}

for (const stalledAt of ['its plan', 'its state', 'its tombstone']) {
  test(`G2 two at once with different rules, one stalled after ${stalledAt}: every missing delta is explained`, async () => {
    const blobId = `two-${stalledAt.slice(4)}`;
    await seedLog(database, {
      blobId,
      owner: 'ann',
      deltas: 120,
      seed: 5,
      sampleEvery: 120,
      appliedAt: (lastSeq) => new Date(Date.now() - 10 * DAY_MS + lastSeq * 60 * 60_000),
    });
    const other = await retention();
    const overtake = (): Promise<unknown> =>
      other.thinning.apply(blobId, { thinAfterMs: 6 * DAY_MS, keepDaily: false }, 'bob');
    const once = new Set([stalledAt]);
    const stallIf = (place: string): Promise<unknown> => (once.delete(place) ? overtake() : Promise.resolve());
    const world = await retention();
    const { thinning: stalled, past, origins } = world;
    origins.upTo = async (...versions) => {
      const found = await OriginIndex.prototype.upTo.call(origins, ...versions);
      await stallIf('its plan');
      return found;
    };
    const { tombstones } = past;
    tombstones.put = async (tombstone, slot) => {
      await stallIf('its state');
      const isPut = await Tombstones.prototype.put.call(tombstones, tombstone, slot);
      await stallIf('its tombstone');
      return isPut;
    };
    const rule = { thinAfterMs: 8 * DAY_MS, keepDaily: false };
    await stalled.apply(blobId, rule, 'ann');
    assert.is(once.size, 0);
    await requireClean(parts, DATABASE, [blobId]);
    assert.equal(await stalled.apply(blobId, rule, 'ann'), []);
    assert.ok((await tombstones.list(blobId)).every(({ isDone }) => isDone));
    assert.is(await textAt(past, blobId, 120), await textAt(other.past, blobId, 120));
    await Promise.all([world.close(), other.close()]);
  });
}

test('a name given until a tombstone is certain calls it off, also where the process died in between', async () => {
  const blobId = 'named-late';
  const applied = new Date(Date.now() - 3 * DAY_MS);
  await seedLog(database, { blobId, owner: 'ann', deltas: 60, seed: 5, sampleEvery: 60, appliedAt: () => applied });
  const commits = await database.commits.countDocuments({ blob_id: blobId });
  const rule = { thinAfterMs: DAY_MS, keepDaily: false };
  const named = new NamedVersions(database.db);
  const world = await retention();
  const { thinning: work, past } = world;
  const { tombstones } = past;
  // Given after the plan, at the last moment.
  tombstones.put = async (tombstone, slot) => {
    const isPut = await Tombstones.prototype.put.call(tombstones, tombstone, slot);
    await nameVersion(database, blobId, 30);
    return isPut;
  };
  assert.equal(await work.apply(blobId, rule, 'ann'), []);
  await named.remove(blobId, 30);
  const brokenWorld = await retention(new Failpoints('retention.after_tombstone=error'));
  const { thinning: broken } = brokenWorld;
  const error: unknown = await broken.apply(blobId, rule, 'ann').catch((thrown: unknown) => thrown);
  assert.match(String(error), 'Failpoint');
  assert.is((await past.tombstones.list(blobId)).length, 1);
  await nameVersion(database, blobId, 30);
  await work.finish(blobId);
  assert.equal(await past.tombstones.list(blobId), []);
  assert.is(await database.commits.countDocuments({ blob_id: blobId }), commits);
  await named.remove(blobId, 30);
  assert.is((await broken.apply(blobId, rule, 'ann')).length, 1, 'without the name it goes');
  await requireClean(parts, DATABASE, [blobId]);
  await Promise.all([world.close(), brokenWorld.close()]);
});

test('an edit on a dropped base, and deltas in it, answer VERSION_THINNED', async () => {
  const past = await openHistory(database);
  const [range] = await past.tombstones.list('thin');
  assert.ok(range);
  const inRange = { fromVersion: 1, extras: [{ first: range.first + 1, last: range.first + 2 }] };
  for (const call of [
    () => past.history.materialize('thin', headBase(range.first)),
    () => past.history.materialize('thin', inRange),
    async () => {
      for await (const page of past.history.deltas.everyPage('thin', range.first - 1, range.first + 1))
        assert.ok(page.length > 0);
    },
  ]) {
    const error: unknown = await call().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.is((error as { reason?: string } | undefined)?.reason, 'VERSION_THINNED');
  }
  await past.close();
});

test('the daily pass applies policies in one process at a time, a blob’s own before its owner’s', async () => {
  const log = await seed('daily');
  await seed('exempt');
  const policies = new RetentionPolicies(database.db);
  await policies.put({ kind: 'user', id: 'ann' }, { ...RULE, setBy: 'ann', setAt: new Date() });
  const never = { thinAfterMs: 3_650 * DAY_MS, keepDaily: true, setBy: 'ann', setAt: new Date() };
  await policies.put({ kind: 'blob', id: 'exempt' }, never);
  const world = await retention();
  const { thinning: work, past } = world;
  const passOf = (holder: string): RetentionPass =>
    new RetentionPass({
      policies,
      heads: new BlobHeads(database),
      thinning: work,
      lease: new Lease(database.db, { name: 'retention', holder }),
      mark: new Mark(database.db, 'retention'),
      logger,
    });
  const other = new Lease(database.db, { name: 'retention', holder: 'other' });
  assert.ok(await other.hold(60_000));
  await passOf('one').look();
  assert.equal(await past.tombstones.list('daily'), [], 'another process has the lease');
  await other.release();
  await passOf('one').look();
  // What was being made of the log when it was thinned goes again.
  await past.compaction.settle();
  await requireThinned('daily', log);
  assert.equal(await past.tombstones.list('exempt'), []);
  assert.ok(await new Mark(database.db, 'retention').read());
  await world.close();
});

test.run();
