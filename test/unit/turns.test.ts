/** Whose turn it is among processes that write one blob. */
import * as assert from 'uvu/assert';
import { Turns } from '../../src/documents/rooms/turns.ts';
import { CONTENDED_MS, TURN_COMMITS, TURN_MS_MAX, TURN_MS_MIN } from '../../src/limits.ts';
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
  turns.own(1);
  assert.ok(await isMine(turns));
});

test('who has just committed waits until each of the others has', async () => {
  const turns = new Turns();
  turns.foreign('a');
  turns.foreign('b');
  turns.own(1);
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

/** How long a process whose last commits took so long waits for another that doesn't commit. */
async function waitedMs(commitsMs: readonly number[]): Promise<number> {
  const turns = new Turns();
  turns.foreign('a');
  for (const tookMs of commitsMs) turns.own(tookMs);
  const started = performance.now();
  await turns.mine();
  return performance.now() - started;
}

test('somebody who only might commit is waited for a few commits long, within bounds', async () => {
  const quick = await waitedMs([0.1]);
  assert.ok(quick >= TURN_MS_MIN - 2, `${quick} ms`);
  const commitMs = (TURN_MS_MIN + TURN_MS_MAX) / 2 / TURN_COMMITS;
  const usual = await waitedMs(Array<number>(30).fill(commitMs));
  assert.ok(usual >= commitMs * TURN_COMMITS - 2, `${usual} ms`);
  // A timer may be late, but not by so much that the bound would not show.
  const slow = await waitedMs(Array<number>(30).fill(60_000));
  assert.ok(slow >= TURN_MS_MAX - 2 && slow < 60_000, `${slow} ms`);
});

test('whoever lost the race tries again at once', async () => {
  const turns = new Turns();
  turns.own(1);
  await sleep(1);
  turns.foreign('a');
  assert.ok(await isMine(turns));
});

test('who committed long ago is not waited for', async () => {
  const turns = new Turns();
  turns.foreign('a');
  await sleep(CONTENDED_MS + 20);
  turns.own(1);
  assert.ok(await isMine(turns));
});

test.run();
