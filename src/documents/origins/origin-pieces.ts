/** Origins of the newest deltas, encoded while their room has them in memory. */
import { OriginBlock } from '../../domain/attribution/origin-block.ts';
import { ORIGINS_BLOCK_VERSIONS, ORIGINS_PIECES_BYTES_MAX } from '../../limits.ts';
import { firstOfCommit } from '../../storage/log/commit-document.ts';
import type { RoomState } from '../memory/room-state.ts';
import { WindowParts } from '../memory/window-parts.ts';

export class OriginPieces {
  readonly #parts = new WindowParts({
    versions: ORIGINS_BLOCK_VERSIONS,
    encode: (after, deltas) => OriginBlock.of(after, deltas, firstOfCommit).encode(),
    bytesMax: ORIGINS_PIECES_BYTES_MAX,
  });

  /** Takes in all that the state has up to that version. */
  keep(state: Pick<RoomState, 'blobId' | 'version' | 'recent'>, upTo?: number): void {
    this.#parts.takeIn(state, upTo);
  }

  /** The block above version `after`, encoded, if all its pieces are here. They are let go. */
  take(blobId: string, after: number): Uint8Array | undefined {
    const pieces = this.#parts.whole(blobId, after);
    this.#parts.forget(blobId, after);
    return pieces && OriginBlock.join(pieces);
  }
}
