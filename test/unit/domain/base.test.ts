import * as assert from 'uvu/assert';
import { baseCovers, baseIncludes, chainedBase, missingRanges, normalizeBase } from '../../../src/domain/base.ts';
import type { Base, Delta } from '../../../src/domain/delta.ts';
import { StudioError } from '../../../src/errors.ts';
import { CHAIN_DELTAS_MAX } from '../../../src/limits.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('domain/base');

/** The plain meaning of a base: the set of its seqs. */
function seqsOf(base: Base, upTo: number): Set<number> {
  const seqs = new Set<number>();
  for (let seq = 1; seq <= upTo; seq++) if (baseIncludes(base, seq)) seqs.add(seq);
  return seqs;
}

function deltaAt(toVersion: number, base: Base, chainLength = 1): Delta {
  return {
    id: `d-${toVersion}`,
    blobId: 'b',
    toVersion,
    userId: 'u',
    operation: 'update',
    patch: { kind: 'content', bytes: 0 },
    updates: [],
    base,
    chainLength,
    newClients: [],
    createdAt: new Date(0),
    appliedAt: new Date(0),
  };
}

test('ranges that touch from_version are swallowed by it, so that a chain without concurrency is a plain version', () => {
  assert.equal(
    normalizeBase(3, [
      { first: 4, last: 4 },
      { first: 5, last: 9 },
    ]),
    { fromVersion: 9, extras: [] },
  );
  assert.equal(
    normalizeBase(3, [
      { first: 6, last: 7 },
      { first: 8, last: 8 },
      { first: 2, last: 3 },
    ]),
    {
      fromVersion: 3,
      extras: [{ first: 6, last: 8 }],
    },
  );
});

test(
  'a base means the same set of deltas whichever way it is written down',
  seeded((random) => {
    for (let round = 0; round < 2_000; round++) {
      const from = random.int(0, 10);
      const ranges = Array.from({ length: random.int(0, 6) }, () => {
        const first = random.int(1, 30);
        return { first, last: first + random.int(0, 4) };
      });
      const plain = new Set<number>();
      for (let seq = 1; seq <= from; seq++) plain.add(seq);
      for (const { first, last } of ranges) for (let seq = first; seq <= last; seq++) plain.add(seq);
      const base = normalizeBase(from, ranges);
      assert.equal(
        [...seqsOf(base, 40)].sort((a, b) => a - b),
        [...plain].sort((a, b) => a - b),
      );
      const other = normalizeBase(from + random.int(0, 5), [...ranges, { first: 35, last: 36 }]);
      assert.is(baseCovers(other, base), true);
      const missing = new Set<number>();
      for (const { first, last } of missingRanges(other, base))
        for (let seq = first; seq <= last; seq++) missing.add(seq);
      const expected = [...seqsOf(other, 40)].filter((seq) => !baseIncludes(base, seq));
      assert.equal([...missing], expected);
    }
  }),
);

test('nobody un-sees: a from_version below the predecessor is raised to it', () => {
  const predecessor = deltaAt(12, { fromVersion: 7, extras: [{ first: 9, last: 10 }] });
  assert.equal(chainedBase(2, predecessor), {
    fromVersion: 7,
    extras: [
      { first: 9, last: 10 },
      { first: 12, last: 12 },
    ],
  });
  assert.equal(chainedBase(11, predecessor), { fromVersion: 12, extras: [] });
});

test('a chain has a limit', () => {
  const last = deltaAt(5, { fromVersion: 4, extras: [] }, CHAIN_DELTAS_MAX);
  assert.throws(
    () => chainedBase(4, last),
    (error: unknown) => error instanceof StudioError && error.reason === 'CHAIN_TOO_LONG',
  );
});

test.run();
