/** G5: publishes what processes committed but, having died, never announced, and heals the heads they did not write. */
import type { Logger } from 'pino';
import {
  COMMITTER_LEASE_MS,
  DRAIN_MS_MAX,
  HEAD_LAG_MS_MAX,
  HEAD_PACE_MS_MAX,
  LOG_PAGE_COMMITS,
  PUBLISH_AGAIN_MS,
  PUBLISH_DRAIN_MS_MAX,
  SWEEP_AGAIN_MS,
  SWEEP_EVERY_MS,
  SWEEP_REPEAT_MS_MAX,
} from '../limits.ts';
import type { Receipt } from '../domain/blob.ts';
import type { BlobHeads } from '../storage/blobs.ts';
import type { Committers, LapsedCommitter } from '../storage/log/committers.ts';
import type { CommitOutbox } from '../storage/contract.ts';
import type { EventConnection } from './connection.ts';
import { slicesOf } from './event-slices.ts';
import type { StreamWriter } from './stream-writer.ts';

/** How old a commit may be whose head its process had still to write. */
const LAST_HEADS_MS = HEAD_PACE_MS_MAX + HEAD_LAG_MS_MAX + DRAIN_MS_MAX + PUBLISH_DRAIN_MS_MAX;

export class Sweep {
  readonly #connection: EventConnection;
  readonly #writer: StreamWriter;
  readonly #outbox: CommitOutbox;
  readonly #committers: Committers;
  readonly #heads: Pick<BlobHeads, 'behind'>;
  readonly #healHead: (blobId: string) => Promise<void>;
  readonly #againMs: number;
  readonly #logger: Logger;
  /** Of those that have lapsed: when this process swept them first, and last. */
  readonly #swept = new Map<string, { readonly firstMs: number; readonly lastMs: number }>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: {
    readonly connection: EventConnection;
    readonly writer: StreamWriter;
    readonly outbox: CommitOutbox;
    readonly committers: Committers;
    readonly heads: Pick<BlobHeads, 'behind'>;
    readonly healHead: (blobId: string) => Promise<void>;
    readonly againMs?: number;
    readonly logger: Logger;
  }) {
    this.#connection = options.connection;
    this.#writer = options.writer;
    this.#outbox = options.outbox;
    this.#committers = options.committers;
    this.#heads = options.heads;
    this.#healHead = options.healHead;
    this.#againMs = options.againMs ?? SWEEP_AGAIN_MS;
    this.#logger = options.logger;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#running ??= this.#round().finally(() => {
        this.#running = undefined;
      });
    }, SWEEP_EVERY_MS);
  }

  async #round(): Promise<void> {
    try {
      const all = await this.#committers.lapsed();
      const names = new Set(all.map(({ name }) => name));
      // One that was only cut off, and renewed its lease, begins anew when that lapses again.
      for (const name of this.#swept.keys()) if (!names.has(name)) this.#swept.delete(name);
      for (const lapsed of all) {
        if (!this.#connection.healthy || this.#closed) return;
        const lastMs = this.#swept.get(lapsed.name)?.lastMs ?? -Infinity;
        if (performance.now() - lastMs < this.#againMs) continue;
        if (await this.#committers.claimSweep(lapsed.name)) await this.#sweep(lapsed);
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'sweep broken off, trying again');
    }
  }

  /**
   * From the watermark, again and again for ten minutes: an insert that a dead process had sent may land after the first
   * look. The watermark moves over what was published without a hole before it, for whoever looks next, and only after
   * the heads: whoever goes on from there looks no further back than some seconds for those. Where NATS was started
   * again meanwhile it may have lost what it had said it has, so that is published once more.
   */
  async #sweep(lapsed: LapsedCommitter): Promise<void> {
    const { ground } = this.#connection;
    const isMoved = ground !== undefined && ground !== lapsed.ground;
    let low = isMoved ? lapsed.again : lapsed.low;
    let after = low;
    for (;;) {
      const commits = await this.#outbox.readByCommitter(lapsed.name, after, LOG_PAGE_COMMITS);
      for (const { commits: told, events } of slicesOf(commits)) {
        await this.#writer.write(events);
        await this.#heal(told.map(({ blobId, lastSeq }) => ({ blobId, version: lastSeq })));
        if (this.#closed) return;
        for (const { committerSeq } of told) {
          after = committerSeq;
          if (after === low + 1) low = after;
        }
        if (low > lapsed.low) await this.#committers.moveLow(lapsed.name, low);
      }
      if (commits.length > 0)
        this.#logger.info({ committer: lapsed.name, commits: commits.length }, 'published for a process that is gone');
      if (commits.length < LOG_PAGE_COMMITS) break;
    }
    if (isMoved) await this.#committers.moveTo(lapsed.name, ground);
    await this.#healLast(lapsed);
    const nowMs = performance.now();
    const { firstMs } = this.#swept.get(lapsed.name) ?? { firstMs: nowMs };
    this.#swept.set(lapsed.name, { firstMs, lastMs: nowMs });
    if (Date.now() - lapsed.lapsedAt.getTime() < SWEEP_REPEAT_MS_MAX || nowMs - firstMs < PUBLISH_AGAIN_MS) return;
    await this.#committers.removeLapsed(lapsed.name);
  }

  /**
   * A busy process tells of its commits long before it writes their heads: those of its last seconds may be behind, or of
   * the time in which it stopped. Looked at by every sweep, since what could not be healed by one is for the next.
   */
  async #healLast({ name, low, lapsedAt }: LapsedCommitter): Promise<void> {
    const since = lapsedAt.getTime() - COMMITTER_LEASE_MS - LAST_HEADS_MS;
    await this.#heal(await this.#outbox.receiptsByCommitter(name, low, new Date(since)));
  }

  /** `receipts`: what is in the log. A head that can't be mended now must not keep others from being told of. */
  async #heal(receipts: readonly Receipt[]): Promise<void> {
    for (const blobId of await this.#heads.behind(receipts)) {
      if (this.#closed) return;
      await this.#healHead(blobId).catch((error: unknown) => {
        this.#logger.warn({ err: error, blobId }, 'head of a swept blob not healed');
      });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#running;
  }
}
