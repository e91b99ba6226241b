/** Units that can be told from one another (lines, items, nodes): they may move, and change beside each other. */
import type { Hunk } from '../edit/sequence-difference.ts';
import { type Heirs, heirsOf, mergeHeirs } from './merge-heirs.ts';
import { mergeSequence, type SequenceRules, type SideHunks, type Sides, sideHunks } from './merge-sequence.ts';
import { settleMoves } from './moves.ts';
import type { Tally } from './tally.ts';

export interface UnitRules<T> extends Omit<SequenceRules<T>, 'budget'> {
  /** How much the one is the other, changed: up to 1, and negative if it is another unit. */
  readonly likeness: (base: T, next: T) => number;
  /** Undefined on a side where the unit is gone, and as the result if it is gone from both. */
  readonly merge: (base: T, ours: T | undefined, theirs: T | undefined) => T | undefined;
  readonly settle?: (base: T, ours: T, theirs: T) => T;
  /** What becomes of units that both changed, where it can't be told unit by unit. */
  readonly resolve?: (sides: Sides<T>, heirs: Heirs) => readonly T[] | undefined;
  readonly tally: Tally;
}

/** What is moved is found by what stayed, and that may be told otherwise once some of the moved is taken out. */
const MOVE_ROUNDS_MAX = 8;

export function mergeUnits<T>(sides: Sides<T>, rules: UnitRules<T>): T[] {
  const sequenceRules = { keyOf: rules.keyOf, isTelling: rules.isTelling, budget: rules.tally.budget };
  let settled = sides;
  let hunks = sideHunks(sides, sequenceRules);
  for (let round = 0; round < MOVE_ROUNDS_MAX; round++) {
    const next = settleMoves(settled, hunks, rules);
    if (next === settled) break;
    settled = next;
    hunks = sideHunks(settled, sequenceRules);
  }
  const resolve = (changed: Sides<T>, places: 'one place' | 'several places'): readonly T[] => {
    if (!rules.tally.units.take(changed.base.length + changed.ours.length + changed.theirs.length)) {
      rules.tally.skipped += 1;
      return changed.ours;
    }
    // What changed in one place was looked through already.
    const inPlace = places === 'one place' ? changed : settleMoves(changed, whole(changed), rules);
    const heirs = {
      own: heirsOf(inPlace.base, inPlace.ours, rules),
      other: heirsOf(inPlace.base, inPlace.theirs, rules),
    };
    return rules.resolve?.(inPlace, heirs) ?? mergeHeirs(inPlace, heirs, rules);
  };
  const settle = rules.settle ?? ((_base: T, ours: T): T => ours);
  return mergeSequence(settled, { ...sequenceRules, settle, keepsBothInsertions: true, resolve }, hunks);
}

/** All of either side as one change. */
function whole<T>({ base, ours, theirs }: Sides<T>): SideHunks {
  const hunkOf = (side: readonly T[]): Hunk => ({ at: 0, deleted: base.length, from: 0, inserted: side.length });
  return { own: [hunkOf(ours)], other: [hunkOf(theirs)] };
}
