/** Three-way merge of sequences: what changed from `base` to either side is put together where it does not overlap. */
import { type Hunk, sequenceDifference, type WorkBudget } from '../edit/sequence-difference.ts';

export interface Sides<T> {
  readonly base: readonly T[];
  readonly ours: readonly T[];
  readonly theirs: readonly T[];
}

export interface MergeRules<T> {
  /** Equal units have equal keys. */
  readonly keyOf: (unit: T) => string | number;
  /** What becomes of units that both sides changed. */
  readonly resolve: (sides: Sides<T>) => readonly T[];
  /** Whether both stay where both put something at the same place. Else it is as if they had changed one unit. */
  readonly keepsBothInsertions: boolean;
  readonly budget: WorkBudget;
}

/**
 * Changes of neighbouring units do not overlap, nor does an insertion beside a changed unit. A change that both sides
 * made is taken once.
 */
export function mergeSequence<T>(sides: Sides<T>, rules: MergeRules<T>): T[] {
  const { base, ours, theirs } = sides;
  const keys = base.map(rules.keyOf);
  const own = new Side(sequenceDifference(keys, ours.map(rules.keyOf), rules.budget));
  const other = new Side(sequenceDifference(keys, theirs.map(rules.keyOf), rules.budget));
  const merged: T[] = [];
  const add = (units: readonly T[]): void => {
    for (const unit of units) merged.push(unit);
  };
  let at = 0;
  for (let region = nextRegion(own, other); region; region = nextRegion(own, other)) {
    add(base.slice(at, region.start));
    const changed = {
      base: base.slice(region.start, region.end),
      ours: ours.slice(region.own.from, region.own.until),
      theirs: theirs.slice(region.other.from, region.other.until),
    };
    if (!region.other.isChanged || (region.own.isChanged && isSame(changed.ours, changed.theirs, rules))) {
      add(changed.ours);
    } else if (!region.own.isChanged) add(changed.theirs);
    else if (changed.base.length === 0 && rules.keepsBothInsertions) add(union(changed, rules));
    else add(rules.resolve(changed));
    at = region.end;
  }
  add(base.slice(at));
  return merged;
}

interface Span {
  readonly from: number;
  readonly until: number;
  readonly isChanged: boolean;
}

interface Region {
  readonly start: number;
  readonly end: number;
  readonly own: Span;
  readonly other: Span;
}

/** One side's changes, from the first on. */
class Side {
  readonly #hunks: readonly Hunk[];
  #index = 0;
  /** By how much the side is longer than the base so far. */
  #shift = 0;

  constructor(hunks: readonly Hunk[]) {
    this.#hunks = hunks;
  }

  get next(): Hunk | undefined {
    return this.#hunks[this.#index];
  }

  take(): void {
    const hunk = this.next;
    if (!hunk) return;
    this.#shift += hunk.inserted - hunk.deleted;
    this.#index += 1;
  }

  /** Where the side is what the base is at `place`, after all that was taken. */
  placeOf(place: number): number {
    return place + this.#shift;
  }
}

/** The next change of either side, with all that overlaps it. */
function nextRegion(own: Side, other: Side): Region | undefined {
  const first = earlier(own.next, other.next);
  if (!first) return undefined;
  const start = first.at;
  let end = first.at + first.deleted;
  const from = [own.placeOf(start), other.placeOf(start)] as const;
  const changed = [false, false];
  for (let grows = true; grows;) {
    grows = false;
    for (const [index, side] of [own, other].entries()) {
      const hunk = side.next;
      const isFirst = hunk === first && !changed[index];
      if (!hunk || !(isFirst || overlaps(hunk, start, end))) continue;
      end = Math.max(end, hunk.at + hunk.deleted);
      changed[index] = true;
      side.take();
      grows = true;
    }
  }
  return {
    start,
    end,
    own: { from: from[0], until: own.placeOf(end), isChanged: changed[0] === true },
    other: { from: from[1], until: other.placeOf(end), isChanged: changed[1] === true },
  };
}

/** At the same place an insertion comes before what changes the unit there. */
function earlier(one: Hunk | undefined, other: Hunk | undefined): Hunk | undefined {
  if (!one || !other) return one ?? other;
  if (one.at !== other.at) return one.at < other.at ? one : other;
  return one.deleted === 0 ? one : other;
}

function overlaps(hunk: Hunk, start: number, end: number): boolean {
  if (hunk.deleted > 0 && end > start) return hunk.at < end && hunk.at + hunk.deleted > start;
  if (hunk.deleted === 0 && end === start) return hunk.at === start;
  return hunk.deleted === 0 ? start < hunk.at && hunk.at < end : hunk.at < start && start < hunk.at + hunk.deleted;
}

function isSame<T>(one: readonly T[], other: readonly T[], { keyOf }: MergeRules<T>): boolean {
  return one.length === other.length && one.every((unit, index) => keyOf(unit) === keyOf(other[index] as T));
}

/** Ours and theirs, what is in both once. */
function union<T>({ ours, theirs }: Sides<T>, { keyOf, budget }: MergeRules<T>): T[] {
  const united: T[] = [];
  let at = 0;
  for (const hunk of sequenceDifference(ours.map(keyOf), theirs.map(keyOf), budget)) {
    for (const unit of ours.slice(at, hunk.at + hunk.deleted)) united.push(unit);
    for (const unit of theirs.slice(hunk.from, hunk.from + hunk.inserted)) united.push(unit);
    at = hunk.at + hunk.deleted;
  }
  return united.concat(ours.slice(at));
}
