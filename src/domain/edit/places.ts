/** How finely a document may be changed by whole content. */
import type * as Y from 'yjs';
import { DIFFERENCE_PLACES_MAX, DIFFERENCE_STRUCTS_MOVED_MAX } from '../../limits.ts';
import { type Hunk, WorkBudget } from './sequence-difference.ts';

/**
 * Places that may be changed by themselves. Each may split what Yjs holds as one, and then all structs behind it in
 * memory are moved: the more structs a document has, the fewer places.
 */
export function placesIn(doc: Y.Doc): WorkBudget {
  let structs = 1;
  for (const ofClient of doc.store.clients.values()) structs += ofClient.length;
  const affordable = Math.floor(DIFFERENCE_STRUCTS_MOVED_MAX / structs);
  return new WorkBudget(Math.min(DIFFERENCE_PLACES_MAX, affordable));
}

/** Takes a place for each hunk. Where there are not enough, those with the least between them become one. */
export function fitHunks(hunks: readonly Hunk[], places: WorkBudget): Hunk[] {
  const count = Math.max(1, Math.min(hunks.length, places.left));
  places.take(Math.min(count, places.left));
  const surplus = hunks.length - count;
  if (surplus <= 0) return [...hunks];
  const gaps = hunks.slice(1).map((hunk, index) => gapBetween(hunks[index] as Hunk, hunk));
  const widest = gaps.toSorted((a, b) => a - b)[surplus - 1] ?? 0;
  let ties = surplus - gaps.filter((gap) => gap < widest).length;
  const fitted: Hunk[] = [];
  for (const [index, hunk] of hunks.entries()) {
    const last = fitted.at(-1);
    const gap = gaps[index - 1] ?? Infinity;
    if (last && (gap < widest || (gap === widest && ties-- > 0))) fitted[fitted.length - 1] = span(last, hunk);
    else fitted.push(hunk);
  }
  return fitted;
}

function gapBetween(one: Hunk, next: Hunk): number {
  return next.at - one.at - one.deleted;
}

function span(one: Hunk, last: Hunk): Hunk {
  return {
    at: one.at,
    deleted: last.at + last.deleted - one.at,
    from: one.from,
    inserted: last.from + last.inserted - one.from,
  };
}
