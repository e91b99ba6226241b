/** What must change in one text to make it another: by line, and within the lines that changed, by character. */
import { TEXT_DIFFERENCE_COMPARISONS_MAX } from '../../limits.ts';
import { splitsPair } from './surrogates.ts';
import { type Hunk, sequenceDifference, stringDifference, WorkBudget } from './sequence-difference.ts';

export interface Replacement {
  /** UTF-16 offset in the old text. */
  readonly at: number;
  readonly deleted: number;
  readonly insert: string;
}

/** Ascending, in offsets of the old text. No replacement begins or ends within a surrogate pair. */
export function textDifference(old: string, next: string): Replacement[] {
  if (old === next) return [];
  const start = commonStart(old, next);
  const end = commonEnd(old, next, start);
  const budget = new WorkBudget(TEXT_DIFFERENCE_COMPARISONS_MAX);
  const oldMiddle = old.slice(start, old.length - end);
  const nextMiddle = next.slice(start, next.length - end);
  return differMiddle(oldMiddle, nextMiddle, budget).map((part) => ({ ...part, at: part.at + start }));
}

function differMiddle(old: string, next: string, budget: WorkBudget): Replacement[] {
  if (old === '' || next === '') return [{ at: 0, deleted: old.length, insert: next }];
  if (budget.take(old.length * next.length)) return byCharacter(old, next);
  const oldLines = old.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const nextLines = next.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const oldOffsets = offsetsOf(oldLines);
  const nextOffsets = offsetsOf(nextLines);
  return sequenceDifference(oldLines, nextLines, budget).flatMap((hunk) => {
    const at = oldOffsets[hunk.at] ?? 0;
    const removed = old.slice(at, oldOffsets[hunk.at + hunk.deleted]);
    const added = next.slice(nextOffsets[hunk.from], nextOffsets[hunk.from + hunk.inserted]);
    const parts =
      removed !== '' && added !== '' && budget.take(removed.length * added.length)
        ? byCharacter(removed, added)
        : [{ at: 0, deleted: removed.length, insert: added }];
    return parts.map((part) => ({ ...part, at: part.at + at }));
  });
}

function byCharacter(old: string, next: string): Replacement[] {
  const hunks = stringDifference(old, next);
  const splits = hunks.some(
    (hunk) => splitsAny(old, hunk.at, hunk.deleted) || splitsAny(next, hunk.from, hunk.inserted),
  );
  if (splits) return [{ at: 0, deleted: old.length, insert: next }];
  return hunks.map((hunk: Hunk) => ({
    at: hunk.at,
    deleted: hunk.deleted,
    insert: next.slice(hunk.from, hunk.from + hunk.inserted),
  }));
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

function offsetsOf(lines: readonly string[]): number[] {
  const offsets = [0];
  let offset = 0;
  for (const line of lines) offsets.push((offset += line.length));
  return offsets;
}
