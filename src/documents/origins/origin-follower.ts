/**
 * Has origins taken in piece by piece as their last delta is committed, while its process has them all in memory, and
 * each block stored that is whole.
 */
import { setImmediate } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Commit } from '../../domain/delta.ts';
import { ORIGINS_BLOCK_VERSIONS, ORIGINS_PIECE_VERSIONS, ORIGINS_WAITING_MAX } from '../../limits.ts';
import type { CommitListener } from '../contract.ts';
import type { OriginIndex } from './origin-index.ts';
import type { Room } from '../rooms/room.ts';
import type { Rooms } from '../rooms/rooms.ts';

interface Waiting {
  readonly blobId: string;
  /** A version. */
  readonly upTo: number;
}

export class OriginFollower implements CommitListener {
  readonly #logger: Logger;
  readonly #pieces: Waiting[] = [];
  readonly #blocks: Waiting[] = [];
  #isRunning = false;
  #target: { readonly rooms: Rooms; readonly index: OriginIndex } | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Until then nothing is made. */
  serve(target: { readonly rooms: Rooms; readonly index: OriginIndex }): void {
    this.#target = target;
  }

  onCommitted({ blobId, firstSeq, lastSeq }: Commit): void {
    // A commit has no more deltas than a piece, so that at most one ends in it.
    const whole = lastSeq - (lastSeq % ORIGINS_PIECE_VERSIONS);
    if (!this.#target || whole < firstSeq || this.#pieces.length >= ORIGINS_WAITING_MAX) return;
    this.#pieces.push({ blobId, upTo: whole });
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Pieces first: what they are made of does not stay. */
  async #run(): Promise<void> {
    for (;;) {
      // The commit has still to be shown; and where many blobs come to this at once, others have their turns in between.
      await setImmediate();
      const piece = this.#pieces.shift();
      const block = piece ? undefined : this.#blocks.shift();
      if (piece) await this.#keep(piece);
      else if (block) await this.#store(block);
      else break;
    }
    this.#isRunning = false;
  }

  async #keep(waiting: Waiting): Promise<void> {
    await this.#with(waiting, (room, index) => index.keep(room, waiting.upTo));
    const isBlock = waiting.upTo % ORIGINS_BLOCK_VERSIONS === 0;
    if (isBlock && this.#blocks.length < ORIGINS_WAITING_MAX) this.#blocks.push(waiting);
  }

  #store(waiting: Waiting): Promise<void> {
    return this.#with(waiting, (room, index) => index.store(room, waiting.upTo - ORIGINS_BLOCK_VERSIONS));
  }

  async #with(
    { blobId, upTo }: Waiting,
    make: (room: Room, index: OriginIndex) => Promise<void> | void,
  ): Promise<void> {
    if (!this.#target) return;
    const { rooms, index } = this.#target;
    try {
      await rooms.with(blobId, async (room) => make(room, index));
    } catch (error) {
      // It costs only time: the block is made when it is asked for.
      this.#logger.warn({ err: error, blobId, upTo }, 'origins not made');
    }
  }

  close(): void {
    this.#target = undefined;
  }
}
