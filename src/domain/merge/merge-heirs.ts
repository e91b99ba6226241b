/** Units that both sides changed, merged one by one: each with what it has become on either side. */
import { alignUnits } from '../edit/alignment.ts';
import type { WorkBudget } from '../edit/sequence-difference.ts';
import type { Sides } from './merge-sequence.ts';

export interface HeirRules<T> {
  /** Equal units have equal keys. */
  readonly keyOf: (unit: T) => string | number;
  /** How much the one is the other, changed; negative if not at all. */
  readonly likeness: (base: T, next: T) => number;
  /** Undefined on a side where the unit is gone, and as the result if it is gone from both. */
  readonly merge: (base: T, ours: T | undefined, theirs: T | undefined) => T | undefined;
  readonly budget: WorkBudget;
}

export function mergeHeirs<T>({ base, ours, theirs }: Sides<T>, rules: HeirRules<T>): T[] {
  const own = heirs(base, ours, rules);
  const other = heirs(base, theirs, rules);
  const known = new Set(ours.map(rules.keyOf));
  const merged: T[] = [];
  let at = 0;
  let from = 0;
  /** What either side put in before its heir of the next unit; what both did is there once. */
  const addNew = (ourEnd: number | undefined, theirEnd: number | undefined): void => {
    for (const unit of ours.slice(at, ourEnd ?? at)) merged.push(unit);
    for (const unit of theirs.slice(from, theirEnd ?? from)) if (!known.has(rules.keyOf(unit))) merged.push(unit);
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

function heirs<T>(base: readonly T[], next: readonly T[], { likeness, budget }: HeirRules<T>): Map<number, number> {
  const like = (at: number, from: number): number => likeness(base[at] as T, next[from] as T);
  return new Map(alignUnits(base.length, next.length, like, budget).map(({ at, from }) => [at, from]));
}
