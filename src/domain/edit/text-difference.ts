/** What must change in one text to make it another: by line, by word, and within what changed, by character. */
import { DIFFERENCE_PLACES_MAX, DIFFERENCE_COMPARISONS_MAX } from '../../limits.ts';
import { fitHunks } from './places.ts';
import { splitsPair } from './surrogates.ts';
import { type Hunk, sequenceDifference, stringDifference, WorkBudget } from './sequence-difference.ts';
import { chunks, type Cut, lines, words } from './text-units.ts';

export interface Replacement {
  /** UTF-16 offset in the old text. */
  readonly at: number;
  readonly deleted: number;
  readonly insert: string;
}

/** What a difference may cost, and into how many places it may fall. */
export interface DifferenceLimits {
  readonly budget: WorkBudget;
  readonly places: WorkBudget;
}

/** Ascending, in offsets of the old text. No replacement begins or ends within a surrogate pair. */
export function textDifference(
  old: string,
  next: string,
  limits: DifferenceLimits = {
    budget: new WorkBudget(DIFFERENCE_COMPARISONS_MAX),
    places: new WorkBudget(DIFFERENCE_PLACES_MAX),
  },
): Replacement[] {
  if (old === next) return [];
  return fitHunks(differ(old, next, limits.budget, CUTS), limits.places).map(({ at, deleted, from, inserted }) => ({
    at,
    deleted,
    insert: next.slice(from, from + inserted),
  }));
}

const CUTS: readonly Cut[] = [lines, words, chunks];

function differ(old: string, next: string, budget: WorkBudget, cuts: readonly Cut[]): Hunk[] {
  const start = commonStart(old, next);
  const end = commonEnd(old, next, start);
  const oldMiddle = old.slice(start, old.length - end);
  const nextMiddle = next.slice(start, next.length - end);
  if (oldMiddle === '' && nextMiddle === '') return [];
  return shifted(differMiddle(oldMiddle, nextMiddle, budget, cuts), start, start);
}

function differMiddle(old: string, next: string, budget: WorkBudget, cuts: readonly Cut[]): Hunk[] {
  const whole: Hunk = { at: 0, deleted: old.length, from: 0, inserted: next.length };
  if (old === '' || next === '') return [whole];
  if (old.length * next.length <= DIRECT_COMPARISONS_MAX && budget.take(old.length * next.length)) {
    return byCharacter(old, next);
  }
  const [cut, ...finer] = cuts;
  if (!cut) return budget.take(old.length * next.length) ? byCharacter(old, next) : [whole];
  const oldUnits = cut(old);
  const nextUnits = cut(next);
  const oldOffsets = offsetsOf(oldUnits);
  const nextOffsets = offsetsOf(nextUnits);
  return sequenceDifference(oldUnits, nextUnits, budget).flatMap((hunk) => {
    const at = oldOffsets[hunk.at] ?? 0;
    const from = nextOffsets[hunk.from] ?? 0;
    const removed = old.slice(at, oldOffsets[hunk.at + hunk.deleted]);
    const added = next.slice(from, nextOffsets[hunk.from + hunk.inserted]);
    const isLong = hunk.deleted + hunk.inserted > UNITS_ALIKE_MAX;
    if (isLong && !budget.takeCharacters(removed.length + added.length))
      return [{ at, deleted: removed.length, from, inserted: added.length }];
    return shifted(differ(removed, added, budget, finer), at, from);
  });
}

/** Up to here texts are compared by character without cutting them first. */
const DIRECT_COMPARISONS_MAX = 4_000_000;

/** Where more in a row have nothing in common, little is found in what they consist of. */
const UNITS_ALIKE_MAX = 1_000;

function shifted(hunks: readonly Hunk[], at: number, from: number): Hunk[] {
  return hunks.map((hunk) => ({ ...hunk, at: hunk.at + at, from: hunk.from + from }));
}

function byCharacter(old: string, next: string): Hunk[] {
  const hunks = stringDifference(old, next);
  const splits = hunks.some(
    (hunk) => splitsAny(old, hunk.at, hunk.deleted) || splitsAny(next, hunk.from, hunk.inserted),
  );
  return splits ? [{ at: 0, deleted: old.length, from: 0, inserted: next.length }] : hunks;
}

function splitsAny(text: string, at: number, length: number): boolean {
  return splitsPair(text, at) || splitsPair(text, at + length);
}

function commonStart(old: string, next: string): number {
  const longest = Math.min(old.length, next.length);
  let length = 0;
  while (length < longest && old.charCodeAt(length) === next.charCodeAt(length)) length += 1;
  return splitsPair(old, length) || splitsPair(next, length) ? length - 1 : length;
}

function commonEnd(old: string, next: string, start: number): number {
  const longest = Math.min(old.length, next.length) - start;
  let length = 0;
  while (length < longest && old.charCodeAt(old.length - 1 - length) === next.charCodeAt(next.length - 1 - length))
    length += 1;
  return splitsPair(old, old.length - length) || splitsPair(next, next.length - length) ? length - 1 : length;
}

function offsetsOf(units: readonly string[]): number[] {
  const offsets = [0];
  let offset = 0;
  for (const unit of units) offsets.push((offset += unit.length));
  return offsets;
}
