/** Whose turn it is among processes that write one blob. */
import * as assert from 'uvu/assert';
import { Turns } from '../../src/documents/turns.ts';
import { CONTENDED_MS, TURN_MS_MAX } from '../../src/limits.ts';
import { suite } from '../harness/suite.ts';

const test = suite('turns');
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether it is this process's turn before anything else happens. */
async function isMine(turns: Turns): Promise<boolean> {
  const turn = turns.mine();
  let mine = turn === undefined;
  void turn?.then(() => (mine = true));
  await sleep(0);
  return mine;
}

test('who writes alone never waits', async () => {
  const turns = new Turns();
  assert.ok(await isMine(turns));
  turns.own();
  assert.ok(await isMine(turns));
});

test('who has just committed waits until each of the others has', async () => {
  const turns = new Turns();
  turns.foreign('a');
  turns.foreign('b');
  turns.own();
  let mine = false;
  const turn = turns.mine()?.then(() => (mine = true));
  await sleep(1);
  turns.foreign('a');
  await sleep(0);
  assert.not(mine, 'b has not committed yet');
  turns.foreign('b');
  await turn;
  assert.ok(await isMine(turns), 'until it commits again');
});

test('it waits for nobody who only might', async () => {
  const turns = new Turns();
  turns.foreign('a');
  turns.own();
  const started = performance.now();
  await turns.mine();
  assert.ok(performance.now() - started >= TURN_MS_MAX - 2);
});

test('whoever lost the race tries again at once', async () => {
  const turns = new Turns();
  turns.own();
  await sleep(1);
  turns.foreign('a');
  assert.ok(await isMine(turns));
});

test('who committed long ago is not waited for', async () => {
  const turns = new Turns();
  turns.foreign('a');
  await sleep(CONTENDED_MS + 20);
  turns.own();
  assert.ok(await isMine(turns));
});

test.run();
