/** Half-open ranges of clocks, kept sorted and apart. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export class RangeSet {
  #ranges: Range[] = [];

  get size(): number {
    return this.#ranges.length;
  }

  /** Ranges sorted by where they start. In one go: a hundred thousand one by one would each move all the others. */
  addAll(added: readonly Range[]): void {
    const merged: Range[] = [];
    let last: { start: number; end: number } | undefined;
    let [here, there] = [0, 0];
    for (;;) {
      const known = this.#ranges[here];
      const range = added[there];
      const next = known && (!range || known.start <= range.start) ? known : range;
      if (!next) break;
      if (next === known) here += 1;
      else there += 1;
      if (last && next.start <= last.end) last.end = Math.max(last.end, next.end);
      else merged.push((last = { start: next.start, end: next.end }));
    }
    this.#ranges = merged;
  }

  /** Hands out the parts of the range that are not in the set, ascending. */
  uncovered(start: number, end: number, found: (start: number, end: number) => void): void {
    let next = start;
    for (let index = this.#firstEndingAtOrAfter(start); next < end; index++) {
      const range = this.#ranges[index];
      if (range === undefined || range.start >= end) break;
      if (range.start > next) found(next, range.start);
      next = Math.max(next, range.end);
    }
    if (next < end) found(next, end);
  }

  #firstEndingAtOrAfter(clock: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle] as Range).end < clock) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
