/**
 * Where the same stretch of text could as well have been inserted or deleted some characters further on, puts it where
 * a person would: "two " and not "wo t".
 */
import { isHigh, isLow, splitsPair } from '../edit/surrogates.ts';
import type { Replacement } from '../edit/text-difference.ts';

/** How far a stretch is moved at most, either way. */
const SLIDE_CHARACTERS_MAX = 200;

/** Ascending replacements of `old`, as many and as large as before. */
export function atWordEdges(old: string, replacements: readonly Replacement[]): Replacement[] {
  const moved: Replacement[] = [];
  for (const [index, replacement] of replacements.entries()) {
    const before = moved.at(-1);
    const low = before ? before.at + before.deleted + 1 : 0;
    const high = (replacements[index + 1]?.at ?? old.length + 1) - 1;
    moved.push(slide(old, replacement, low, high));
  }
  return moved;
}

function slide(old: string, replacement: Replacement, low: number, high: number): Replacement {
  const { at, deleted, insert } = replacement;
  if (deleted > 0 === (insert !== '')) return replacement;
  const stretch = deleted > 0 ? old.slice(at, at + deleted) : insert;
  let best = replacement;
  let bestScore = scoreOf(old, replacement);
  const consider = (candidate: Replacement): void => {
    const score = scoreOf(old, candidate);
    if (score > bestScore || (score === bestScore && candidate.at > best.at)) [best, bestScore] = [candidate, score];
  };
  for (let [steps, text] = [1, stretch]; steps <= SLIDE_CHARACTERS_MAX && at - steps >= low; steps++) {
    const character = old.charAt(at - steps);
    if (character !== text.at(-1)) break;
    text = character + text.slice(0, -1);
    consider({ at: at - steps, deleted, insert: deleted > 0 ? '' : text });
  }
  for (let [steps, text] = [1, stretch]; steps <= SLIDE_CHARACTERS_MAX && at + steps + deleted <= high; steps++) {
    const character = old.charAt(at + deleted + steps - 1);
    if (character === '' || character !== text.charAt(0)) break;
    text = text.slice(1) + character;
    consider({ at: at + steps, deleted, insert: deleted > 0 ? '' : text });
  }
  return best;
}

function scoreOf(old: string, { at, deleted, insert }: Replacement): number {
  const stretch = deleted > 0 ? old.slice(at, at + deleted) : insert;
  if (splitsPair(old, at) || splitsPair(old, at + deleted)) return -1;
  if (isLow(stretch.charCodeAt(0)) || isHigh(stretch.charCodeAt(stretch.length - 1))) return -1;
  return edgeScore(old.charAt(at - 1), stretch.charAt(0)) + edgeScore(stretch.at(-1) ?? '', old.charAt(at + deleted));
}

function edgeScore(left: string, right: string): number {
  if (left === '' || left === '\n') return 4;
  if (right === '') return 3;
  if (/\s/.test(left)) return 3;
  if (/\s/.test(right)) return 2;
  return /[\p{L}\p{N}\p{M}\p{Cs}]/u.test(left) && /[\p{L}\p{N}\p{M}\p{Cs}]/u.test(right) ? 0 : 1;
}
