/** Units that both sides changed, merged one by one: each with what it has become on either side. */
import { alignUnits } from '../edit/alignment.ts';
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

export function heirsOf<T>(base: readonly T[], next: readonly T[], rules: UnitRules<T>): Map<number, number> {
  const like = (at: number, from: number): number => heirLikeness(base[at] as T, next[from] as T, rules);
  return new Map(alignUnits(base.length, next.length, like, rules.tally.budget).map(({ at, from }) => [at, from]));
}

/** What lies about everywhere pairs with its like, but where that keeps others from pairing. */
const EQUAL_BUT_NOT_TELLING = 0.01;

export function heirLikeness<T>(one: T, other: T, { keyOf, isTelling, likeness }: UnitRules<T>): number {
  if (keyOf(one) === keyOf(other)) return isTelling(one) ? 1 : EQUAL_BUT_NOT_TELLING;
  return isTelling(one) && isTelling(other) ? likeness(one, other) : -1;
}
