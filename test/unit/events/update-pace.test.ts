import * as assert from 'uvu/assert';
import type { Commit } from '../../../src/domain/delta.ts';
import { UpdatePace, type HeldUpdate } from '../../../src/events/update-pace.ts';
import { UPDATED_PACE_MS } from '../../../src/limits.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('the pace of blob.updated');

function update(blobId: string, version: number, committerSeq = version): HeldUpdate {
  const commit: Commit = {
    id: `c-${committerSeq}`,
    blobId,
    firstSeq: version,
    lastSeq: version,
    committer: 'c',
    committerSeq,
    owner: 'ann',
    contentType: 'text/plain',
    rootId: blobId,
    deltas: [],
  };
  return { commit, committerSeqs: [committerSeq] };
}

const told = (updates: readonly HeldUpdate[]): string[] =>
  updates.map(({ commit, committerSeqs }) => `${commit.blobId}:${commit.lastSeq} for ${committerSeqs.join(' ')}`);

test('the first is told at once, those that follow by the newest, within the pace', () => {
  const pace = new UpdatePace();
  pace.take(0);
  assert.ok(pace.admits('a', 0));
  for (const version of [2, 4, 3]) {
    assert.not(pace.admits('a', 10));
    pace.hold(update('a', version));
  }
  assert.is(pace.size, 1);
  assert.equal(told(pace.take(UPDATED_PACE_MS - 1)), []);
  assert.is(pace.dueAtMs, UPDATED_PACE_MS);
  assert.equal(told(pace.take(UPDATED_PACE_MS)), ['a:4 for 2 4 3']);
  pace.release('a');
  assert.is(pace.size, 0);
  assert.is(pace.dueAtMs, Infinity);
  assert.not(pace.admits('a', UPDATED_PACE_MS + 1), 'it was told just now');
  pace.release('a');
  assert.equal(pace.take(2 * UPDATED_PACE_MS), []);
  assert.ok(pace.admits('a', 2 * UPDATED_PACE_MS), 'nothing happened since');
});

test('blobs are held apart', () => {
  const pace = new UpdatePace();
  for (const nowMs of [0, 1]) pace.admits('a', nowMs);
  for (const nowMs of [100, 101]) pace.admits('b', nowMs);
  pace.hold(update('b', 2));
  pace.hold(update('a', 7));
  assert.equal(told(pace.take(UPDATED_PACE_MS)), ['a:7 for 7']);
  assert.equal(told(pace.take(UPDATED_PACE_MS + 100)), ['b:2 for 2']);
});

test('what is awaited for longer than the pace is told as soon as it comes, and nothing newer before it', () => {
  const pace = new UpdatePace();
  for (const nowMs of [0, 1]) pace.admits('a', nowMs);
  assert.equal(pace.take(2 * UPDATED_PACE_MS), []);
  assert.not(pace.admits('a', 2 * UPDATED_PACE_MS));
  pace.hold(update('a', 2));
  assert.ok(pace.dueAtMs < 2 * UPDATED_PACE_MS);
  assert.equal(told(pace.take(2 * UPDATED_PACE_MS + 1)), ['a:2 for 2']);
  pace.hold(update('a', 3));
  assert.equal(told(pace.take(3 * UPDATED_PACE_MS)), [], 'too soon');
  assert.equal(told(pace.take(Infinity)), ['a:3 for 3'], 'at the end');
});

test('what could not be told is told again, with what came since', () => {
  const pace = new UpdatePace();
  for (const nowMs of [0, 1]) pace.admits('a', nowMs);
  pace.hold(update('a', 2));
  const [failed] = pace.take(UPDATED_PACE_MS);
  assert.ok(failed);
  pace.admits('a', UPDATED_PACE_MS + 1);
  pace.hold(update('a', 3));
  pace.hold(failed);
  assert.equal(told(pace.take(2 * UPDATED_PACE_MS)), ['a:3 for 3 2']);
});

test('what has been cleared is not told any more, and nothing counts as told', () => {
  const pace = new UpdatePace();
  for (const nowMs of [0, 1]) pace.admits('a', nowMs);
  pace.hold(update('a', 2));
  pace.clear();
  pace.hold(update('a', 3));
  pace.release('a');
  assert.is(pace.size, 0);
  assert.equal(pace.take(Infinity), []);
  assert.ok(pace.admits('a', 1));
});

test.run();
