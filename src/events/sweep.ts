/** G5: publishes what processes committed but, having died, never announced. */
import type { Logger } from 'pino';
import type { Commit } from '../domain/delta.ts';
import { LOG_PAGE_COMMITS, SWEEP_AGAIN_MS, SWEEP_EVERY_MS, SWEEP_REPEAT_MS_MAX } from '../limits.ts';
import type { Committers, LapsedCommitter } from '../storage/committers.ts';
import type { CommitOutbox } from '../storage/contract.ts';
import type { EventConnection } from './connection.ts';
import type { StreamWriter } from './stream-writer.ts';

export class Sweep {
  readonly #connection: EventConnection;
  readonly #writer: StreamWriter;
  readonly #outbox: CommitOutbox;
  readonly #committers: Committers;
  readonly #onSwept: (commit: Commit) => Promise<void>;
  readonly #logger: Logger;
  readonly #sweptAt = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: {
    readonly connection: EventConnection;
    readonly writer: StreamWriter;
    readonly outbox: CommitOutbox;
    readonly committers: Committers;
    /** Each commit found: its stored head may be missing too. */
    readonly onSwept: (commit: Commit) => Promise<void>;
    readonly logger: Logger;
  }) {
    this.#connection = options.connection;
    this.#writer = options.writer;
    this.#outbox = options.outbox;
    this.#committers = options.committers;
    this.#onSwept = options.onSwept;
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
    if (!this.#connection.healthy) return;
    try {
      for (const lapsed of await this.#committers.lapsed()) {
        const last = this.#sweptAt.get(lapsed.name);
        if (last !== undefined && Date.now() - last < SWEEP_AGAIN_MS) continue;
        if (await this.#committers.claimSweep(lapsed.name)) await this.#sweep(lapsed);
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'sweep broken off, trying again');
    }
  }

  /** From the watermark each time, for ten minutes: an insert that a dead process had sent may land after the first look. */
  async #sweep(lapsed: LapsedCommitter): Promise<void> {
    let after = lapsed.low;
    for (;;) {
      const commits = await this.#outbox.readByCommitter(lapsed.name, after, LOG_PAGE_COMMITS);
      for (const commit of commits) {
        await this.#onSwept(commit);
        await this.#writer.write(commit);
        after = commit.committerSeq;
      }
      if (commits.length > 0)
        this.#logger.info({ committer: lapsed.name, commits: commits.length }, 'published for a process that is gone');
      if (commits.length < LOG_PAGE_COMMITS) break;
    }
    this.#sweptAt.set(lapsed.name, Date.now());
    if (Date.now() - lapsed.lapsedAt.getTime() < SWEEP_REPEAT_MS_MAX) return;
    await this.#committers.remove(lapsed.name);
    this.#sweptAt.delete(lapsed.name);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}
