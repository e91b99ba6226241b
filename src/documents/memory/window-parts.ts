/**
 * What is made of the deltas of each window of a blob's versions, encoded part by part while the room has the deltas in
 * memory: when a window is whole, and before a room lets go of what it has. To read them back from the log takes ten
 * times as long. Bounded (G7); what is not here is in the log.
 */
import type { Delta } from '../../domain/delta.ts';
import { RecentlyUsed } from './recently-used.ts';
import type { RoomState } from './room-state.ts';

/** Beside their parts. */
const GROWING_BYTES = 128;

interface Whole {
  readonly parts: readonly Uint8Array[];
  /** When the first of its deltas was committed. */
  readonly startedAt: Date;
}

/** The parts of a window up to a version, in order. None at a window's end, where it only says that all was taken in. */
interface Growing extends Whole {
  readonly upTo: number;
}

export class WindowParts {
  readonly #versions: number;
  readonly #encode: (after: number, deltas: readonly Delta[]) => Uint8Array;
  /** By blob. */
  readonly #growing: RecentlyUsed<Growing>;
  /** By blob and the version before the window. */
  readonly #whole: RecentlyUsed<Whole>;

  /** `versions`: in a window. `encode` makes a part of deltas that follow on version `after`. `bytesMax`: of all parts. */
  constructor(options: {
    readonly versions: number;
    readonly encode: (after: number, deltas: readonly Delta[]) => Uint8Array;
    readonly bytesMax: number;
  }) {
    this.#versions = options.versions;
    this.#encode = options.encode;
    this.#growing = new RecentlyUsed(options.bytesMax / 2);
    this.#whole = new RecentlyUsed(options.bytesMax / 2);
  }

  /**
   * Takes in deltas up to `upTo` that it has not yet, each once, however often it is asked. Where the state lacks one,
   * that window is left to the log, and it goes on with the next.
   */
  takeIn(state: Pick<RoomState, 'blobId' | 'version' | 'recent'>, upTo = state.version): void {
    const { blobId } = state;
    let growing = this.#growing.get(blobId);
    // Of a blob it knows nothing of: from the window before, which may have become whole just now.
    let at = growing?.upTo ?? Math.max(0, this.#windowOf(upTo) - this.#versions);
    if (at >= upTo) return;
    while (at < upTo) {
      const window = at - (at % this.#versions);
      const end = Math.min(window + this.#versions, upTo);
      const deltas = growing || at === window ? state.recent(at + 1, end) : undefined;
      const first = deltas?.[0];
      if (!deltas || !first) {
        growing = undefined;
        at = window + this.#versions;
        continue;
      }
      const startedAt: Date = growing && at > window ? growing.startedAt : first.appliedAt;
      const parts: readonly Uint8Array[] = [...(growing?.parts ?? []), this.#encode(at, deltas)];
      at = end;
      const isWhole = at % this.#versions === 0;
      if (isWhole) this.#whole.set(keyOf(blobId, window), { parts, startedAt }, bytesOf(parts));
      growing = { upTo: at, parts: isWhole ? [] : parts, startedAt };
    }
    if (growing) this.#growing.set(blobId, growing, GROWING_BYTES + bytesOf(growing.parts));
    else this.#growing.delete(blobId);
  }

  /** The parts of the window above version `after`, if all are here. */
  whole(blobId: string, after: number): readonly Uint8Array[] | undefined {
    return this.#whole.get(keyOf(blobId, after))?.parts;
  }

  /** When the first delta of such a window was committed. */
  startOf(blobId: string, after: number): Date | undefined {
    return this.#whole.get(keyOf(blobId, after))?.startedAt;
  }

  forget(blobId: string, after: number): void {
    this.#whole.delete(keyOf(blobId, after));
  }

  /** The version before the window that `version` is in. */
  #windowOf(version: number): number {
    return version - 1 - ((version - 1) % this.#versions);
  }
}

function bytesOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((bytes, part) => bytes + part.byteLength, 0);
}

function keyOf(blobId: string, after: number): string {
  return `${blobId}:${after}`;
}
