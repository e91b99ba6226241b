/** The parts of a content and the versions they come from: see `attribute`. */
import type * as Y from 'yjs';
import type { Origins } from './origins.ts';

/** What every shared type has, whatever its events. */
export interface SharedType {
  readonly _start: Y.Item | null;
  readonly _map: ReadonlyMap<string, Y.Item>;
}

export interface Stretch {
  /** Code points, without `end`. */
  readonly start: number;
  readonly end: number;
}

export type Place =
  | { readonly kind: 'text'; readonly text: Stretch }
  /** RFC 6901. */
  | { readonly kind: 'pointer'; readonly pointer: string }
  | {
      readonly kind: 'rich';
      readonly path: readonly number[];
      readonly attribute?: string;
      readonly text?: Stretch;
    };

export type Grain = 'delta' | 'author';

/** Written by versions firstVersion..version of one author; by one version alone where the grain is a delta. */
export interface AttributedRange {
  place: Place;
  /** 0: the log does not say. */
  version: number;
  firstVersion: number;
}

/** Collects ranges in document order and joins what belongs together. */
export class RangeWriter {
  readonly ranges: AttributedRange[] = [];
  readonly #origins: Origins;
  readonly #grain: Grain;

  constructor(origins: Origins, grain: Grain) {
    this.#origins = origins;
    this.#grain = grain;
  }

  isOne(a: number, b: number): boolean {
    if (a === b) return true;
    if (this.#grain === 'delta' || a === 0 || b === 0) return false;
    return this.#origins.authorNumber(a) === this.#origins.authorNumber(b);
  }

  add(place: Place, version: number): AttributedRange {
    const range = { place, version, firstVersion: version };
    this.ranges.push(range);
    return range;
  }

  /** A part that has no range of its own where the one it lies in is its author's too. */
  within(outer: AttributedRange | undefined, place: Place, version: number): AttributedRange {
    if (!outer || !this.isOne(outer.version, version)) return this.add(place, version);
    widen(outer, version);
    return outer;
  }
}

export function widen(range: AttributedRange, version: number): void {
  range.version = Math.max(range.version, version);
  range.firstVersion = Math.min(range.firstVersion, version);
}
