/** Which of the nodes that went are the former state of which that came. */
import type { WorkBudget } from '../edit/sequence-difference.ts';
import { plainTextOf, type RichNode } from './rich-tree.ts';

export interface Pair {
  readonly at: number;
  readonly from: number;
}

/** Below this two nodes are not alike. */
const LIKE = 0.25;

/** Ascending in both lists: the pairs that are most alike in sum. Nodes of different kinds are never a pair. */
export function pairByLikeness(old: readonly RichNode[], next: readonly RichNode[], budget: WorkBudget): Pair[] {
  if (old.length === 0 || next.length === 0) return [];
  const [oldTexts, nextTexts] = [old.map(plainTextOf), next.map(plainTextOf)];
  const isOnly = old.length === 1 && next.length === 1;
  const width = next.length + 1;
  const best = new Float64Array((old.length + 1) * width);
  const likenesses = new Float64Array(old.length * next.length);
  for (let at = old.length - 1; at >= 0; at--) {
    for (let from = next.length - 1; from >= 0; from--) {
      const likeness = areOneKind(old[at], next[from])
        ? isOnly
          ? 1
          : likenessOf(oldTexts[at] ?? '', nextTexts[from] ?? '', budget)
        : 0;
      likenesses[at * next.length + from] = likeness;
      const paired = likeness >= LIKE ? likeness + valueAt(best, (at + 1) * width + from + 1) : 0;
      best[at * width + from] = Math.max(
        paired,
        valueAt(best, (at + 1) * width + from),
        valueAt(best, at * width + from + 1),
      );
    }
  }
  const pairs: Pair[] = [];
  for (let [at, from] = [0, 0]; at < old.length && from < next.length;) {
    const likeness = valueAt(likenesses, at * next.length + from);
    const here = valueAt(best, at * width + from);
    if (likeness >= LIKE && here === likeness + valueAt(best, (at + 1) * width + from + 1)) {
      pairs.push({ at, from });
      at += 1;
      from += 1;
    } else if (here === valueAt(best, (at + 1) * width + from)) at += 1;
    else from += 1;
  }
  return pairs;
}

function areOneKind(old: RichNode | undefined, next: RichNode | undefined): boolean {
  if (old?.kind === 'element' && next?.kind === 'element') return old.name === next.name;
  return old?.kind === 'text' && next?.kind === 'text';
}

/** The share of words that both have, from 0 to 1. Of texts beyond the budget only beginning and end are looked at. */
function likenessOf(old: string, next: string, budget: WorkBudget): number {
  if (old === next) return 1;
  if (!budget.take(old.length + next.length)) return commonEnds(old, next) / Math.max(old.length, next.length, 1);
  const words = new Map<string, number>();
  const [oldWords, nextWords] = [wordsOf(old), wordsOf(next)];
  for (const word of oldWords) words.set(word, (words.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of nextWords) {
    const left = words.get(word) ?? 0;
    if (left === 0) continue;
    shared += 1;
    words.set(word, left - 1);
  }
  const byWords = (2 * shared) / Math.max(1, oldWords.length + nextWords.length);
  // One long word that was typed on has no word in common with what it became.
  return Math.max(byWords, commonEnds(old, next) / Math.max(old.length, next.length, 1));
}

function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+/gu) ?? [];
}

const ENDS_CHARACTERS_MAX = 256;

function commonEnds(old: string, next: string): number {
  const most = Math.min(old.length, next.length, ENDS_CHARACTERS_MAX);
  let start = 0;
  while (start < most && old.charCodeAt(start) === next.charCodeAt(start)) start += 1;
  let end = 0;
  while (end < most - start && old.charCodeAt(old.length - 1 - end) === next.charCodeAt(next.length - 1 - end))
    end += 1;
  return start + end;
}

function valueAt(values: Float64Array, index: number): number {
  return values[index] ?? 0;
}
