/**
 * Where each of a blob's Yjs items comes from: which delta brought which clocks of which client, and who made each
 * delta. Built from the log in order, version by version; what was said of a version never changes.
 */
import type { OriginBlock, VersionFact } from './origin-block.ts';

export interface Author {
  readonly userId: string;
  readonly providerId?: string;
}

interface Clocks {
  /** Ascending: the clock after the last of each range, which begins where the one before ends. */
  readonly ends: number[];
  readonly versions: number[];
}

/** A stretch of one client's clocks that one delta brought. */
export interface Origin {
  /** 0: nothing is known of it. */
  readonly version: number;
  /** The first clock that is not of this delta. */
  readonly end: number;
}

export class Origins {
  #version = 0;
  readonly #clients = new Map<number, Clocks>();
  readonly #authorNumbers = new Map<string, number>();
  readonly #authors: Author[] = [];
  /** By version - 1; -1 where the log lacks it. */
  readonly #authorOf: number[] = [];
  /** First versions of commits, ascending, and when each was applied. */
  readonly #commits: number[] = [];
  readonly #moments: number[] = [];

  /** Versions 1..this are in it. */
  get version(): number {
    return this.#version;
  }

  authorOf(version: number): Author | undefined {
    return this.#authors[this.#authorOf[version - 1] ?? -1];
  }

  /** Equal numbers, equal authors; -1 for a version nothing is known of. */
  authorNumber(version: number): number {
    return this.#authorOf[version - 1] ?? -1;
  }

  /** The first version of the commit that holds `version`. */
  commitOf(version: number): number {
    return this.#commits[upperBound(this.#commits, version) - 1] ?? 0;
  }

  /** When `version` was applied; undefined for one nothing is known of. */
  momentOf(version: number): Date | undefined {
    const moment = this.#moments[upperBound(this.#commits, version) - 1];
    return this.authorOf(version) && moment !== undefined ? new Date(moment) : undefined;
  }

  at(client: number, clock: number): Origin {
    const clocks = this.#clients.get(client);
    const index = clocks ? upperBound(clocks.ends, clock) : 0;
    const end = clocks?.ends[index];
    return end === undefined || !clocks
      ? { version: 0, end: Number.MAX_SAFE_INTEGER }
      : { version: clocks.versions[index] ?? 0, end };
  }

  /** Takes the deltas of versions up to `lastVersion`, of which the log may lack some. */
  addBlock(block: OriginBlock, lastVersion: number): void {
    for (const fact of block.facts) if (fact.toVersion > this.#version) this.#note(fact);
    for (const { version, client, start, end } of block.clocks) this.#noteClocks(version, client, start, end);
    this.#version = lastVersion;
  }

  #note({ toVersion: version, userId, providerId, commit, appliedAt }: VersionFact): void {
    const spelled = JSON.stringify([userId, providerId ?? null]);
    let number = this.#authorNumbers.get(spelled);
    if (number === undefined) {
      this.#authorNumbers.set(spelled, (number = this.#authors.length));
      this.#authors.push({ userId, providerId });
    }
    while (this.#authorOf.length < version - 1) this.#authorOf.push(-1);
    this.#authorOf[version - 1] = number;
    if (this.#commits.at(-1) === commit) return;
    this.#commits.push(commit);
    this.#moments.push(appliedAt.getTime());
  }

  /** The first delta to bring a clock is the one that counts. */
  #noteClocks(version: number, client: number, start: number, end: number): void {
    let clocks = this.#clients.get(client);
    if (!clocks) this.#clients.set(client, (clocks = { ends: [], versions: [] }));
    const known = clocks.ends.at(-1) ?? 0;
    if (end <= known) return;
    if (start > known) {
      // What lies between came with a delta that the log no longer has.
      clocks.ends.push(start);
      clocks.versions.push(0);
    }
    clocks.ends.push(end);
    clocks.versions.push(version);
  }
}

/** How many of the ascending values are at most `value`. */
function upperBound(values: readonly number[], value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
