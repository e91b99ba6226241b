/** Three-way merge of sequences: what changed from `base` to either side is put together where it does not overlap. */
import { type Hunk, sequenceDifference, type WorkBudget } from '../edit/sequence-difference.ts';
import { joinHunks, type Region, RegionWalk } from './regions.ts';

export interface Sides<T> {
  readonly base: readonly T[];
  readonly ours: readonly T[];
  readonly theirs: readonly T[];
}

export interface SequenceRules<T> {
  /** Equal units have equal keys. */
  readonly keyOf: (unit: T) => string | number;
  /** Whether it shows where it stands. What lies about everywhere (a blank line) does not. */
  readonly isTelling: (unit: T) => boolean;
  readonly budget: WorkBudget;
}

export interface MergeRules<T> extends SequenceRules<T> {
  /** What becomes of units that both sides changed: in several places, or each side all of them in one. */
  readonly resolve: (sides: Sides<T>, places: 'one place' | 'several places') => readonly T[];
  /** What becomes of a unit that has the same key on all sides: its key need not say all of it. */
  readonly settle: (base: T, ours: T, theirs: T) => T;
  /** Whether both stay where both put something at the same place. Else it is as if they had changed one unit. */
  readonly keepsBothInsertions: boolean;
}

export interface SideHunks {
  readonly own: readonly Hunk[];
  readonly other: readonly Hunk[];
}

export function sideHunks<T>({ base, ours, theirs }: Sides<T>, rules: SequenceRules<T>): SideHunks {
  const keys = base.map(rules.keyOf);
  const differ = (side: readonly T[]): Hunk[] =>
    joinHunks(sequenceDifference(keys, side.map(rules.keyOf), rules.budget), base, rules.isTelling);
  return { own: differ(ours), other: differ(theirs) };
}

/**
 * Changes of neighbouring units do not overlap, nor does an insertion beside a changed unit. A change that both sides
 * made is taken once.
 */
export function mergeSequence<T>(sides: Sides<T>, rules: MergeRules<T>, hunks = sideHunks(sides, rules)): T[] {
  const { base, ours, theirs } = sides;
  const walk = new RegionWalk(hunks.own, hunks.other);
  const merged: T[] = [];
  const add = (units: readonly T[]): void => {
    for (const unit of units) merged.push(unit);
  };
  let at = 0;
  const addEqual = (end: number, ourEnd: number, theirEnd: number): void => {
    for (let left = end - at; left > 0; left -= 1) {
      merged.push(rules.settle(base[end - left] as T, ours[ourEnd - left] as T, theirs[theirEnd - left] as T));
    }
  };
  for (let region = walk.next(); region; region = walk.next()) {
    addEqual(region.start, region.own.from, region.other.from);
    add(regionOf(sides, region, rules));
    at = region.end;
  }
  addEqual(base.length, ours.length, theirs.length);
  return merged;
}

function regionOf<T>(sides: Sides<T>, { start, end, own, other }: Region, rules: MergeRules<T>): readonly T[] {
  const changed = {
    base: sides.base.slice(start, end),
    ours: sides.ours.slice(own.from, own.until),
    theirs: sides.theirs.slice(other.from, other.until),
  };
  if (own.hunks.length === 0) return changed.theirs;
  if (other.hunks.length === 0 || isSame(changed.ours, changed.theirs, rules)) return changed.ours;
  const hunks = [...own.hunks, ...other.hunks];
  if (hunks.every(({ inserted }) => inserted === 0)) {
    // Both only took out: what either took out is gone.
    return changed.base.filter((_, index) => !hunks.some(({ at, deleted }) => isWithin(index + start, at, deleted)));
  }
  return changed.base.length === 0 && rules.keepsBothInsertions
    ? union(changed, rules)
    : rules.resolve(changed, placesOf([own, other], end - start));
}

function placesOf(spans: readonly Region['own'][], units: number): 'one place' | 'several places' {
  return spans.every(({ hunks }) => hunks.length === 1 && hunks[0]?.deleted === units) ? 'one place' : 'several places';
}

function isWithin(place: number, at: number, count: number): boolean {
  return place >= at && place < at + count;
}

function isSame<T>(one: readonly T[], other: readonly T[], { keyOf }: MergeRules<T>): boolean {
  return one.length === other.length && one.every((unit, index) => keyOf(unit) === keyOf(other[index] as T));
}

/** Ours and theirs, what is in both once. */
function union<T>({ ours, theirs }: Sides<T>, { keyOf, isTelling, budget }: MergeRules<T>): T[] {
  const united: T[] = [];
  let at = 0;
  const hunks = sequenceDifference(ours.map(keyOf), theirs.map(keyOf), budget);
  for (const hunk of joinHunks(hunks, ours, isTelling, 'to the ends')) {
    for (const unit of ours.slice(at, hunk.at + hunk.deleted)) united.push(unit);
    for (const unit of theirs.slice(hunk.from, hunk.from + hunk.inserted)) united.push(unit);
    at = hunk.at + hunk.deleted;
  }
  return united.concat(ours.slice(at));
}
