/**
 * Runs that were encoded when their last delta came, while all of it was in memory: their turn to be stored may come when
 * it no longer is, and reading it back from the log takes ten times as long. Bounded (G7); what is not here is in the log.
 */
import type { SeqRange } from '../domain/delta.ts';
import { PACKED_RUNS_BYTES_MAX, RUN_DELTAS } from '../limits.ts';
import { encodeRun, runOf } from './checkpoint-codec.ts';
import { RecentlyUsed } from './recently-used.ts';
import type { RoomState } from './room-state.ts';

export class PackedRuns {
  readonly #runs = new RecentlyUsed<Uint8Array>(PACKED_RUNS_BYTES_MAX);

  /** To be called with each delta: encodes the newest whole window of RUN_DELTAS, once. */
  pack(state: RoomState): void {
    const last = Math.floor(state.version / RUN_DELTAS) * RUN_DELTAS;
    const first = last - RUN_DELTAS + 1;
    const key = keyOf(state.blobId, first);
    if (this.#runs.get(key)) return;
    const deltas = state.recent(first, last);
    if (!deltas) return;
    const bytes = encodeRun(runOf(deltas));
    this.#runs.set(key, bytes, bytes.byteLength);
  }

  /** The deltas of a window, encoded. */
  run(blobId: string, { first }: SeqRange): Uint8Array | undefined {
    return this.#runs.get(keyOf(blobId, first));
  }

  /** They are stored. */
  forget(blobId: string, windows: readonly SeqRange[]): void {
    for (const { first } of windows) this.#runs.delete(keyOf(blobId, first));
  }
}

function keyOf(blobId: string, first: number): string {
  return `${blobId}:${first}`;
}
