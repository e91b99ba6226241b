/** Puts one watcher's events right: per blob in seq order, doubles dropped, holes filled from the log (G5). */
import type { Commit } from '../domain/delta.ts';
import { WATCH_BLOBS_REMEMBERED_MAX } from '../limits.ts';
import { eventsOf } from './cloud-events.ts';
import type { StudioEvent } from './contract.ts';

export type ReadRange = (blobId: string, fromSeq: number, toSeq: number) => Promise<readonly Commit[]>;

interface Seen {
  delta: number;
  blob: number;
}

export class EventSequencer {
  readonly #readRange: ReadRange;
  /** Least recently seen first. */
  readonly #seen = new Map<string, Seen>();

  constructor(readRange: ReadRange) {
    this.#readRange = readRange;
  }

  /** What to show for an event that came: nothing, itself, or itself after what should have come before it. */
  async accept(event: StudioEvent): Promise<StudioEvent[]> {
    const seen = this.#seen.get(event.blobId) ?? { delta: 0, blob: 0 };
    this.#seen.delete(event.blobId);
    this.#seen.set(event.blobId, seen);
    if (this.#seen.size > WATCH_BLOBS_REMEMBERED_MAX) this.#forgetOldest();
    if (event.type !== 'delta.applied') {
      if (event.version <= seen.blob) return [];
      seen.blob = event.version;
      return [event];
    }
    if (event.version <= seen.delta) return [];
    const isHole = seen.delta > 0 && event.version > seen.delta + 1;
    const missed = isHole ? await this.#between(event.blobId, seen.delta + 1, event.version - 1) : [];
    seen.delta = event.version;
    return [...missed, event];
  }

  async #between(blobId: string, first: number, last: number): Promise<StudioEvent[]> {
    const commits = await this.#readRange(blobId, first, last);
    return commits
      .flatMap(eventsOf)
      .filter((event) => event.type === 'delta.applied' && event.version >= first && event.version <= last);
  }

  #forgetOldest(): void {
    for (const blobId of this.#seen.keys()) {
      this.#seen.delete(blobId);
      return;
    }
  }
}
