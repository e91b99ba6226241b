/**
 * Writes stored heads behind the commits: a change is in its blob's head within HEAD_LAG_MS_MAX, and a blob that goes on
 * changing has its head written every HEAD_PACE_MS, since an update costs the database as much as several commits. Where
 * many go on changing, they share HEADS_REWRITTEN_PER_SECOND_MAX (G7), those written longest ago first. A head not
 * written is healed by the next commit, the first look at its blob in a process that has loaded it, or the sweep.
 */
import type { Logger } from 'pino';
import type { Failpoints } from '../../failpoints.ts';
import {
  HEAD_LAG_MS_MAX,
  HEAD_PACE_MS,
  HEAD_PACE_MS_MAX,
  HEADS_PER_WRITE_MAX,
  HEADS_REWRITTEN_PER_SECOND_MAX,
} from '../../limits.ts';
import type { BlobHeads, DerivedHead } from '../../storage/blobs.ts';
import type { RoomState } from '../memory/room-state.ts';

/** Half the bound, which leaves the other half for the write itself. */
const ROUND_MS = HEAD_LAG_MS_MAX / 2;
const REWRITTEN_PER_ROUND_MAX = (HEADS_REWRITTEN_PER_SECOND_MAX * ROUND_MS) / 1_000;

/** A document, as far as its head goes. */
type HeadSource = Pick<RoomState, 'blobId' | 'head'>;

export class HeadWriter {
  readonly #heads: BlobHeads;
  readonly #failpoints: Failpoints;
  readonly #logger: Logger;
  /** When each last changed; those that were written longest ago first. */
  readonly #dirty = new Map<HeadSource, number>();
  /** By blob: heads of documents that are no longer loaded, and those whose write failed. */
  readonly #left = new Map<string, DerivedHead>();
  readonly #writtenAt = new WeakMap<HeadSource, number>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  /** Writes that calls wait for. */
  readonly #awaited = new Set<Promise<void>>();
  #hasLeftOut = false;
  #closed = false;

  constructor(options: { readonly heads: BlobHeads; readonly failpoints: Failpoints; readonly logger: Logger }) {
    this.#heads = options.heads;
    this.#failpoints = options.failpoints;
    this.#logger = options.logger;
  }

  mark(state: HeadSource): void {
    this.#dirty.set(state, performance.now());
    this.#schedule();
  }

  /** The state is about to be let go: what its head still lacks is kept apart from it. */
  retire(state: HeadSource): void {
    if (!this.#dirty.delete(state)) return;
    const head = this.#headOf(state);
    if (!head) return;
    this.#keep(head);
    this.#schedule();
  }

  /** For calls that are acknowledged only after the head. */
  async writeNow(state: HeadSource): Promise<void> {
    const head = state.head();
    this.#dirty.delete(state);
    const writing = this.#writeOne(head);
    this.#awaited.add(writing);
    try {
      await writing;
    } finally {
      this.#awaited.delete(writing);
    }
  }

  async #writeOne(head: DerivedHead): Promise<void> {
    try {
      this.#failpoints.pass('head.before_write');
      if (head.version === 1) await this.#heads.insert(head);
      else await this.#heads.advance([head]);
    } catch (error) {
      // Its caller is told; the change is in the log all the same.
      this.#keep(head);
      this.#schedule();
      throw error;
    }
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#write(this.#due(performance.now())));
    }, ROUND_MS);
  }

  /** The others stay for a later round. */
  #due(nowMs: number): HeadSource[] {
    const due: HeadSource[] = [];
    let rewritten = 0;
    for (const [state, changedAt] of this.#dirty) {
      const lagMs = nowMs - (this.#writtenAt.get(state) ?? -Infinity);
      if (lagMs < HEAD_PACE_MS) continue;
      const goesOn = lagMs < HEAD_PACE_MS_MAX && nowMs - changedAt < HEAD_PACE_MS;
      if (goesOn && ++rewritten > REWRITTEN_PER_ROUND_MAX) continue;
      due.push(state);
    }
    return due;
  }

  async #write(due: readonly HeadSource[]): Promise<void> {
    const heads = [...this.#left.values()];
    this.#left.clear();
    for (const state of due) {
      this.#dirty.delete(state);
      this.#writtenAt.set(state, performance.now());
      const head = this.#headOf(state);
      if (head) heads.push(head);
    }
    for (let at = 0; at < heads.length; at += HEADS_PER_WRITE_MAX) {
      const slice = heads.slice(at, at + HEADS_PER_WRITE_MAX);
      try {
        this.#failpoints.pass('head.before_write');
        await this.#heads.advance(slice);
      } catch (error) {
        this.#logger.warn({ err: error, heads: slice.length }, 'heads not written, trying again');
        for (const head of slice) this.#keep(head);
      }
    }
    if (this.#dirty.size > 0 || this.#left.size > 0) this.#schedule();
  }

  /**
   * Undefined: it can't be made. Nobody waits for it here, and the heads of other blobs are written all the same. It is
   * tried again when the blob changes, or by the sweep once this process has ended.
   */
  #headOf(state: HeadSource): DerivedHead | undefined {
    try {
      return state.head();
    } catch (error) {
      this.#logger.error(
        { err: error, blobId: state.blobId },
        'the head of a blob cannot be made, left out until the blob changes',
      );
      this.#hasLeftOut = true;
      return undefined;
    }
  }

  #keep(head: DerivedHead): void {
    const known = this.#left.get(head.id);
    if (!known || known.version < head.version) this.#left.set(head.id, head);
  }

  /** Writes what is left, trying once. Whether all of it is written: what is not is left to the sweep. */
  async close(): Promise<boolean> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#writing;
    await Promise.allSettled(this.#awaited);
    await this.#write([...this.#dirty.keys()]);
    return this.#dirty.size === 0 && this.#left.size === 0 && !this.#hasLeftOut;
  }
}
