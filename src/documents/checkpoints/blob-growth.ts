/** What compaction knows of each blob that is loaded here, so that a commit costs it a comparison. */
import { RUN_DELTAS, STATE_EVERY_DELTAS } from '../../limits.ts';
import type { SeqRange } from '../../domain/delta.ts';
import type { CheckpointIndex } from '../../storage/checkpoints.ts';
import { coveredTo, isStateDue, newestState } from './checkpoint-policy.ts';
import type { RoomState } from '../memory/room-state.ts';

export interface Growth {
  /** Up to where there are runs, or will be none. */
  packed: number;
  /** Of the bytes that its document has taken in, those that were counted. */
  counted: number;
  /** Bytes of updates since the newest state. */
  bytesSince: number;
  stateVersion: number;
  stateBytes: number;
  /** Up to where history was dropped when what was deleted since was found to be too much for a state. */
  tooMuchFrom: number | undefined;
  /** Otherwise it is kept for a round only. */
  isLoaded: boolean;
  /** After a failure: the version before which nothing is tried again, and how many deltas that was to wait. */
  retryAt: number;
  pause: number;
}

/** Of a blob that nothing is known of. */
const UNKNOWN: Growth = {
  packed: 0,
  counted: 0,
  bytesSince: 0,
  stateVersion: 0,
  stateBytes: 0,
  tooMuchFrom: undefined,
  isLoaded: false,
  retryAt: 0,
  pause: 0,
};

export class BlobGrowth {
  readonly #blobs = new Map<string, Growth>();

  /** The blob was loaded, with what is stored of it. */
  follow(state: RoomState, index: CheckpointIndex): void {
    const newest = newestState(index);
    this.#blobs.set(state.blobId, {
      ...UNKNOWN,
      isLoaded: true,
      packed: Math.min(coveredTo(index), state.version),
      counted: state.takenBytes,
      bytesSince: state.takenBytes,
      stateVersion: newest?.version ?? 0,
      stateBytes: newest?.bytes ?? 0,
    });
  }

  get(blobId: string): Growth | undefined {
    return this.#blobs.get(blobId);
  }

  of(blobId: string): Growth {
    let known = this.#blobs.get(blobId);
    if (!known) this.#blobs.set(blobId, (known = { ...UNKNOWN }));
    return known;
  }

  /** As it is now. */
  count({ blobId, takenBytes }: Pick<RoomState, 'blobId' | 'takenBytes'>): Growth {
    const known = this.of(blobId);
    // What was counted of a document that is loaded no more says nothing of this one.
    known.bytesSince += takenBytes - Math.min(known.counted, takenBytes);
    known.counted = takenBytes;
    return known;
  }

  /** Its checkpoints could not be made: tried again after more and more deltas, so that it does not keep others waiting. */
  postpone(blobId: string, version: number): void {
    const known = this.of(blobId);
    known.pause = Math.min(STATE_EVERY_DELTAS, Math.max(RUN_DELTAS, 2 * known.pause));
    known.retryAt = version + known.pause;
  }

  /** They could be made. */
  made(blobId: string): void {
    const known = this.#blobs.get(blobId);
    if (known) [known.pause, known.retryAt] = [0, 0];
  }

  /** Nothing of a blob is kept that is no longer loaded. */
  forgetUnloaded(blobId: string): void {
    if (!this.#blobs.get(blobId)?.isLoaded) this.#blobs.delete(blobId);
  }

  forget(blobId: string): void {
    this.#blobs.delete(blobId);
  }
}

/** A state is due by the bytes since the newest. */
export function isStateDueBy({ stateVersion, stateBytes, bytesSince }: Growth): boolean {
  return isStateDue({ version: stateVersion, bytes: stateBytes }, bytesSince);
}

/**
 * The runs that are due, as windows; undefined where only a look at what is stored can tell, since runs are not all that
 * may be due.
 */
export function dueRuns(known: Growth, version: number): SeqRange[] | undefined {
  if (known.packed % RUN_DELTAS !== 0 || isStateDueBy(known)) return undefined;
  const due: SeqRange[] = [];
  for (let last = known.packed + RUN_DELTAS; last <= version; last += RUN_DELTAS) {
    if (last % STATE_EVERY_DELTAS === 0) return undefined;
    due.push({ first: last - RUN_DELTAS + 1, last });
  }
  return due;
}
