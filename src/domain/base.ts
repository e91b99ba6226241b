import { StudioError } from '../errors.ts';
import { CHAIN_DELTAS_MAX, CHAIN_RANGES_MAX } from '../limits.ts';
import type { Base, Delta, SeqRange } from './delta.ts';

const NO_RANGES: readonly SeqRange[] = [];

export function headBase(version: number): Base {
  return { fromVersion: version, extras: NO_RANGES };
}

/** The canonical form: ranges sorted, merged, cut to what lies above fromVersion, which swallows those that touch it. */
export function normalizeBase(fromVersion: number, ranges: readonly SeqRange[]): Base {
  let from = fromVersion;
  const extras: { first: number; last: number }[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    if (range.last <= from) continue;
    if (range.first <= from + 1 && extras.length === 0) {
      from = range.last;
      continue;
    }
    const previous = extras.at(-1);
    if (previous && range.first <= previous.last + 1) previous.last = Math.max(previous.last, range.last);
    else extras.push({ first: Math.max(range.first, from + 1), last: range.last });
  }
  return { fromVersion: from, extras };
}

/**
 * The base of an edit that follows `predecessor` in its caller's chain: everything the predecessor was made on, the
 * predecessor, and what the caller has seen since (`fromVersion`; a lower one than the predecessor's is raised to it,
 * because nobody un-sees).
 */
export function chainedBase(fromVersion: number, predecessor: Delta): Base {
  if (predecessor.chainLength >= CHAIN_DELTAS_MAX) {
    throw new StudioError(
      'CHAIN_TOO_LONG',
      `A chain holds at most ${CHAIN_DELTAS_MAX} deltas; start a new one from a version.`,
      {
        limit: 'CHAIN_DELTAS_MAX',
      },
    );
  }
  const own = { first: predecessor.toVersion, last: predecessor.toVersion };
  const base = normalizeBase(Math.max(fromVersion, predecessor.base.fromVersion), [...predecessor.base.extras, own]);
  if (base.extras.length > CHAIN_RANGES_MAX) {
    throw new StudioError(
      'CHAIN_TOO_LONG',
      `The chain has more than ${CHAIN_RANGES_MAX} separate runs above from_version; name a newer from_version.`,
      { limit: 'CHAIN_RANGES_MAX' },
    );
  }
  return base;
}

/** The highest seq in the base. */
export function lastSeqOf(base: Base): number {
  return base.extras.at(-1)?.last ?? base.fromVersion;
}

export function baseIncludes(base: Base, seq: number): boolean {
  return seq <= base.fromVersion || base.extras.some((range) => range.first <= seq && seq <= range.last);
}

/** Whether every delta of `inner` is in `outer`. */
export function baseCovers(outer: Base, inner: Base): boolean {
  if (inner.fromVersion > outer.fromVersion) return false;
  return inner.extras.every(
    (range) =>
      range.last <= outer.fromVersion ||
      outer.extras.some((own) => Math.max(range.first, outer.fromVersion + 1) >= own.first && range.last <= own.last),
  );
}

/** The seqs of `target` that `held` lacks, as ascending ranges. `held` must be covered by `target`. */
export function missingRanges(target: Base, held: Base): SeqRange[] {
  const wanted: SeqRange[] = [];
  if (target.fromVersion > held.fromVersion) wanted.push({ first: held.fromVersion + 1, last: target.fromVersion });
  wanted.push(...target.extras);
  const missing: SeqRange[] = [];
  for (const range of wanted) {
    let next = range.first;
    for (const own of held.extras) {
      if (own.last < next || own.first > range.last) continue;
      if (own.first > next) missing.push({ first: next, last: own.first - 1 });
      next = own.last + 1;
    }
    if (next <= range.last) missing.push({ first: next, last: range.last });
  }
  return missing;
}
