/** Puts one watcher's events right: per blob in seq order, doubles dropped, holes filled from the log (G5). */
import type { CommitOutline } from '../domain/commit-outline.ts';
import { WATCH_BLOBS_REMEMBERED_MAX } from '../limits.ts';
import { deltaEventsOf } from './cloud-events.ts';
import type { StudioEvent } from './contract.ts';

/** G7: a hole may be of any size, so what fills it comes one by one. */
export type ReadRange = (blobId: string, fromSeq: number, toSeq: number) => AsyncIterable<CommitOutline>;

/** What one watcher was shown of a blob: the deltas first..delta, and things told of the blob itself. */
interface Seen {
  first: number;
  delta: number;
  /** The newest version that any event of the blob itself told of. */
  blob: number;
  created: boolean;
  deleted: number;
}

export class EventSequencer {
  readonly #readRange: ReadRange;
  /** Least recently seen first. */
  readonly #seen = new Map<string, Seen>();

  constructor(readRange: ReadRange) {
    this.#readRange = readRange;
  }

  /**
   * What to show for an event that came: nothing, itself, or itself after what should have come before it. To be read to
   * its end before the next is accepted.
   */
  async *accept(event: StudioEvent): AsyncGenerator<StudioEvent> {
    const seen = this.#seen.get(event.blobId) ?? { first: 0, delta: 0, blob: 0, created: false, deleted: 0 };
    this.#seen.delete(event.blobId);
    this.#seen.set(event.blobId, seen);
    if (this.#seen.size > WATCH_BLOBS_REMEMBERED_MAX) this.#forgetOldest();
    if (event.type !== 'delta.applied') {
      if (isNews(event, seen)) yield event;
      return;
    }
    // Older than the first one that this watch was shown: whether an earlier watch was shown it is not known. Published
    // late, after a crash, it may be news; so it is shown, out of order and perhaps twice, rather than never.
    if (event.version < seen.first) {
      yield event;
      return;
    }
    if (event.version <= seen.delta) return;
    const isHole = seen.delta > 0 && event.version > seen.delta + 1;
    if (isHole) yield* this.#between(event.blobId, seen.delta + 1, event.version - 1);
    if (seen.first === 0) seen.first = event.version;
    seen.delta = event.version;
    yield event;
  }

  async *#between(blobId: string, first: number, last: number): AsyncGenerator<StudioEvent> {
    for await (const commit of this.#readRange(blobId, first, last)) {
      for (const event of deltaEventsOf(commit)) if (event.version >= first && event.version <= last) yield event;
    }
  }

  #forgetOldest(): void {
    for (const blobId of this.#seen.keys()) {
      this.#seen.delete(blobId);
      return;
    }
  }
}

/** A creation or deletion is told however late it comes; of updates only the newest counts. */
function isNews(event: StudioEvent, seen: Seen): boolean {
  const isNewest = event.version > seen.blob;
  seen.blob = Math.max(seen.blob, event.version);
  if (event.type === 'blob.updated') return isNewest;
  if (event.type === 'blob.created') {
    const isFirst = !seen.created;
    seen.created = true;
    return isFirst;
  }
  const isLater = event.version > seen.deleted;
  seen.deleted = Math.max(seen.deleted, event.version);
  return isLater;
}
