/** Logs of large deltas: what is read of them at once, and that their blobs go on being edited and loaded. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { LOG_PAGE_BYTES_MAX } from '../../src/limits.ts';
import { CommitLog } from '../../src/storage/commit-log.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { startCutProxy } from '../harness/cut-proxy.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { writeHistory, type WrittenChange } from './history-world.ts';
import { openHistory } from './past-world.ts';

const test = suite('history: large', { timeoutMs: 120_000 });
const DATABASE = 'large';
/** The database answers with at most 16 MiB at a time. */
const REPLY_BYTES_MAX = 17 * 1024 * 1024;
let parts: TestParts;
let database: Database;

test.before(async () => {
  parts = await startParts({ mongodb: true });
  database = await openDatabase({ url: parts.url('mongodb'), name: DATABASE });
});
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

test('G7: a page of the log ends by bytes, and one delta of a log of large ones is read without the others', async () => {
  const [count, bytes] = [80, 320 * 1024];
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

test.run();
