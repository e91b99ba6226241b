/** Half-open ranges of clocks, kept sorted and apart. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export class RangeSet {
  #ranges: Range[] = [];

  add(start: number, end: number): void {
    const first = this.#firstEndingAtOrAfter(start);
    let after = first;
    let from = start;
    let to = end;
    for (let range = this.#ranges[after]; range !== undefined && range.start <= end; range = this.#ranges[++after]) {
      from = Math.min(from, range.start);
      to = Math.max(to, range.end);
    }
    this.#ranges.splice(first, after - first, { start: from, end: to });
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
