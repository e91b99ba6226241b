import * as assert from 'uvu/assert';
import { amongDropped, RetentionPlan, type CommitSummary, type RetentionRule } from '../../../src/domain/retention.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('retention plan');
const DAY_MS = 86_400_000;
const NOW = new Date('2026-03-10T12:00:00Z');

function commit(first: number, last: number, daysAgo: number): CommitSummary {
  return { first, last, appliedAt: new Date(NOW.getTime() - daysAgo * DAY_MS), bytes: 100 };
}

function rangesOf(rule: Partial<RetentionRule>, named: readonly number[], commits: readonly CommitSummary[]): string[] {
  const plan = new RetentionPlan({ thinAfterMs: 5 * DAY_MS, keepDaily: false, ...rule }, NOW, named);
  for (const one of commits) if (!plan.add(one)) break;
  return plan.ranges.map(({ first, last, commits: count }) => `${first}-${last}:${count}`);
}

const LOG = [
  commit(1, 3, 9),
  commit(4, 5, 9),
  commit(6, 6, 8.9),
  commit(7, 9, 8),
  commit(10, 10, 7),
  commit(11, 12, 6),
  commit(13, 14, 2),
  commit(15, 15, 1),
];

test('kept: delta 1, named versions, everything young', () => {
  assert.equal(rangesOf({}, [], LOG), ['4-12:5']);
  assert.equal(rangesOf({}, [8], LOG), ['4-6:2', '10-12:2']);
  assert.equal(rangesOf({}, [2, 14, 15], LOG), ['4-12:5']);
});

test('kept: the commit with the last version of each day', () => {
  // 9 and 8.9 days ago are one day; the commits that end a day stay whole.
  assert.equal(rangesOf({ keepDaily: true }, [], LOG), ['4-5:1']);
  assert.equal(rangesOf({ keepDaily: true }, [5], LOG), []);
});

test('the newest commit stays however old it is', () => {
  assert.equal(rangesOf({ thinAfterMs: DAY_MS / 2 }, [], LOG), ['4-14:6']);
});

test('once young, all that follows is, whatever the clocks say', () => {
  const skewed = [...LOG.slice(0, 3), commit(7, 9, 1), commit(10, 10, 8), commit(11, 11, 8), commit(12, 12, 0)];
  assert.equal(rangesOf({}, [], skewed), ['4-6:2']);
});

test('a range dropped before parts what is dropped now', () => {
  assert.equal(
    rangesOf(
      {},
      [],
      [LOG[0], LOG[1], LOG[4], LOG[5], LOG[6]].filter((one) => one !== undefined),
    ),
    ['4-5:1', '10-12:2'],
  );
});

test('a moment among what was dropped: the last of a range, or which range it is in', () => {
  const at = (n: number): Date => new Date(n);
  const early = { first: 2, last: 10, firstAppliedAt: at(20), lastAppliedAt: at(100) };
  const late = { first: 11, last: 20, firstAppliedAt: at(110), lastAppliedAt: at(200) };
  const shown = (dropped: Parameters<typeof amongDropped>[0], version: number, ms: number): string => {
    const { version: found, thinned } = amongDropped(dropped, version, ms);
    return thinned ? `${found}, ${thinned.first}-${thinned.last}` : `${found}`;
  };
  const both = [early, late];
  assert.equal(
    [19, 20, 99, 100, 109, 110, 200, 999].map((ms) => shown(both, 1, ms)),
    ['1', '1, 2-10', '1, 2-10', '10', '10', '10, 11-20', '20', '20'],
  );
  assert.is(shown(both, 21, 999), '21', 'nothing was dropped above it');
  assert.is(shown(both, 15, 150), '10, 11-20', 'a range that is just being emptied');
  assert.is(shown([], 0, 5), '0');
  const old = { first: 2, last: 10 };
  assert.is(shown([old], 1, 50), '1, 2-10', 'one without times may hold it');
  assert.equal(
    [105, 110, 200].map((ms) => shown([old, late], 1, ms)),
    ['1, 2-10', '10, 11-20', '20'],
  );
});

test.run();
