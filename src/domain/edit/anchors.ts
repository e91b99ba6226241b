/** Units that occur once in each of two sequences, in the same order: where long sequences can be compared in parts. */
export interface Anchor {
  readonly at: number;
  readonly from: number;
}

/** The longest run of such units whose order agrees (patience sorting). */
export function commonAnchors<T>(old: readonly T[], next: readonly T[]): Anchor[] {
  const places = onceIn(next);
  const candidates: Anchor[] = [];
  for (const [unit, at] of onceIn(old)) {
    const from = places.get(unit);
    if (at >= 0 && from !== undefined && from >= 0) candidates.push({ at, from });
  }
  return longestAscending(candidates.sort((a, b) => a.at - b.at));
}

/** The place of each unit; -1 for those that occur more often. */
function onceIn<T>(units: readonly T[]): Map<T, number> {
  const places = new Map<T, number>();
  for (const [index, unit] of units.entries()) places.set(unit, places.has(unit) ? -1 : index);
  return places;
}

function longestAscending(candidates: readonly Anchor[]): Anchor[] {
  /** For each length, the candidate with the lowest end that a run of that length can have. */
  const ends: number[] = [];
  const previous: number[] = [];
  const fromOf = (index: number | undefined): number => candidates[index ?? -1]?.from ?? -1;
  for (const [index, candidate] of candidates.entries()) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (fromOf(ends[middle]) < candidate.from) low = middle + 1;
      else high = middle;
    }
    previous[index] = ends[low - 1] ?? -1;
    ends[low] = index;
  }
  const run: Anchor[] = [];
  for (let index = ends.at(-1) ?? -1; index >= 0; index = previous[index] ?? -1) run.push(candidates[index] as Anchor);
  return run.reverse();
}
