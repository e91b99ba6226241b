/** What leads from one text to another, as a caller would send it: edits in code points, in sequence. */
import { TEXT_EDITS_PER_DELTA_MAX } from '../../limits.ts';
import type { TextEdit } from '../delta.ts';
import { lengthIn } from '../edit/offsets.ts';
import { type Replacement, textDifference } from '../edit/text-difference.ts';
import { atWordEdges } from './word-edges.ts';

/** At most TEXT_EDITS_PER_DELTA_MAX; where there would be more, neighbours are joined. */
export function textEditsBetween(old: string, next: string): TextEdit[] {
  const replacements = joinNeighbours(old, atWordEdges(old, textDifference(old, next)), TEXT_EDITS_PER_DELTA_MAX);
  const edits: TextEdit[] = [];
  let at = 0;
  let offset = 0;
  for (const { at: start, deleted, insert } of replacements) {
    offset += codePoints(old.slice(at, start));
    edits.push({ offset, deleteCount: codePoints(old.slice(start, start + deleted)), insert });
    // The next one applies to the text that this one leaves.
    offset += codePoints(insert);
    at = start + deleted;
  }
  return edits;
}

/** Joins those with the least text between them until at most `most` are left. */
export function joinNeighbours(old: string, replacements: readonly Replacement[], most: number): Replacement[] {
  const surplus = replacements.length - most;
  if (surplus <= 0) return [...replacements];
  const gaps = replacements
    .slice(1)
    .map((replacement, index) => ({ index, gap: replacement.at - endOf(replacements[index]) }))
    .sort((a, b) => a.gap - b.gap)
    .slice(0, surplus);
  const joined = new Set(gaps.map(({ index }) => index));
  const result: Replacement[] = [];
  for (const [index, replacement] of replacements.entries()) {
    const before = joined.has(index - 1) ? result.pop() : undefined;
    if (!before) result.push(replacement);
    else {
      const between = old.slice(endOf(before), replacement.at);
      const deleted = replacement.at + replacement.deleted - before.at;
      result.push({ at: before.at, deleted, insert: before.insert + between + replacement.insert });
    }
  }
  return result;
}

function endOf(replacement: Replacement | undefined): number {
  return replacement ? replacement.at + replacement.deleted : 0;
}

function codePoints(text: string): number {
  return lengthIn(text, 'code_points');
}
