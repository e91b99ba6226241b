/**
 * Origins of the newest deltas, encoded while their room has them in memory: it soon does not, and to read a block's
 * deltas back from the log takes the event loop tens of milliseconds. Bounded (G7); what is not here is in the log.
 */
import { OriginBlock } from '../domain/attribution/origin-block.ts';
import type { Delta } from '../domain/delta.ts';
import { ORIGINS_BLOCK_VERSIONS, ORIGINS_PIECE_VERSIONS, ORIGINS_PIECES_BYTES_MAX } from '../limits.ts';
import { firstOfCommit } from '../storage/commit-document.ts';
import { RecentlyUsed } from './recently-used.ts';

export class OriginPieces {
  readonly #pieces = new RecentlyUsed<Uint8Array>(ORIGINS_PIECES_BYTES_MAX);

  /** `deltas`: those of a piece, all of them, above version `after`. */
  keep(blobId: string, after: number, deltas: readonly Delta[]): void {
    const bytes = OriginBlock.of(after, deltas, firstOfCommit).encode();
    this.#pieces.set(keyOf(blobId, after), bytes, bytes.byteLength);
  }

  /** The block above version `after`, encoded, if all its pieces are here. They are let go. */
  take(blobId: string, after: number): Uint8Array | undefined {
    const pieces: Uint8Array[] = [];
    for (let from = after; from < after + ORIGINS_BLOCK_VERSIONS; from += ORIGINS_PIECE_VERSIONS) {
      const piece = this.#pieces.get(keyOf(blobId, from));
      this.#pieces.delete(keyOf(blobId, from));
      if (piece) pieces.push(piece);
    }
    const isWhole = pieces.length === ORIGINS_BLOCK_VERSIONS / ORIGINS_PIECE_VERSIONS;
    return isWhole ? OriginBlock.join(pieces) : undefined;
  }
}

function keyOf(blobId: string, after: number): string {
  return `${blobId}:${after}`;
}
