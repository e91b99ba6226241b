/** Large states are built and verified in a thread that may have to be ended. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { encodeRun, encodeState } from '../../../src/documents/log/checkpoint-codec.ts';
import { NO_FACTS, type Origin } from '../../../src/documents/log/log-facts.ts';
import { StateThreadGone, StateTooHeavy, StateWorker } from '../../../src/documents/checkpoints/state-worker.ts';
import { STATE_INLINE_BYTES_MAX, STATE_THREAD_MS_MAX } from '../../../src/limits.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('state worker');
const MEBIBYTE = 1024 * 1024;
const origin: Origin = {
  genesis: { contentType: 'text/plain', parentIds: [], rootId: 'b', depth: 0, createdBy: 'user', labels: {} },
  owner: 'ann',
  createdAt: new Date(),
};

function stateOf(characters: number): Uint8Array {
  const doc = new Y.Doc();
  doc.getText('content').insert(0, 'x'.repeat(characters));
  return encodeState({ origin, facts: NO_FACTS, owners: new Map(), update: Y.encodeStateAsUpdateV2(doc) });
}

const check = (worker: StateWorker, characters: number): Promise<string[]> =>
  worker.check({ state: stateOf(characters), contentType: 'text/plain' });

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test('a task that is too much ends its own thread, and those that wait go on in another', async () => {
  const worker = new StateWorker({ ms: STATE_THREAD_MS_MAX, heapMegabytes: 64 });
  const doc = new Y.Doc();
  const updates: Uint8Array[][] = [];
  doc.on('update', (update: Uint8Array) => updates.push([update]));
  for (let n = 0; n < 32; n++) doc.getText('content').insert(0, 'x'.repeat(4 * MEBIBYTE));
  const bytes = encodeRun({ facts: NO_FACTS, owners: new Map(), updates });
  const heavy = errorOf(worker.build({ base: origin, runs: [{ bytes, skip: 0 }] }));
  const light = check(worker, 2 * STATE_INLINE_BYTES_MAX);
  assert.instance(await heavy, StateTooHeavy);
  assert.equal(await light, []);
  worker.close();
});

test('the bound of memory holds for a state that is only tried, too', async () => {
  const worker = new StateWorker({ ms: STATE_THREAD_MS_MAX, heapMegabytes: 96 });
  assert.equal(await check(worker, 20 * MEBIBYTE), []);
  assert.instance(await errorOf(check(worker, 160 * MEBIBYTE)), StateTooHeavy);
  worker.close();
});

test('what does not load is said of that task alone', async () => {
  const worker = new StateWorker();
  const garbage = errorOf(worker.check({ state: new Uint8Array(MEBIBYTE), contentType: 'text/plain' }));
  const light = check(worker, 2 * STATE_INLINE_BYTES_MAX);
  const error = await garbage;
  assert.ok(error instanceof Error && !(error instanceof StateThreadGone) && !(error instanceof StateTooHeavy));
  assert.equal(await light, []);
  worker.close();
});

test('a worker that is closed says so to those it runs, to those that wait, and to those that come', async () => {
  const worker = new StateWorker();
  const open = [errorOf(check(worker, MEBIBYTE)), errorOf(check(worker, MEBIBYTE))];
  worker.close();
  for (const error of [...(await Promise.all(open)), await errorOf(check(worker, 1))]) {
    assert.instance(error, StateThreadGone);
    assert.is((error as StateThreadGone).reason, 'DRAINING');
  }
});

test.run();
