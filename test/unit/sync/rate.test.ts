import * as assert from 'uvu/assert';
import { SYNC_TICK_MS } from '../../../src/limits.ts';
import { Rate } from '../../../src/transport/sync/rate.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('sync rate');
const SECOND = 1_000 / SYNC_TICK_MS;

test('a second’s worth goes through at once, then as much as is refilled', () => {
  const rate = new Rate({ messagesPerSecond: 100, bytesPerSecond: 1_000_000 });
  for (let n = 0; n < 100; n += 1) rate.take(1, 0);
  assert.not.ok(rate.isOver(0));
  rate.take(1, 0);
  assert.ok(rate.isOver(0));
  assert.not.ok(rate.isOver(1));
  let through = 0;
  for (let tick = 1; tick <= 10 * SECOND; tick += 1) {
    for (; !rate.isOver(tick); through += 1) rate.take(1, tick);
  }
  assert.ok(Math.abs(through - 1_000) <= 20, String(through));
});

test('bytes are counted beside messages, and one large message is paid off by waiting', () => {
  const rate = new Rate({ messagesPerSecond: 100, bytesPerSecond: 1_000 });
  rate.take(4_000, 0);
  assert.ok(rate.isOver(0));
  assert.ok(rate.isOver(2 * SECOND));
  assert.not.ok(rate.isOver(3 * SECOND));
});

test.run();
