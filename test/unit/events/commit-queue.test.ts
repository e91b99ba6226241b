import * as assert from 'uvu/assert';
import { outlineOf } from '../../../src/domain/commit-outline.ts';
import { CommitQueue } from '../../../src/events/commit-queue.ts';
import { FLUSH_DELTAS_MAX, PUBLISH_QUEUE_DELTAS_MAX, PUBLISHES_IN_FLIGHT_MAX } from '../../../src/limits.ts';
import { suite } from '../../harness/suite.ts';
import { commitOf } from '../../integration/sweep-world.ts';

const test = suite('commits that wait for the stream');
const numbers = (commits: readonly { readonly committerSeq: number }[]): number[] =>
  commits.map(({ committerSeq }) => committerSeq);

function full(): CommitQueue {
  const queue = new CommitQueue();
  for (let seq = 1; queue.hasRoomFor(FLUSH_DELTAS_MAX); seq += 1) {
    queue.add(outlineOf(commitOf('c'.repeat(16), seq, FLUSH_DELTAS_MAX)));
  }
  return queue;
}

test('G7: however few the commits are, their deltas are bounded', () => {
  const queue = full();
  assert.is(queue.size, Math.floor(PUBLISH_QUEUE_DELTAS_MAX / FLUSH_DELTAS_MAX));
  const taken = queue.take(0);
  assert.ok(queue.hasRoomFor(FLUSH_DELTAS_MAX));
  queue.putBack(taken);
  assert.not.ok(queue.hasRoomFor(FLUSH_DELTAS_MAX));
});

test('they leave in order, as many as may be on their way, and one at least', () => {
  const queue = full();
  const size = queue.size;
  const perTake = Math.floor(PUBLISHES_IN_FLIGHT_MAX / (FLUSH_DELTAS_MAX + 1));
  const first = queue.take(0);
  assert.equal(
    numbers(first),
    Array.from({ length: perTake }, (_none, index) => index + 1),
  );
  assert.equal(queue.take(PUBLISHES_IN_FLIGHT_MAX), []);
  queue.putBack(first);
  assert.equal(numbers(queue.take(0)), numbers(first));
  let left = size - perTake;
  while (queue.size > 0) left -= queue.take(0).length;
  assert.is(left, 0);
  // What would never fit has to leave too.
  assert.ok(queue.hasRoomFor(PUBLISH_QUEUE_DELTAS_MAX + 1));
});

test('G7: what waits has no bytes', () => {
  const commit = commitOf('c'.repeat(16), 1, 2);
  const deltas = commit.deltas.map((delta) => ({
    ...delta,
    updates: [new Uint8Array(1_000)],
    patch: { ...delta.patch, body: new Uint8Array(1_000) },
  }));
  const outline = outlineOf({ ...commit, deltas });
  assert.ok(JSON.stringify(outline).length < 1_000);
});

test.run();
