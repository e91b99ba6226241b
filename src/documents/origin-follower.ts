/** Has blocks of origins made when their last delta is committed: its process has them all in memory then. */
import type { Logger } from 'pino';
import type { Commit } from '../domain/delta.ts';
import { ORIGINS_BLOCK_VERSIONS, ORIGINS_DELAY_MS, ORIGINS_WAITING_MAX } from '../limits.ts';
import type { CommitListener } from './contract.ts';
import type { OriginIndex } from './origin-index.ts';
import type { Rooms } from './rooms.ts';

interface Waiting {
  readonly blobId: string;
  readonly after: number;
}

export class OriginFollower implements CommitListener {
  readonly #logger: Logger;
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #target: { readonly rooms: Rooms; readonly index: OriginIndex } | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Until then nothing is made. */
  serve(target: { readonly rooms: Rooms; readonly index: OriginIndex }): void {
    this.#target = target;
  }

  onCommitted(commit: Commit): void {
    const whole = commit.lastSeq - (commit.lastSeq % ORIGINS_BLOCK_VERSIONS);
    if (!this.#target || whole < commit.firstSeq || this.#waiting.length >= ORIGINS_WAITING_MAX) return;
    this.#waiting.push({ blobId: commit.blobId, after: whole - ORIGINS_BLOCK_VERSIONS });
    // Not at once: the commit has still to be shown.
    this.#timer ??= setTimeout(() => void this.#run(), ORIGINS_DELAY_MS).unref();
  }

  async #run(): Promise<void> {
    for (let next = this.#waiting.shift(); next && this.#target; next = this.#waiting.shift()) {
      const { blobId, after } = next;
      const { rooms, index } = this.#target;
      try {
        await rooms.with(blobId, (room) => index.store(room, after));
      } catch (error) {
        // It costs only time: the block is made when it is asked for.
        this.#logger.warn({ err: error, blobId, after }, 'origins not made');
      }
    }
    this.#timer = undefined;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#target = undefined;
  }
}
