import * as assert from 'uvu/assert';
import { PendingPushes, type Push } from '../../../src/transport/sync/pending-pushes.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('pending pushes');

test('with none, nothing is waited for', () => {
  let ran = 0;
  new PendingPushes().whenSettled(() => (ran += 1));
  assert.is(ran, 1);
});

test(
  'whatever the order they settle in, a waiter runs when the last of those before it has, and once',
  seeded((random) => {
    for (let round = 0; round < 500; round += 1) {
      const pushes = new PendingPushes();
      const open: { push: Push; number: number }[] = [];
      const settled = new Set<number>();
      const waiters: { before: number[]; ran: number }[] = [];
      for (let step = 0, number = 0; step < 30; step += 1) {
        if (random.chance(0.5)) open.push({ push: pushes.begin(1, 2), number: number++ });
        else if (random.chance(0.4)) {
          const waiter = { before: open.map(({ number: before }) => before), ran: 0 };
          waiters.push(waiter);
          pushes.whenSettled(() => (waiter.ran += 1));
        } else if (open.length > 0) {
          const [first] = open.splice(random.int(0, open.length), 1);
          if (!first) continue;
          settled.add(first.number);
          pushes.settled(first.push);
        }
        for (const { before, ran } of waiters) assert.is(ran, before.every((n) => settled.has(n)) ? 1 : 0);
      }
      assert.is(pushes.count, open.length);
    }
  }),
);

test('G7: of those of whom only the newest matters one waits, the newest behind it, and neither for ever', () => {
  const pushes = new PendingPushes();
  const ran: number[] = [];
  let open = pushes.begin(1, 2);
  // There is always something that has not settled.
  for (let n = 0; n < 1_000; n += 1) {
    for (let repeat = 0; repeat < 10; repeat += 1) pushes.newestWhenSettled(() => ran.push(n * 10 + repeat));
    const next = pushes.begin(1, 2);
    pushes.settled(open);
    open = next;
  }
  assert.ok(ran.length >= 500 && ran.length <= 1_000, `${ran.length} ran`);
  assert.equal(
    ran,
    [...ran].sort((a, b) => a - b),
  );
  pushes.settled(open);
  assert.is(ran.at(-1), 9_999);
});

test.run();
