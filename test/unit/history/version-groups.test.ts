import * as assert from 'uvu/assert';
import type { Delta, Operation } from '../../../src/domain/delta.ts';
import { VersionGrouping, type VersionGroup } from '../../../src/domain/version-groups.ts';
import { VERSION_GROUP_DELTAS_MAX } from '../../../src/limits.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('version groups');
const MINUTE = 60_000;

interface Change {
  readonly by: string;
  /** Minutes since the beginning. */
  readonly at: number;
  readonly operation?: Operation;
  readonly provider?: string;
}

function deltasOf(changes: readonly Change[]): Delta[] {
  return changes.map(({ by, at, operation, provider }, index) => ({
    id: `d-${index + 1}`,
    blobId: 'b',
    toVersion: index + 1,
    userId: by,
    providerId: provider,
    operation: operation ?? 'update',
    patch: { kind: 'text_edits', bytes: 1 },
    updates: [],
    base: { fromVersion: index, extras: [] },
    chainLength: 1,
    newClients: [],
    createdAt: new Date(at * MINUTE),
    appliedAt: new Date(at * MINUTE),
  }));
}

function grouped(changes: readonly Change[], names: ReadonlyMap<number, string> = new Map()): VersionGroup[] {
  const grouping = new VersionGrouping(names);
  for (const delta of deltasOf(changes).reverse()) grouping.add(delta);
  grouping.end();
  return grouping.closed().map(({ group }) => group);
}

/** `3-5 ann bob`, newest first. */
function shown(changes: readonly Change[], names?: ReadonlyMap<number, string>): string[] {
  return grouped(changes, names).map(
    ({ firstVersion, version, authors, name }) =>
      `${firstVersion}-${version} ${authors.map((author) => author.userId).join(' ')}${name ? ` "${name}"` : ''}`,
  );
}

const typing = (by: string, from: number, to: number, step = 1): Change[] =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => ({ by, at: from + index * step }));
const inTime = (...parts: Change[][]): Change[] => parts.flat().sort((a, b) => a.at - b.at);

test('one author without a pause is one group; a pause of more than five minutes begins another', () => {
  assert.equal(shown(typing('ann', 0, 10)), ['1-11 ann']);
  assert.equal(shown([...typing('ann', 0, 2), ...typing('ann', 7, 8)]), ['1-5 ann']);
  assert.equal(shown([...typing('ann', 0, 2), ...typing('ann', 7.1, 8.1)]), ['4-5 ann', '1-3 ann']);
});

test('two who type at the same time are one group with both, not one per keystroke', () => {
  const both = inTime(typing('ann', 0, 10, 0.1), typing('bob', 0.05, 10.05, 0.1));
  assert.equal(shown(both), ['1-202 bob ann']);
  const [group] = grouped(both);
  assert.equal(
    group?.authors.map(({ userId, deltaCount, lastVersion }) => [userId, deltaCount, lastVersion]),
    [
      ['bob', 101, 202],
      ['ann', 101, 201],
    ],
  );
});

test('a hand-over begins another group; somebody who drops in on another does not', () => {
  assert.equal(shown([...typing('ann', 0, 10), ...typing('bob', 10.5, 15)]), ['12-16 bob', '1-11 ann']);
  assert.equal(shown(inTime(typing('ann', 0, 10), typing('bob', 4.5, 5.5))), ['1-13 ann bob']);
  // Ann's break is longer than a pause: what Bob did in it is his alone.
  assert.equal(shown(inTime(typing('ann', 0, 4), typing('bob', 5, 11), typing('ann', 12, 14))), [
    '13-15 ann',
    '6-12 bob',
    '1-5 ann',
  ]);
});

test('stints that overlap in a row are one group', () => {
  const relay = inTime(typing('ann', 0, 6), typing('bob', 5.5, 12), typing('cid', 11.2, 20));
  assert.equal(shown(relay), [`1-${relay.length} cid bob ann`]);
});

test('what is neither an update nor a transform stands alone and ends what is around it', () => {
  const changes: Change[] = [
    { by: 'ann', at: 0, operation: 'create' },
    { by: 'ann', at: 1 },
    { by: 'ann', at: 2, operation: 'delete' },
    { by: 'ann', at: 3, operation: 'undelete' },
    { by: 'ann', at: 4 },
    { by: 'ann', at: 5 },
    { by: 'ann', at: 5, operation: 'revert' },
  ];
  assert.equal(shown(changes), ['7-7 ann', '5-6 ann', '4-4 ann', '3-3 ann', '2-2 ann', '1-1 ann']);
});

test('a provider is an author of its own beside the person in whose name it acts', () => {
  const changes = inTime(
    typing('ann', 0, 3).map((change): Change => ({ ...change, operation: 'transform', provider: 'p' })),
    typing('ann', 0.5, 2.5),
  );
  const [group, ...others] = grouped(changes);
  assert.equal(others, []);
  assert.equal(
    group?.authors.map(({ providerId }) => providerId),
    ['p', undefined],
  );
  assert.equal([...(group?.operations ?? [])].sort(), ['transform', 'update']);
});

test('a named version ends its group and gives it the name', () => {
  assert.equal(shown(typing('ann', 0, 9), new Map([[4, 'draft']])), ['5-10 ann', '1-4 ann "draft"']);
  assert.equal(shown(typing('ann', 0, 9), new Map([[10, 'last']])), ['1-10 ann "last"']);
});

test('a very long run is cut by number', () => {
  const long = typing('ann', 0, (VERSION_GROUP_DELTAS_MAX + 9) / 100, 0.01);
  assert.equal(shown(long.slice(0, VERSION_GROUP_DELTAS_MAX + 10)), [
    `${VERSION_GROUP_DELTAS_MAX + 1}-${VERSION_GROUP_DELTAS_MAX + 10} ann`,
    `1-${VERSION_GROUP_DELTAS_MAX} ann`,
  ]);
});

test('a group counts as chosen if one of its deltas is', () => {
  const grouping = new VersionGrouping(new Map(), (delta) => delta.userId === 'bob');
  for (const delta of deltasOf([
    ...inTime(typing('ann', 0, 4), typing('bob', 1.5, 1.5)),
    ...typing('ann', 30, 31),
  ]).reverse())
    grouping.add(delta);
  grouping.end();
  assert.equal(
    grouping.closed().map(({ group, chosen }) => [group.version, chosen]),
    [
      [8, false],
      [6, true],
    ],
  );
});

function randomHistory(random: Random): Change[] {
  const changes: Change[] = [{ by: 'ann', at: 0, operation: 'create' }];
  let at = 0;
  for (let count = random.int(5, 120); count > 0; count--) {
    at += random.chance(0.08) ? random.int(4, 12) : random.next() * random.pick([0.2, 3]);
    const operation = random.chance(0.04) ? random.pick(['revert', 'delete'] as const) : 'update';
    changes.push({ by: random.pick(['ann', 'bob', 'cid']), at, operation });
  }
  return changes;
}

/** By definition: stints as intervals of versions, joined while any two overlap. */
function expected(changes: readonly Change[]): [number, number][] {
  const deltas = deltasOf(changes);
  const breaks = new Set<number>();
  for (const [index, delta] of deltas.entries()) {
    const next = deltas[index + 1];
    if (!next) continue;
    const pause = next.appliedAt.getTime() - delta.appliedAt.getTime() > 5 * MINUTE;
    if (pause || delta.operation !== 'update' || next.operation !== 'update') breaks.add(delta.toVersion);
  }
  const intervals: [number, number][] = deltas.map((delta) => [delta.toVersion, delta.toVersion]);
  for (const delta of deltas) {
    const next = deltas.find((other) => other.toVersion > delta.toVersion && other.userId === delta.userId);
    if (!next || next.appliedAt.getTime() - delta.appliedAt.getTime() > 5 * MINUTE) continue;
    const crossed = [...breaks].some((version) => version >= delta.toVersion && version < next.toVersion);
    if (!crossed) intervals.push([delta.toVersion, next.toVersion]);
  }
  for (let changed = true; changed;) {
    changed = false;
    for (const a of intervals) {
      for (const b of intervals) {
        if (a[0] > b[1] || b[0] > a[1] || (a[0] === b[0] && a[1] === b[1])) continue;
        a[0] = b[0] = Math.min(a[0], b[0]);
        a[1] = b[1] = Math.max(a[1], b[1]);
        changed = true;
      }
    }
  }
  const unique = new Map(intervals.map(([first, last]) => [first, last]));
  return [...unique].sort((a, b) => b[0] - a[0]);
}

test(
  'random histories are grouped as the definition says, and a group that is called whole stays as it is',
  seeded((random) => {
    for (let round = 0; round < 150; round++) {
      const changes = randomHistory(random);
      const grouping = new VersionGrouping(new Map());
      let early: [number, number][] = [];
      for (const delta of deltasOf(changes).reverse()) {
        grouping.add(delta);
        const now = grouping.closed().map(({ group }): [number, number] => [group.firstVersion, group.version]);
        assert.equal(now.slice(0, early.length), early);
        early = now;
      }
      grouping.end();
      const all = grouping.closed().map(({ group }) => group);
      assert.equal(
        all.map((group) => [group.firstVersion, group.version]),
        expected(changes),
      );
      for (const group of all) {
        assert.is(group.deltaCount, group.version - group.firstVersion + 1);
        assert.is(
          group.authors.reduce((sum, author) => sum + author.deltaCount, 0),
          group.deltaCount,
        );
      }
    }
  }),
);

test.run();
