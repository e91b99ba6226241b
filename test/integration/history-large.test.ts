/** Logs of large deltas: what is read of them at once, and that their blobs go on being edited and loaded. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { HistoryParts } from '../../src/documents/history/history-parts.ts';
import { Intent } from '../../src/documents/commits/intent.ts';
import { RoomState } from '../../src/documents/memory/room-state.ts';
import { headBase } from '../../src/domain/base.ts';
import { LOG_PAGE_BYTES_MAX } from '../../src/limits.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { startCutProxy } from '../harness/cut-proxy.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { writeHistory, type WrittenChange } from './history-world.ts';
import { audit, closeHistories, openHistory, textAt } from './past-world.ts';
import { openRetention } from './retention-world.ts';
import { openRooms } from './rooms-world.ts';

const test = suite('history: large', { timeoutMs: 120_000 });
const DATABASE = 'large';
/** The database answers with at most 16 MiB at a time. */
const REPLY_BYTES_MAX = 17 * 1024 * 1024;
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

/** Each replaces the whole text by another that is as long. */
function* rewrites(count: number, bytes: number): Generator<WrittenChange> {
  for (let version = 1; version <= count; version++) {
    yield { by: 'ann', at: new Date(), edit: (doc) => rewrite(doc, textOf(version, bytes)) };
  }
}

function rewrite(doc: Y.Doc, to: string): void {
  const text = doc.getText('content');
  doc.transact(() => {
    text.delete(0, text.length);
    text.insert(0, to);
  });
}

const textOf = (version: number, bytes: number): string => `${version} `.padEnd(bytes, String(version % 10));

const PAGES = { count: 80, bytes: 320 * 1024 };

test('G7: a page of the log ends by bytes, and one delta of a log of large ones is read without the others', async () => {
  const { count, bytes } = PAGES;
  await writeHistory(database, 'pages', 'text/plain', rewrites(count, bytes));
  const proxy = await startCutProxy(parts.url('mongodb'));
  const behind = await openDatabase({ url: proxy.url, name: DATABASE });
  const past = await openHistory(behind);
  const read = async <T>(reading: () => Promise<T>): Promise<[T, number]> => {
    const before = proxy.replyBytes;
    return [await reading(), proxy.replyBytes - before];
  };
  try {
    for (const one of [
      () => past.history.deltas.after('pages', 0, 1),
      () => past.history.deltas.before('pages', count + 1, 0, 1),
    ]) {
      const [{ deltas }, replied] = await read(one);
      assert.is(deltas.length, 1);
      assert.ok(replied < 2 * bytes, `${replied} bytes`);
    }
    const window = { blobId: 'pages', range: { first: 1, last: count }, packed: undefined };
    const [, forRun] = await read(() => past.maker.makeRuns([window]));
    assert.ok(forRun < REPLY_BYTES_MAX, `${forRun} bytes to see that it is too large for a run`);
    const sizes: number[] = [];
    for await (const page of new CommitLog(behind).readPages('pages', 1)) sizes.push(page.length);
    assert.ok(
      sizes.every((commits) => commits * bytes < LOG_PAGE_BYTES_MAX + REPLY_BYTES_MAX),
      String(sizes),
    );
    assert.ok(sizes.length > 1, String(sizes));
    assert.is(
      sizes.reduce((sum, commits) => sum + commits),
      count,
      'each commit once',
    );
  } finally {
    await past.close();
    await behind.close();
    await proxy.close();
  }
});

test('a page whose first deltas were dropped is filled up from the commit that goes on beyond it', async () => {
  await writeHistory(database, 'tail', 'text/plain', rewrites(10, 100), 5);
  await database.commits.deleteOne({ blob_id: 'tail', first_seq: 1 });
  const past = await openHistory(database);
  const { deltas, isCut } = await past.history.deltas.after('tail', 1, 6);
  assert.equal([deltas.map(({ toVersion }) => toVersion), isCut], [[6, 7, 8, 9, 10], false]);
  await past.close();
});

test('a state left where reading stopped does not say that a commit ends there', async () => {
  await writeHistory(database, 'partly', 'text/plain', rewrites(4, 128 * 1024));
  for (const isPartial of [true, false]) {
    const past = await openHistory(database);
    const state = await past.history.load('partly');
    past.compaction.left(state, { isPartial });
    await past.compaction.settle();
    const { states } = await past.maker.index('partly');
    assert.is(states.at(-1)?.ends_commit === true, !isPartial);
    await past.close();
    await database.db.collection('checkpoint_index').deleteMany({ _id: 'partly' as never });
  }
});

const DAY_MS = 86_400_000;
const REWRITE_BYTES = 64 * 1024;
/** As if a state with all that was deleted were too large from eight of these texts on. */
const LOWERED = {
  wholeBytesMax: 8 * REWRITE_BYTES,
  keptBytesMax: 24 * REWRITE_BYTES,
  loadBytesMax: 40 * REWRITE_BYTES,
};

async function seedRewrites(blobId: string, count: number): Promise<HistoryParts> {
  await writeHistory(database, blobId, 'text/plain', rewrites(count, REWRITE_BYTES));
  const past = await openHistory(database, LOWERED);
  const state = new RoomState(blobId);
  // As the process does that commits them.
  for await (const commit of new CommitLog(database).read(blobId, 1)) {
    state.apply([commit]);
    past.history.checkpointIfDue(state);
    if (state.version % 16 === 0) await past.compaction.settle();
  }
  await past.compaction.settle();
  return past;
}

/** The log and what is stored of it. Such a log names no authors, and there is no head. */
async function requireWhole(blobId: string): Promise<void> {
  const { findings } = await audit(parts, DATABASE, { blobIds: [blobId] });
  assert.equal(
    findings.filter(({ kind, level }) => level === 'difference' && kind !== 'attribution' && kind !== 'head'),
    [],
  );
}

const reasonOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: { reason?: string }) => error.reason,
  );

test('G7: a log that is too much to load leaves a state of what was read, and is loaded the next time', async () => {
  // More than the log's first page, less than all of it.
  const limits = { ...LOWERED, loadBytesMax: REPLY_BYTES_MAX };
  const past = await openHistory(database, limits);
  assert.is(await reasonOf(past.history.load('pages')), 'BLOB_QUARANTINED');
  await past.close();
  // As when its time is over.
  await database.db.collection('quarantine').deleteMany({});
  const other = await openHistory(database, limits);
  const loaded = await other.history.load('pages');
  assert.is(loaded.doc.getText('content').toJSON(), textOf(PAGES.count, PAGES.bytes));
  await other.close();
});

test('G7: a blob replaced over and over is loaded by what it holds, read at any version, and undone while that is little', async () => {
  const count = 100;
  const past = await seedRewrites('rewritten', count);
  await past.close();
  const other = await openHistory(database, LOWERED);
  const loaded = await other.history.load('rewritten');
  assert.is(loaded.doc.getText('content').toJSON(), textOf(count, REWRITE_BYTES));
  for (const version of [1, 9, 50, 99])
    assert.is(await textAt(other, 'rewritten', version), textOf(version, REWRITE_BYTES), `version ${version}`);
  const { states } = await other.checkpoints.index('rewritten');
  assert.ok(states.length > 1 && states.every((state) => state.collected_to === state.version));
  const kept = await other.history.materialize('rewritten', headBase(count), count - 2);
  const deleted = [...kept.store.clients.values()].flat().filter((struct) => struct.deleted && 'content' in struct);
  assert.ok(deleted.some((struct) => (struct as Y.Item).content instanceof Y.ContentString));
  assert.is(await reasonOf(other.history.materialize('rewritten', headBase(count), 1)), 'LIMIT_EXCEEDED');
  await other.close();
  await requireWhole('rewritten');
});

test('thinning ends a range with what its content takes, and from there on all that is deleted is kept again', async () => {
  const past = await seedRewrites('thinned', 60);
  await past.close();
  const retention = await openRetention(parts, { database: DATABASE, limits: LOWERED });
  // The newest is from today.
  await database.commits.updateMany(
    { blob_id: 'thinned', first_seq: { $lt: 58 } },
    { $set: { applied_at: new Date(Date.now() - 3 * DAY_MS) } },
  );
  const [range] = await retention.thinning.apply('thinned', { thinAfterMs: DAY_MS, keepDaily: true }, 'ann');
  assert.ok(range);
  const other = await openHistory(database, LOWERED);
  const loaded = await other.history.load('thinned');
  assert.is(loaded.doc.getText('content').toJSON(), textOf(60, REWRITE_BYTES));
  assert.is(await textAt(other, 'thinned', range.last), textOf(range.last, REWRITE_BYTES));
  assert.is(await reasonOf(textAt(other, 'thinned', range.first)), 'VERSION_THINNED');
  const whole = await other.maker.makeState('thinned', 60, { keptFrom: range.last });
  assert.is(whole.collected_to, range.last);
  const kept = await other.history.materialize('thinned', headBase(60), range.last);
  kept.destroy();
  await other.close();
  await retention.close();
  await requireWhole('thinned');
});

test('G7: what could not be loaded again is refused until a state is stored, and nothing of the blob is lost', async () => {
  const limits = { ...LOWERED, acceptedBytesMax: 24 * REWRITE_BYTES };
  const options = { memoryBytesMax: 64 * 1024 * 1024, limits };
  const world = await openRooms(parts, options);
  await world.createText('bounded', '');
  let written = 0;
  const write = async (): Promise<unknown> => {
    const patch = { kind: 'content', content: Buffer.from(textOf(written + 1, REWRITE_BYTES)) } as const;
    const intent = new Intent({ userId: 'ada', work: { kind: 'patch', patch }, bytes: REWRITE_BYTES });
    const reason = await reasonOf(world.rooms.with('bounded', (room) => room.submit(intent)));
    if (reason === undefined) written += 1;
    return reason;
  };
  let reason: unknown;
  while (reason === undefined && written < 60) reason = await write();
  assert.is(reason, 'LIMIT_EXCEEDED');
  assert.ok(written >= 24, `${written} were let in`);
  await eventually('a state is stored and the next is let in', async () => (await write()) === undefined);
  await world.close();
  const other = await openRooms(parts, options);
  assert.is(await other.readText('bounded'), textOf(written, REWRITE_BYTES));
  await other.close();
});

test.run();
