/** Units that both sides changed, merged one by one: each with what it has become on either side. */
import { alignUnits, COMPARISONS_PER_CELL } from '../edit/alignment.ts';
import { sequenceDifference } from '../edit/sequence-difference.ts';
import type { Sides } from './merge-sequence.ts';
import type { UnitRules } from './merge-units.ts';

/** On either side the place of each unit's heir, of those that have one. */
export interface Heirs {
  readonly own: ReadonlyMap<number, number>;
  readonly other: ReadonlyMap<number, number>;
}

export function mergeHeirs<T>({ base, ours, theirs }: Sides<T>, { own, other }: Heirs, rules: UnitRules<T>): T[] {
  const { keyOf, isTelling } = rules;
  const known = new Set(ours.filter(isTelling).map(keyOf));
  const merged: T[] = [];
  let at = 0;
  let from = 0;
  /** What either side put in before its heir of the next unit; what both did is there once. */
  const addNew = (ourEnd: number | undefined, theirEnd: number | undefined): void => {
    const mine = ours.slice(at, ourEnd ?? at);
    const added = theirs.slice(from, theirEnd ?? from).filter((unit) => !isTelling(unit) || !known.has(keyOf(unit)));
    for (const unit of mine) merged.push(unit);
    if (mine.length === 0 || added.some(isTelling)) for (const unit of added) merged.push(unit);
  };
  for (const [index, unit] of base.entries()) {
    const ourHeir = own.get(index);
    const theirHeir = other.get(index);
    addNew(ourHeir, theirHeir);
    const heir = rules.merge(
      unit,
      ourHeir === undefined ? undefined : ours[ourHeir],
      theirHeir === undefined ? undefined : theirs[theirHeir],
    );
    if (heir !== undefined) merged.push(heir);
    if (ourHeir !== undefined) at = ourHeir + 1;
    if (theirHeir !== undefined) from = theirHeir + 1;
  }
  addNew(ours.length, theirs.length);
  return merged;
}

/** Beyond the budget what is equal stays where it is, and the units between are paired for themselves. */
export function heirsOf<T>(base: readonly T[], next: readonly T[], rules: UnitRules<T>): Map<number, number> {
  const { keyOf, tally } = rules;
  const heirs = new Map<number, number>();
  const isBounded = base.length * next.length * COMPARISONS_PER_CELL <= tally.budget.left;
  const whole = { at: 0, deleted: base.length, from: 0, inserted: next.length };
  const hunks = isBounded ? [whole] : sequenceDifference(base.map(keyOf), next.map(keyOf), tally.budget);
  let at = 0;
  let from = 0;
  const addEqual = (end: number): void => {
    for (; at < end; at += 1, from += 1) heirs.set(at, from);
  };
  for (const hunk of hunks) {
    addEqual(hunk.at);
    const like = (one: number, other: number): number =>
      heirLikeness(base[hunk.at + one] as T, next[hunk.from + other] as T, rules);
    for (const pair of alignUnits(hunk.deleted, hunk.inserted, like, tally.budget)) {
      heirs.set(hunk.at + pair.at, hunk.from + pair.from);
    }
    [at, from] = [hunk.at + hunk.deleted, hunk.from + hunk.inserted];
  }
  addEqual(base.length);
  return heirs;
}

/** What units are that would cost too much to compare: those at the same place are paired. */
export const UNKNOWN_LIKENESS = 0;

/** What lies about everywhere pairs with its like, but where that keeps others from pairing. */
const EQUAL_BUT_NOT_TELLING = 0.01;

export function heirLikeness<T>(one: T, other: T, { keyOf, isTelling, likeness }: UnitRules<T>): number {
  if (keyOf(one) === keyOf(other)) return isTelling(one) ? 1 : EQUAL_BUT_NOT_TELLING;
  return isTelling(one) && isTelling(other) ? likeness(one, other) : -1;
}
