/** How commits gather for an insert, on a real database whose answers a test can hold back. */
import { setImmediate as turn } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import pino from 'pino';
import { headBase } from '../../src/domain/base.ts';
import type { Commit, Draft } from '../../src/domain/delta.ts';
import { Committer, type UnnumberedCommit } from '../../src/documents/commits/committer.ts';
import { Failpoints } from '../../src/failpoints.ts';
import { COMMIT_DOCUMENTS_MAX, UNTHINNED_MS_MAX } from '../../src/limits.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { startCutProxy, type CutProxy } from '../harness/cut-proxy.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { insertion, openRooms, type RoomsWorld } from './rooms-world.ts';

const MB = 1024 * 1024;
const test = suite('places in an insert');
let parts: TestParts;
let proxy: CutProxy;
let world: RoomsWorld;
let database: Database;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  proxy = await startCutProxy(parts.url('mongodb'));
  world = await openRooms(parts, { memoryBytesMax: 64 * 1024 * 1024, mongodbUrl: proxy.url });
  database = await openDatabase({ url: parts.url('mongodb'), name: 'places' });
});
test.after(async () => {
  await world?.close();
  await proxy?.close();
  await database?.close();
  await parts?.stop();
});

/** The log, but for the first insert, which is not answered until it is let go. */
class HeldLog extends CommitLog {
  release: () => void = () => undefined;
  #held: Promise<void> | undefined = new Promise((resolve) => (this.release = resolve));

  override async insert(commits: readonly Commit[]): ReturnType<CommitLog['insert']> {
    const held = this.#held;
    this.#held = undefined;
    const told = await super.insert(commits);
    await held;
    return told;
  }
}

function heldCommitter(id: string): { committer: Committer; log: HeldLog } {
  const log = new HeldLog(database);
  const logger = pino({ level: 'silent' });
  return { log, committer: new Committer({ id, log, database, listeners: [], failpoints: new Failpoints(), logger }) };
}

function firstOf(blobId: string): UnnumberedCommit {
  const now = new Date();
  const draft: Draft = {
    userId: 'ada',
    operation: 'update',
    patch: { kind: 'yjs_update', bytes: 0 },
    updates: [],
    base: headBase(0),
    chainLength: 1,
    newClients: [],
    createdAt: now,
  };
  const facts = { owner: 'ada', contentType: 'text/plain', rootId: blobId, appliedAt: now };
  return { blobId, firstSeq: 1, lastSeq: 1, drafts: [draft], ...facts };
}

test('what reaches a room while it waits for its place is in the same commit', async () => {
  const submit = (blobId: string, text: string): Promise<unknown> =>
    world.rooms.with(blobId, (room) => room.submit(insertion(text)));
  for (const blobId of ['busy', 'other']) {
    await world.createText(blobId, 'a');
    // After it is known who may write, nothing but the insert waits for the database.
    await submit(blobId, '-');
  }
  proxy.pause();
  const settled = [submit('busy', 'b')];
  await turn();
  for (const text of ['b', 'c', 'd']) {
    settled.push(submit('other', text));
    await turn();
  }
  proxy.resume();
  await Promise.all(settled);
  const commits = await world.log.readRange('other', 3);
  assert.equal(
    commits.map(({ deltas }) => deltas.length),
    [3],
  );
  assert.is(await world.readText('other'), 'dcb-a');
});

test('an insert that is not answered does not hold up the next ones', async () => {
  const { committer, log } = heldCommitter('00000000000000a1');
  const first = committer.commit(firstOf('held'), 1, Date.now());
  await turn();
  // One after the other: each is answered before the next is handed in.
  for (const blobId of ['next', 'third', 'fourth']) {
    const outcome = await committer.commit(firstOf(blobId), 1, Date.now());
    assert.is.not(outcome, 'lost');
  }
  const open = Symbol('open');
  assert.is(await Promise.race([first, Promise.resolve(open)]), open);
  log.release();
  assert.is.not(await first, 'lost');
});

test('G1: commits that the database goes on refusing hold up nobody, and are in as soon as it takes them', async () => {
  const logger = pino({ level: 'silent' });
  const options = { id: '00000000000000a4', log: new CommitLog(database), database, listeners: [], logger };
  const committer = new Committer({ ...options, failpoints: new Failpoints() });
  const refuse = (validator: object): Promise<unknown> =>
    database.db.command({ collMod: database.commits.collectionName, validator });
  await refuse({ blob_id: { $nin: ['refused-1', 'refused-2', 'refused-3'] } });
  const refused: Promise<unknown>[] = [];
  try {
    for (const n of [1, 2, 3]) {
      refused.push(committer.commit(firstOf(`refused-${n}`), 1, Date.now()));
      assert.is.not(await committer.commit(firstOf(`taken-${n}`), 1, Date.now()), 'lost');
    }
  } finally {
    await refuse({});
  }
  for (const outcome of await Promise.all(refused)) assert.is.not(outcome, 'lost');
  committer.stop();
  assert.ok(committer.isSettled);
});

test('who is given a place and commits nothing takes it from nobody', async () => {
  const { committer, log } = heldCommitter('00000000000000a2');
  const first = committer.commit(firstOf('before'), 1, Date.now());
  await turn();
  const places = Array.from({ length: 2 * COMMIT_DOCUMENTS_MAX + 1 }, () => committer.place());
  assert.ok(places.every((place) => place !== undefined));
  const last = Promise.all(places).then(() => committer.commit(firstOf('after'), 1, Date.now()));
  log.release();
  assert.is.not(await first, 'lost');
  assert.is.not(await last, 'lost');
});

test('G2: a slot that retention freed is won by nobody who saw the head long ago', async () => {
  const logger = pino({ level: 'silent' });
  const log = new CommitLog(database);
  const options = { id: '00000000000000a5', log, database, listeners: [], logger };
  const committer = new Committer({ ...options, failpoints: new Failpoints() });
  const commit = async (blobId: string, seq: number, headSeenAtMs: number): Promise<string> => {
    const of = { ...firstOf(blobId), firstSeq: seq, lastSeq: seq };
    const outcome = await committer.commit(of, 1, headSeenAtMs);
    return outcome === 'lost' ? outcome : outcome.id;
  };
  const longAgo = Date.now() - UNTHINNED_MS_MAX - 1_000;
  for (const seq of [1, 2, 3]) await commit('thinned', seq, Date.now());
  await database.commits.deleteOne({ blob_id: 'thinned', first_seq: 2 });
  assert.is(await commit('thinned', 2, longAgo), 'lost');
  assert.is(await log.slotHolder('thinned', 2), undefined);
  assert.is(await commit('thinned', 3, longAgo), 'lost', 'taken by another');
  const fourth = await commit('thinned', 4, longAgo);
  assert.is(await log.slotHolder('thinned', 4), fourth, 'nothing is beyond it');
});

test('a commit that can not be encoded is refused, and keeps nobody waiting', async () => {
  const logger = pino({ level: 'silent' });
  const options = { id: 'poisoned', log: new CommitLog(database), database, listeners: [], logger };
  const committer = new Committer({ ...options, failpoints: new Failpoints() });
  const poisoned = (blobId: string): UnnumberedCommit => {
    const commit = firstOf(blobId);
    const drafts = commit.drafts.map((draft): Draft => ({ ...draft, requestId: { _bsontype: 'x' } as never }));
    return { ...commit, drafts };
  };
  for (const round of [1, 2, 3]) {
    const [bad, good] = await Promise.allSettled([
      committer.commit(poisoned(`bad-${round}`), 10, Date.now()),
      committer.commit(firstOf(`beside-${round}`), 10, Date.now()),
    ]);
    assert.equal([bad.status, good.status], ['rejected', 'fulfilled']);
  }
  committer.stop();
  assert.ok(committer.isSettled);
});

test('G1: commits that are more than one insert command holds are committed apart, and keep nobody waiting', async () => {
  const logger = pino({ level: 'silent' });
  const log = new CommitLog(database);
  const options = { id: '00000000000000a3', log, database, listeners: [], logger };
  const committer = new Committer({ ...options, failpoints: new Failpoints() });
  const large = (blobId: string): UnnumberedCommit => {
    const commit = firstOf(blobId);
    const drafts = commit.drafts.map((draft): Draft => ({ ...draft, updates: [new Uint8Array(7 * MB)] }));
    return { ...commit, drafts };
  };
  const ids = ['large-1', 'large-2', 'large-3'];
  // Counted at nearly nothing, so that they share an insert.
  const outcomes = await Promise.all(ids.map((blobId) => committer.commit(large(blobId), 1, Date.now())));
  const holders = await Promise.all(ids.map((blobId) => log.slotHolder(blobId, 1)));
  assert.equal(
    holders,
    outcomes.map((outcome) => outcome !== 'lost' && outcome.id),
  );
});

test.run();
