/** Which of two sequences' units stand for each other where none are equal. */
import type { WorkBudget } from './sequence-difference.ts';

export interface Pair {
  readonly at: number;
  readonly from: number;
}

/**
 * Pairs in order, such that their likeness adds up to the most. `likeness` is negative for units that can't be paired.
 * Beyond the budget those at the same place are paired.
 */
export function alignUnits(
  old: number,
  next: number,
  likeness: (at: number, from: number) => number,
  budget: WorkBudget,
): Pair[] {
  if (old === 0 || next === 0) return [];
  if (!budget.take(old * next * COMPARISONS_PER_CELL)) return pairPlaces(Math.min(old, next), likeness);
  const width = next + 1;
  const likenesses = new Float64Array(old * next);
  /** The most that the units from (at, from) on can add up to. */
  const best = new Float64Array((old + 1) * width);
  for (let at = old - 1; at >= 0; at--) {
    for (let from = next - 1; from >= 0; from--) {
      const like = likeness(at, from);
      likenesses[at * next + from] = like;
      const paired = like < 0 ? -1 : like + (best[(at + 1) * width + from + 1] ?? 0);
      const skipped = Math.max(best[(at + 1) * width + from] ?? 0, best[at * width + from + 1] ?? 0);
      best[at * width + from] = Math.max(paired, skipped);
    }
  }
  const pairs: Pair[] = [];
  for (let at = 0, from = 0; at < old && from < next;) {
    const like = likenesses[at * next + from] ?? -1;
    const here = best[at * width + from] ?? 0;
    if (like >= 0 && here === like + (best[(at + 1) * width + from + 1] ?? 0)) pairs.push({ at: at++, from: from++ });
    else if (here === (best[(at + 1) * width + from] ?? 0)) at += 1;
    else from += 1;
  }
  return pairs;
}

/** What comparing two units is reckoned at. */
export const COMPARISONS_PER_CELL = 128;

function pairPlaces(count: number, likeness: (at: number, from: number) => number): Pair[] {
  return Array.from({ length: count }, (_, place) => ({ at: place, from: place })).filter(
    ({ at, from }) => likeness(at, from) >= 0,
  );
}
