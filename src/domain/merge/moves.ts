/**
 * Units that one side moved and the other changed. To a comparison a move is a deletion and an insertion elsewhere, so
 * what people deleted would come back, and what they changed would be there twice.
 */
import { alignUnits, COMPARISONS_PER_CELL } from '../edit/alignment.ts';
import type { Hunk } from '../edit/sequence-difference.ts';
import { heirLikeness } from './merge-heirs.ts';
import type { SideHunks, Sides } from './merge-sequence.ts';
import type { UnitRules } from './merge-units.ts';

/** What has become of a unit of the base on one side. */
interface Fate {
  /** Undefined: it is gone. */
  readonly place: number | undefined;
  readonly isMoved: boolean;
}

/** Units that are elsewhere and changed as well are known only if they are that much alike. */
const MOVED_LIKENESS_MIN = 0.6;

/**
 * Sides in which such units are put in once, as merged: no longer in the base, nor where the other side has them.
 * Where both moved one, it is where people put it. The very `sides` if there are none.
 */
export function settleMoves<T>(sides: Sides<T>, hunks: SideHunks, rules: UnitRules<T>): Sides<T> {
  const gone = deletedBy(hunks.own);
  const touched = [...deletedBy(hunks.other)].filter((at) => gone.has(at) && rules.isTelling(sides.base[at] as T));
  if (touched.length === 0 || !rules.tally.units.take(unitsOf(hunks))) return sides;
  const own = fatesOf(touched, sides.base, sides.ours, hunks.own, rules);
  const other = fatesOf(touched, sides.base, sides.theirs, hunks.other, rules);
  const result: Record<keyof Sides<T>, (T | undefined)[]> = {
    base: [...sides.base],
    ours: [...sides.ours],
    theirs: [...sides.theirs],
  };
  let isChanged = false;
  for (const at of touched) {
    const [{ place, isMoved }, theirs] = [own.get(at) ?? GONE, other.get(at) ?? GONE];
    if (!isMoved && !theirs.isMoved) continue;
    isChanged = true;
    const unit = sides.base[at] as T;
    result.base[at] = undefined;
    if (place === undefined || theirs.place === undefined) {
      // One side took out what the other moved: people's stays.
      rules.tally.skipped += 1;
      if (theirs.place !== undefined) result.theirs[theirs.place] = undefined;
      continue;
    }
    if (isMoved && theirs.isMoved && !isSamePlace(sides, place, theirs.place, rules)) rules.tally.skipped += 1;
    const merged = rules.merge(unit, sides.ours[place], sides.theirs[theirs.place]);
    result.ours[place] = isMoved ? merged : undefined;
    result.theirs[theirs.place] = isMoved ? undefined : merged;
  }
  if (!isChanged) return sides;
  const left = (units: readonly (T | undefined)[]): T[] => units.filter((unit) => unit !== undefined);
  return { base: left(result.base), ours: left(result.ours), theirs: left(result.theirs) };
}

function unitsOf({ own, other }: SideHunks): number {
  return [...own, ...other].reduce((units, { deleted, inserted }) => units + deleted + inserted, 0);
}

const GONE: Fate = { place: undefined, isMoved: false };

function deletedBy(hunks: readonly Hunk[]): Set<number> {
  const deleted = new Set<number>();
  for (const hunk of hunks) for (let at = hunk.at; at < hunk.at + hunk.deleted; at++) deleted.add(at);
  return deleted;
}

function isSamePlace<T>({ ours, theirs }: Sides<T>, own: number, other: number, { keyOf }: UnitRules<T>): boolean {
  const isSame = (step: number): boolean => {
    const [one, two] = [ours[own + step], theirs[other + step]];
    return one === undefined || two === undefined ? one === two : keyOf(one) === keyOf(two);
  };
  return isSame(-1) || isSame(1);
}

/** Found by what it says, then by likeness: first within its hunk, then elsewhere. */
function fatesOf<T>(
  touched: readonly number[],
  base: readonly T[],
  side: readonly T[],
  hunks: readonly Hunk[],
  rules: UnitRules<T>,
): Map<number, Fate> {
  const fates = new Map<number, Fate>();
  const taken = new Set<number>();
  const take = (at: number, place: number, isMoved: boolean): void => {
    fates.set(at, { place, isMoved });
    taken.add(place);
  };
  const [oldHunk, newHunk] = [new Map<number, Hunk>(), new Map<number, Hunk>()];
  for (const hunk of hunks) {
    for (const at of range(hunk.at, hunk.deleted)) oldHunk.set(at, hunk);
    for (const from of range(hunk.from, hunk.inserted)) newHunk.set(from, hunk);
  }
  const isAt = onceIn(side, rules);
  const twins = [...onceIn(base, rules)].flatMap(([key, at]) => {
    const place = isAt.get(key) ?? -1;
    return at >= 0 && newHunk.has(place) ? [{ at, place }] : [];
  });
  for (const { at, place } of twins) if (oldHunk.get(at) !== newHunk.get(place)) take(at, place, true);
  for (const hunk of hunks) {
    const old = range(hunk.at, hunk.deleted).filter((at) => !fates.has(at));
    const next = range(hunk.from, hunk.inserted).filter((from) => !taken.has(from));
    const like = (one: number, other: number): number =>
      heirLikeness(base[old[one] ?? 0] as T, side[next[other] ?? 0] as T, rules);
    for (const { at, from } of alignUnits(old.length, next.length, like, rules.tally.moves)) {
      take(old[at] ?? 0, next[from] ?? 0, false);
    }
  }
  for (const { at, place } of twins) if (!fates.has(at) && !taken.has(place)) take(at, place, true);
  const lost = touched.filter((at) => !fates.has(at));
  const found = [...newHunk.keys()].filter((from) => !taken.has(from) && rules.isTelling(side[from] as T));
  if (lost.length === 0 || !rules.tally.moves.take(lost.length * found.length * COMPARISONS_PER_CELL)) return fates;
  const pairs = lost.flatMap((at) =>
    found.map((place) => ({ at, place, like: rules.likeness(base[at] as T, side[place] as T) })),
  );
  for (const { at, place, like } of pairs.sort((one, other) => other.like - one.like)) {
    if (like < MOVED_LIKENESS_MIN) break;
    if (!fates.has(at) && !taken.has(place)) take(at, place, true);
  }
  return fates;
}

/** The places of units that tell where they stand; -1 for those that occur more often. */
function onceIn<T>(units: readonly T[], { keyOf, isTelling }: UnitRules<T>): Map<string | number, number> {
  const places = new Map<string | number, number>();
  for (const [index, unit] of units.entries()) {
    if (!isTelling(unit)) continue;
    const key = keyOf(unit);
    places.set(key, places.has(key) ? -1 : index);
  }
  return places;
}

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_none, index) => from + index);
}
