/** The log as far as it is told of, read from a real database. */
import * as assert from 'uvu/assert';
import type { CommitOutline } from '../../src/domain/commit-outline.ts';
import type { Commit } from '../../src/domain/delta.ts';
import { addEvents } from '../../src/events/cloud-events.ts';
import type { StudioEvent } from '../../src/events/contract.ts';
import { FLUSH_DELTAS_MAX } from '../../src/limits.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { CommitOutlines } from '../../src/storage/log/commit-outlines.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { commitOf } from './sweep-world.ts';

const test = suite('commits in outline');
const COMMITTER = 'a'.repeat(16);
let parts: TestParts;
let database: Database;

test.before(async () => {
  parts = await startParts({ mongodb: true });
  database = await openDatabase({ url: parts.url('mongodb'), name: 'outlines' });
});
test.after(() => database?.close());
test.after(() => parts?.stop());

/** With all that is told, and bytes. */
function fullCommit(): Commit {
  const commit = commitOf(COMMITTER, 1, 4);
  const deltas = commit.deltas.map((delta, index) => ({
    ...delta,
    updates: [Buffer.alloc(100_000)],
    patch: { ...delta.patch, bytes: 100_000, body: Buffer.alloc(100_000) },
    userId: index === 1 ? 'bob' : delta.userId,
    providerId: index === 2 ? 'summary' : undefined,
    causedBy: index === 2 ? 'some-event' : undefined,
    operation: (['create', 'update', 'transform', 'delete'] as const)[index] ?? 'update',
  }));
  return { ...commit, deltas };
}

test('G7: what is read to be told of has no bytes, and its events are the same', async () => {
  const commit = fullCommit();
  await new CommitLog(database).insert([commit]);
  const outlines = await new CommitOutlines(database).readByCommitter(COMMITTER, 0, 10);
  assert.ok(JSON.stringify(outlines).length < 10_000);
  const told = (one: CommitOutline | undefined): string => {
    const events: StudioEvent[] = [];
    if (one) addEvents(events, one, { tellsUpdate: true });
    return JSON.stringify(events);
  };
  assert.is(told(outlines[0]), told(commit));
  assert.is(JSON.parse(told(commit)).length, 6);
});

test('a range is read from the commit it begins in to the one it ends in', async () => {
  const log = new CommitLog(database);
  const outlines = new CommitOutlines(database);
  const blobId = 'ranged';
  for (let n = 0; n < 4; n += 1) {
    const commit = commitOf(COMMITTER, n + 10, FLUSH_DELTAS_MAX);
    const firstSeq = n * FLUSH_DELTAS_MAX + 1;
    await log.insert([{ ...commit, blobId, firstSeq, lastSeq: firstSeq + FLUSH_DELTAS_MAX - 1 }]);
  }
  const firsts = async (fromSeq: number, toSeq: number): Promise<number[]> => {
    const found: number[] = [];
    for await (const { firstSeq } of outlines.read(blobId, fromSeq, toSeq)) found.push(firstSeq);
    return found;
  };
  assert.equal(await firsts(FLUSH_DELTAS_MAX + 2, 2 * FLUSH_DELTAS_MAX + 1), [
    FLUSH_DELTAS_MAX + 1,
    2 * FLUSH_DELTAS_MAX + 1,
  ]);
  assert.equal(await firsts(1, 1), [1]);
  assert.equal(await firsts(4 * FLUSH_DELTAS_MAX + 1, 9_999), []);
});

test.run();
