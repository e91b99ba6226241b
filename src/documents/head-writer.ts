/**
 * Writes stored heads behind the commits, at most HEAD_LAG_MS_MAX later and once per blob and round. A head not
 * written is healed by the next commit, the next load of its blob, or the sweep.
 */
import type { Logger } from 'pino';
import type { Failpoints } from '../failpoints.ts';
import { HEAD_LAG_MS_MAX, HEADS_PER_WRITE_MAX } from '../limits.ts';
import type { BlobHeads } from '../storage/blobs.ts';
import type { RoomState } from './room-state.ts';

export class HeadWriter {
  readonly #heads: BlobHeads;
  readonly #failpoints: Failpoints;
  readonly #logger: Logger;
  readonly #dirty = new Set<RoomState>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: { readonly heads: BlobHeads; readonly failpoints: Failpoints; readonly logger: Logger }) {
    this.#heads = options.heads;
    this.#failpoints = options.failpoints;
    this.#logger = options.logger;
  }

  mark(state: RoomState): void {
    this.#dirty.add(state);
    // Half the bound, which leaves the other half for the write itself.
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#writeDirty());
    }, HEAD_LAG_MS_MAX / 2);
  }

  /** For calls that are acknowledged only after the head. */
  async writeNow(state: RoomState): Promise<void> {
    this.#dirty.delete(state);
    this.#failpoints.pass('head.before_write');
    if (state.version === 1) await this.#heads.insert(state.head());
    else await this.#heads.advance([state.head()]);
  }

  async #writeDirty(): Promise<void> {
    const states = [...this.#dirty];
    this.#dirty.clear();
    for (let at = 0; at < states.length; at += HEADS_PER_WRITE_MAX) {
      const slice = states.slice(at, at + HEADS_PER_WRITE_MAX);
      try {
        this.#failpoints.pass('head.before_write');
        await this.#heads.advance(slice.map((state) => state.head()));
      } catch (error) {
        this.#logger.warn({ err: error, heads: slice.length }, 'heads not written, trying again');
        for (const state of slice) if (state.version > 0) this.mark(state);
      }
    }
  }

  async close(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    const retry = this.#timer as NodeJS.Timeout | undefined;
    if (retry) clearTimeout(retry);
    await this.#writeDirty();
    if (this.#timer) clearTimeout(this.#timer);
  }
}
