/** The difference of two sequences of units (lines, JSON values), in bounded time. */
import diff from 'fast-diff';

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

  constructor(comparisons: number) {
    this.#left = comparisons;
  }

  /** True, and spent, if that much is left. */
  take(comparisons: number): boolean {
    if (comparisons > this.#left) return false;
    this.#left -= comparisons;
    return true;
  }
}

/** Surrogates don't stand alone in a string, so units are numbered below them. */
const UNITS_MAX = 0xd800;

/** Ascending hunks. Beyond the budget, one hunk for all between the common start and the common end. */
export function sequenceDifference<T extends string | number>(
  old: readonly T[],
  next: readonly T[],
  budget: WorkBudget,
): Hunk[] {
  let start = 0;
  while (start < old.length && start < next.length && old[start] === next[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < next.length - start && old.at(-1 - end) === next.at(-1 - end)) end += 1;
  const deleted = old.length - start - end;
  const inserted = next.length - start - end;
  if (deleted === 0 && inserted === 0) return [];
  const whole: Hunk = { at: start, deleted, from: start, inserted };
  if (deleted === 0 || inserted === 0 || !budget.take(deleted * inserted)) return [whole];
  const letters = new Map<T, string>();
  const spell = (units: readonly T[]): string => {
    let spelled = '';
    for (const unit of units) {
      let letter = letters.get(unit);
      if (letter === undefined) {
        letter = String.fromCharCode(letters.size);
        letters.set(unit, letter);
      }
      spelled += letter;
    }
    return spelled;
  };
  const oldSpelled = spell(old.slice(start, old.length - end));
  const nextSpelled = spell(next.slice(start, next.length - end));
  if (letters.size > UNITS_MAX) return [whole];
  return stringDifference(oldSpelled, nextSpelled).map((hunk) => ({
    ...hunk,
    at: hunk.at + start,
    from: hunk.from + start,
  }));
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
