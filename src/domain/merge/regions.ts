/** Where two differences from one base overlap. */
import type { Hunk } from '../edit/sequence-difference.ts';

interface Span {
  readonly from: number;
  readonly until: number;
  /** Of the side, within the region. */
  readonly hunks: readonly Hunk[];
}

export interface Region {
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

export class RegionWalk {
  readonly #own: Side;
  readonly #other: Side;

  constructor(own: readonly Hunk[], other: readonly Hunk[]) {
    this.#own = new Side(own);
    this.#other = new Side(other);
  }

  /** The next change of either side, with all that overlaps it. */
  next(): Region | undefined {
    const first = earlier(this.#own.next, this.#other.next);
    if (!first) return undefined;
    const start = first.at;
    let end = first.at + first.deleted;
    const [own, other] = [this.#own, this.#other].map((side) => ({
      side,
      from: side.placeOf(start),
      hunks: [] as Hunk[],
    })) as [Taken, Taken];
    for (let grows = true; grows;) {
      grows = false;
      for (const { side, hunks } of [own, other]) {
        const hunk = side.next;
        if (!hunk || !(hunk === first || overlaps(hunk, start, end))) continue;
        end = Math.max(end, hunk.at + hunk.deleted);
        hunks.push(hunk);
        side.take();
        grows = true;
      }
    }
    return { start, end, own: spanOf(own, end), other: spanOf(other, end) };
  }
}

interface Taken {
  readonly side: Side;
  readonly from: number;
  readonly hunks: Hunk[];
}

function spanOf({ side, from, hunks }: Taken, end: number): Span {
  return { from, until: side.placeOf(end), hunks };
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

/**
 * Hunks with nothing between them that tells where it stands, as one: blank lines that are equal by chance hold nothing
 * apart. `ends`: whether what is equal before the first and after the last must tell as well.
 */
export function joinHunks<T>(
  hunks: readonly Hunk[],
  units: readonly T[],
  isTelling: (unit: T) => boolean,
  ends?: 'to the ends',
): Hunk[] {
  const tells = (from: number, until: number): boolean => {
    for (let index = from; index < until; index++) if (isTelling(units[index] as T)) return true;
    return false;
  };
  const joined: Hunk[] = [];
  for (const hunk of hunks) {
    const last = joined.at(-1);
    const lastEnd = last ? last.at + last.deleted : 0;
    if (last ? tells(lastEnd, hunk.at) : ends === undefined || tells(0, hunk.at)) joined.push(hunk);
    else if (last) joined[joined.length - 1] = spanning(last, hunk);
    else joined.push(spanning({ at: 0, deleted: 0, from: 0, inserted: 0 }, hunk));
  }
  const last = joined.at(-1);
  if (last && ends && !tells(last.at + last.deleted, units.length)) {
    const left = units.length - last.at - last.deleted;
    joined[joined.length - 1] = { ...last, deleted: last.deleted + left, inserted: last.inserted + left };
  }
  return joined;
}

function spanning(one: Hunk, other: Hunk): Hunk {
  const deleted = other.at + other.deleted - one.at;
  const inserted = other.from + other.inserted - one.from;
  return { at: one.at, deleted, from: one.from, inserted };
}
