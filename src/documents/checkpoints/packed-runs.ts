/** Runs that were encoded while their deltas were in memory: their turn to be stored may come when they no longer are. */
import type { SeqRange } from '../../domain/delta.ts';
import { PACKED_RUNS_BYTES_MAX, RUN_DELTAS, UNTHINNED_MS_MAX } from '../../limits.ts';
import { decodeRun, encodeRun, joinRuns, runOf } from '../log/checkpoint-codec.ts';
import type { RoomState } from '../memory/room-state.ts';
import { WindowParts } from '../memory/window-parts.ts';

export class PackedRuns {
  readonly #parts = new WindowParts({
    versions: RUN_DELTAS,
    encode: (_after, deltas) => encodeRun(runOf(deltas)),
    bytesMax: PACKED_RUNS_BYTES_MAX,
  });

  /** With each delta: the newest whole window, once. */
  pack(state: RoomState): void {
    this.#parts.takeIn(state, state.version - (state.version % RUN_DELTAS));
  }

  /** Before the state lets go of deltas. */
  keep(state: RoomState): void {
    this.#parts.takeIn(state);
  }

  /** The deltas of a window, encoded. */
  run(blobId: string, { first }: SeqRange): Uint8Array | undefined {
    const parts = this.#parts.whole(blobId, first - 1);
    return parts && parts.length > 1 ? encodeRun(joinRuns(parts.map(decodeRun))) : parts?.[0];
  }

  /** The same, unless retention may have dropped some of it since. */
  youngRun(blobId: string, range: SeqRange): Uint8Array | undefined {
    const startedAt = this.#parts.startOf(blobId, range.first - 1)?.getTime() ?? 0;
    return Date.now() - startedAt < UNTHINNED_MS_MAX ? this.run(blobId, range) : undefined;
  }

  /** They are stored. */
  forget(blobId: string, windows: readonly SeqRange[]): void {
    for (const { first } of windows) this.#parts.forget(blobId, first - 1);
  }
}
