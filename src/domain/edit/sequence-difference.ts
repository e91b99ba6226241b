/** The difference of two sequences of units (lines, JSON values), in bounded time. */
import diff from 'fast-diff';
import { commonAnchors } from './anchors.ts';
import { DIFFERENCE_CUT_CHARACTERS_MAX } from '../../limits.ts';

/** Replaces `deleted` units of the old sequence from `at` on by `inserted` units of the new one from `from` on. */
export interface Hunk {
  readonly at: number;
  readonly deleted: number;
  readonly from: number;
  readonly inserted: number;
}

/** What a difference may cost: comparisons at worst. Shared by all parts of one edit. */
export class WorkBudget {
  #left: number;
  #charactersLeft = DIFFERENCE_CUT_CHARACTERS_MAX;

  constructor(comparisons: number) {
    this.#left = comparisons;
  }

  get left(): number {
    return this.#left;
  }

  /** True, and spent, if that much is left. */
  take(comparisons: number): boolean {
    if (comparisons > this.#left) return false;
    this.#left -= comparisons;
    return true;
  }

  /** The same for characters of long stretches that are cut into smaller units. */
  takeCharacters(count: number): boolean {
    if (count > this.#charactersLeft) return false;
    this.#charactersLeft -= count;
    return true;
  }
}

/** Surrogates don't stand alone in a string, so units are numbered below them: of more, two would share a letter. */
const UNITS_MAX = 0xd800;
/** Up to here sequences are compared without looking for anchors, which cost little, first. */
const DIRECT_COMPARISONS_MAX = 250_000;
/** How often parts between anchors are split at anchors of their own. */
const SPLITS_MAX = 4;

/** Ascending hunks. Long sequences are compared in parts; what is then beyond the budget is replaced as one. */
export function sequenceDifference<T extends string | number>(
  old: readonly T[],
  next: readonly T[],
  budget: WorkBudget,
  splits = 0,
): Hunk[] {
  let start = 0;
  while (start < old.length && start < next.length && old[start] === next[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < next.length - start && old.at(-1 - end) === next.at(-1 - end)) end += 1;
  const deleted = old.length - start - end;
  const inserted = next.length - start - end;
  if (deleted === 0 && inserted === 0) return [];
  const oldMiddle = old.slice(start, old.length - end);
  const nextMiddle = next.slice(start, next.length - end);
  return middleDifference(oldMiddle, nextMiddle, budget, splits).map((hunk) => ({
    ...hunk,
    at: hunk.at + start,
    from: hunk.from + start,
  }));
}

function middleDifference<T extends string | number>(
  old: readonly T[],
  next: readonly T[],
  budget: WorkBudget,
  splits: number,
): Hunk[] {
  const whole: Hunk = { at: 0, deleted: old.length, from: 0, inserted: next.length };
  if (old.length === 0 || next.length === 0 || areDisjoint(old, next)) return [whole];
  const comparisons = old.length * next.length;
  const canSpell = old.length + next.length <= UNITS_MAX;
  if (canSpell && comparisons <= DIRECT_COMPARISONS_MAX && budget.take(comparisons))
    return spelledDifference(old, next);
  const anchors = splits < SPLITS_MAX ? commonAnchors(old, next) : [];
  if (anchors.length === 0) {
    return canSpell && budget.take(comparisons) ? spelledDifference(old, next) : [whole];
  }
  const hunks: Hunk[] = [];
  let at = 0;
  let from = 0;
  for (const anchor of [...anchors, { at: old.length, from: next.length }]) {
    const parts = sequenceDifference(old.slice(at, anchor.at), next.slice(from, anchor.from), budget, splits + 1);
    for (const part of parts) hunks.push({ ...part, at: part.at + at, from: part.from + from });
    at = anchor.at + 1;
    from = anchor.from + 1;
  }
  return hunks;
}

function areDisjoint<T>(old: readonly T[], next: readonly T[]): boolean {
  const known = new Set(old);
  return !next.some((unit) => known.has(unit));
}

/** Each unit as one character, so that it is a difference of strings. */
function spelledDifference<T>(old: readonly T[], next: readonly T[]): Hunk[] {
  const letters = new Map<T, string>();
  const spell = (units: readonly T[]): string => {
    let spelled = '';
    for (const unit of units) {
      let letter = letters.get(unit);
      if (letter === undefined) letters.set(unit, (letter = String.fromCharCode(letters.size)));
      spelled += letter;
    }
    return spelled;
  };
  return stringDifference(spell(old), spell(next));
}

/** Hunks of UTF-16 units. May cost the product of the two lengths. */
export function stringDifference(old: string, next: string): Hunk[] {
  const hunks: Hunk[] = [];
  let at = 0;
  let from = 0;
  let open: { at: number; deleted: number; from: number; inserted: number } | undefined;
  for (const [operation, text] of diff(old, next)) {
    if (operation === diff.EQUAL) {
      open = undefined;
      at += text.length;
      from += text.length;
      continue;
    }
    if (!open) hunks.push((open = { at, deleted: 0, from, inserted: 0 }));
    if (operation === diff.DELETE) {
      open.deleted += text.length;
      at += text.length;
    } else {
      open.inserted += text.length;
      from += text.length;
    }
  }
  return hunks;
}
