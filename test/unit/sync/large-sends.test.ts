import * as assert from 'uvu/assert';
import { LARGE_SEND_TURN_MS_MAX, LARGE_SENDS_BYTES_MAX, LARGE_SENDS_HELD_BYTES_MAX } from '../../../src/limits.ts';
import { LargeSends, type Turn } from '../../../src/transport/sync/large-sends.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('large sends');
const QUARTER = LARGE_SENDS_BYTES_MAX / 4;

function enter(sends: LargeSends, count: number, bytes = QUARTER): Turn[] {
  const given: Turn[] = [];
  for (let n = 0; n < count; n += 1) sends.enter(bytes, (turn) => given.push(turn));
  return given;
}

test('as many at once as the bound lets; the rest one after the other, in order', () => {
  const sends = new LargeSends();
  const given = enter(sends, 1_000);
  assert.is(given.length, 4);
  for (let n = 0; n < 996; n += 1) {
    given[n]?.end();
    given[n]?.end();
    assert.is(given.length, n + 5);
  }
  for (const turn of given) turn.end();
  assert.ok(sends.isIdle);
});

test('one that is larger than the bound goes alone', () => {
  const sends = new LargeSends();
  const given = enter(sends, 2, LARGE_SENDS_BYTES_MAX * 2);
  assert.is(given.length, 1);
  given[0]?.end();
  assert.is(given.length, 2);
});

test('turns that end as they begin do not deepen the stack', () => {
  const sends = new LargeSends();
  const [first] = enter(sends, 1, LARGE_SENDS_BYTES_MAX);
  let ended = 0;
  for (let n = 0; n < 100_000; n += 1) {
    sends.enter(QUARTER, (turn) => {
      ended += 1;
      turn.end();
    });
  }
  first?.end();
  assert.is(ended, 100_000);
});

test('G7: slow readers give up their turns, but not more different bodies are held than the bound', () => {
  const sends = new LargeSends();
  const bodies = Math.ceil(LARGE_SENDS_HELD_BYTES_MAX / QUARTER);
  const given: Turn[] = [];
  const shared = new Uint8Array(QUARTER);
  const later = performance.now() + LARGE_SEND_TURN_MS_MAX;
  const take = (body: Uint8Array): void =>
    sends.enter(QUARTER, (turn) => {
      given.push(turn);
      turn.hold(body);
    });
  for (let n = 0; n < 100; n += 1) {
    take(shared);
    sends.passOn(later + 1_000);
  }
  assert.is(given.length, 100, 'those with one body between them wait for nothing');
  for (let n = 0; n < bodies * 2; n += 1) {
    take(new Uint8Array(QUARTER));
    sends.passOn(later + 1_000);
  }
  assert.is(given.length, 100 + bodies - 1);
  given.at(-1)?.end();
  assert.is(given.length, 100 + bodies);
});

test.run();
