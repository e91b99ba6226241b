/**
 * G1, G2: where a delta is committed. Gathers one commit per blob into one insert command; while that is in flight the
 * next gathers: not commits, but rooms that have something to commit, so that what reaches a room meanwhile is in its
 * commit too. A commit's promise resolves only when its outcome is certain and, if it is in, durable.
 */
import type { Logger } from 'pino';
import type { Commit, Draft } from '../../domain/delta.ts';
import type { Failpoints } from '../../failpoints.ts';
import {
  COMMIT_DOCUMENTS_MAX,
  COMMIT_RETRY_PAUSE_MS,
  COMMITS_WAITING_MAX,
  UNTHINNED_MS_MAX,
  INSERT_SLOW_MS,
  INSERTS_IN_FLIGHT_MAX,
} from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { commitId, placeDraft } from '../../storage/log/commit-document.ts';
import type { CommitLog, InsertResult } from '../../storage/log/commit-log.ts';
import type { Database } from '../../storage/database.ts';
import type { CommitListener } from '../contract.ts';
import { type CommitOutcome, takeBatch, type WaitingCommit } from './waiting-commits.ts';

/** A commit before it has its place in this process's numbering, which gives it and its deltas their ids. */
export type UnnumberedCommit = Omit<Commit, 'id' | 'committer' | 'committerSeq' | 'deltas'> & {
  readonly appliedAt: Date;
  readonly drafts: readonly Draft[];
};

export class Committer {
  /** This process in the log, unique for its life: what the ids of its commits begin with. */
  readonly id: string;
  readonly #log: CommitLog;
  readonly #database: Database;
  readonly #listeners: readonly CommitListener[];
  readonly #failpoints: Failpoints;
  readonly #logger: Logger;
  readonly #queue: WaitingCommit[] = [];
  /**
   * Tried, and of unknown outcome. They are tried again by themselves: where that lasts, of the blobs of one shard say,
   * no other commit waits for them.
   */
  readonly #unknown: WaitingCommit[] = [];
  #isRetrying = false;
  /**
   * Numbers of commits that lost their race: given out again first, so that the numbering has no lasting gap. Their ids
   * come again too, which is safe: a late repeat of the lost insert finds its slot taken.
   */
  readonly #freeSeqs: number[] = [];
  #nextSeq = 1;
  /** Numbers in use whose commits the listeners were not told of: on their way, or of unknown outcome for good. */
  #unsettled = 0;
  /** In the log, and not told to the listeners yet. */
  #untold: Commit[] = [];
  #inFlight = 0;
  /** Of those: how many have taken INSERT_SLOW_MS already. */
  #slow = 0;
  #isTaking = false;
  /** Rooms that wait for a place, one of each at most; those that came first before the others. */
  readonly #places: (() => void)[] = [];
  #stopping = false;

  constructor(options: {
    readonly id: string;
    readonly log: CommitLog;
    readonly database: Database;
    readonly listeners: readonly CommitListener[];
    readonly failpoints: Failpoints;
    readonly logger: Logger;
  }) {
    this.id = options.id;
    this.#log = options.log;
    this.#database = options.database;
    this.#listeners = options.listeners;
    this.#failpoints = options.failpoints;
    this.#logger = options.logger;
  }

  /** Undefined: what is committed now leaves at once. Otherwise resolves shortly before the next insert leaves. */
  place(): Promise<void> | undefined {
    if (this.#mayInsert) return undefined;
    return new Promise((resolve) => void this.#places.push(resolve));
  }

  /**
   * Never call it for a blob that has a commit under way. While the database does not answer it waits, retrying the
   * same id and slot; it rejects only when the process stops, the outcome then unknown. `headSeenAtMs`: by the clock,
   * when the log was last known to end where the commit begins.
   */
  commit(unnumbered: UnnumberedCommit, bytes: number, headSeenAtMs: number): Promise<CommitOutcome> {
    if (this.#stopping) return Promise.reject(new StudioError('DRAINING', 'This studio process is stopping.'));
    if (this.#queue.length + this.#unknown.length >= COMMITS_WAITING_MAX) {
      return Promise.reject(
        new StudioError('LIMIT_EXCEEDED', 'Too many blobs wait for the database.', { limit: 'COMMITS_WAITING_MAX' }),
      );
    }
    const commit = this.#number(unnumbered);
    return new Promise((resolve, reject) => {
      this.#queue.push({ commit, bytes, headSeenAtMs, resolve, reject });
      this.#pump();
    });
  }

  #number({ blobId, firstSeq, lastSeq, owner, contentType, rootId, appliedAt, drafts }: UnnumberedCommit): Commit {
    const committerSeq = this.#freeSeqs.shift() ?? this.#nextSeq++;
    this.#unsettled += 1;
    const id = commitId(this.id, committerSeq);
    const deltas = drafts.map((draft, index) =>
      placeDraft(draft, { commitId: id, index, blobId, toVersion: firstSeq + index, appliedAt }),
    );
    return { id, blobId, firstSeq, lastSeq, committer: this.id, committerSeq, owner, contentType, rootId, deltas };
  }

  /** Lets what is under way end; what still is uncertain then is rejected. */
  stop(): void {
    this.#stopping = true;
    this.#tell();
  }

  /** Whether the listeners know of all that is, or may still come, in the log. Once stopped it does not become false. */
  get isSettled(): boolean {
    return this.#unsettled === 0;
  }

  get #mayInsert(): boolean {
    return this.#inFlight === 0 || (this.#slow === this.#inFlight && this.#inFlight < INSERTS_IN_FLIGHT_MAX);
  }

  /** Once those who go on in this turn of the event loop, or were just given their place, have handed theirs in. */
  #pump(): void {
    if (this.#isTaking || !this.#mayInsert) return;
    this.#isTaking = true;
    for (const resolve of this.#places.splice(0, COMMIT_DOCUMENTS_MAX - this.#queue.length)) resolve();
    // From a microtask, which makes it follow all of them, also those that come meanwhile.
    queueMicrotask(() => process.nextTick(() => this.#insertNext()));
  }

  #insertNext(): void {
    this.#isTaking = false;
    if (this.#queue.length > 0) {
      this.#inFlight += 1;
      let isSlow = false;
      const slow = setTimeout(() => {
        isSlow = true;
        this.#slow += 1;
        this.#pump();
      }, INSERT_SLOW_MS);
      void this.#insertBatch(takeBatch(this.#queue)).finally(() => {
        clearTimeout(slow);
        if (isSlow) this.#slow -= 1;
        this.#inFlight -= 1;
        this.#pump();
      });
    }
    // Of those who were given a place, some may have had nothing to commit after all.
    if (this.#queue.length + this.#places.length > 0) this.#pump();
  }

  async #insertBatch(batch: readonly WaitingCommit[]): Promise<void> {
    const unknown = await this.#tryOnce(batch);
    if (unknown.length === 0) return;
    this.#unknown.push(...unknown);
    if (this.#isRetrying) return;
    this.#logger.warn({ commits: unknown.length }, 'commit outcome unknown, trying the same slots again');
    void this.#retry();
  }

  async #retry(): Promise<void> {
    this.#isRetrying = true;
    while (this.#unknown.length > 0) {
      if (this.#stopping) {
        const error = new StudioError('STORAGE_UNAVAILABLE', 'The database did not say whether the change is in.');
        for (const waiting of this.#unknown.splice(0)) waiting.reject(error);
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, COMMIT_RETRY_PAUSE_MS));
      // Those that stay unknown go behind the others.
      this.#unknown.push(...(await this.#tryOnce(takeBatch(this.#unknown))));
    }
    this.#isRetrying = false;
  }

  /** One insert command and what it told. Returns those whose outcome is still unknown. */
  async #tryOnce(all: readonly WaitingCommit[]): Promise<WaitingCommit[]> {
    const unknown: WaitingCommit[] = [];
    const open: WaitingCommit[] = [];
    const isOld = ({ headSeenAtMs }: WaitingCommit): boolean => Date.now() - headSeenAtMs > UNTHINNED_MS_MAX;
    for (const waiting of all) if (!isOld(waiting) || (await this.#looksFree(waiting, unknown))) open.push(waiting);
    if (open.length === 0) return unknown;
    let results: readonly InsertResult[];
    let told: Awaited<ReturnType<CommitLog['insert']>> | undefined;
    try {
      this.#failpoints.pass('commit.before_insert');
      told = await this.#log.insert(open.map((waiting) => waiting.commit));
      this.#failpoints.pass('commit.after_insert');
      results = told.results;
      if (told.error && results.includes('unknown')) this.#logger.debug({ err: told.error }, 'insert failed');
    } catch (error) {
      this.#logger.error({ err: error }, 'insert failed before an answer');
      results = open.map(() => 'unknown');
    }
    const taken: WaitingCommit[] = [];
    for (const [index, waiting] of open.entries()) {
      if (results[index] === 'inserted') this.#settle(waiting, waiting.commit);
      else if (results[index] === 'duplicate') taken.push(waiting);
      else if (results[index] === 'unsendable') this.#giveUp(waiting, told?.error);
      else unknown.push(waiting);
    }
    await Promise.all(
      taken.map(async (waiting) => {
        if (!(await this.#resolveTaken(waiting))) unknown.push(waiting);
      }),
    );
    return unknown;
  }

  /**
   * G2: retention frees slots whose deltas are old. So where the head was seen long ago, a slot is tried only after a look
   * that finds nothing beyond it. Otherwise the commit is settled, or joins those of unknown outcome.
   */
  async #looksFree(waiting: WaitingCommit, unknown: WaitingCommit[]): Promise<boolean> {
    const { blobId, firstSeq } = waiting.commit;
    const lookedAtMs = Date.now();
    try {
      if (((await this.#log.lastSeq(blobId)) ?? 0) < firstSeq) {
        waiting.headSeenAtMs = lookedAtMs;
        return true;
      }
      await this.#settleBy(waiting, await this.#log.slotHolder(blobId, firstSeq));
    } catch {
      unknown.push(waiting);
    }
    return false;
  }

  /** A duplicate key: our own earlier try or another writer's commit. False: not known yet. */
  async #resolveTaken(waiting: WaitingCommit): Promise<boolean> {
    try {
      const holder = await this.#log.slotHolder(waiting.commit.blobId, waiting.commit.firstSeq);
      if (holder === undefined) return false;
      await this.#settleBy(waiting, holder);
      return true;
    } catch {
      return false;
    }
  }

  /** Of a slot that can't be won any more. What holds it may be our own earlier try, which becomes durable by a fence. */
  async #settleBy(waiting: WaitingCommit, holder: string | undefined): Promise<void> {
    const isOwn = holder === waiting.commit.id;
    if (isOwn) await this.#database.fence();
    this.#settle(waiting, isOwn ? waiting.commit : 'lost');
  }

  #settle(waiting: WaitingCommit, outcome: CommitOutcome): void {
    if (outcome === 'lost') {
      this.#freeSeqs.push(waiting.commit.committerSeq);
      this.#unsettled -= 1;
    } else {
      // Told behind the acknowledgements, which would else wait for what the listeners do.
      if (this.#untold.length === 0) setImmediate(() => this.#tell());
      this.#untold.push(waiting.commit);
    }
    waiting.resolve(outcome);
  }

  /** One that will never be sent must not keep the others of its batch, and those behind them, waiting for it. */
  #giveUp(waiting: WaitingCommit, error: unknown): void {
    const { commit } = waiting;
    this.#logger.error({ err: error, blobId: commit.blobId }, 'a commit can not be encoded');
    this.#freeSeqs.push(commit.committerSeq);
    this.#unsettled -= 1;
    waiting.reject(StudioError.from(error));
  }

  #tell(): void {
    const commits = this.#untold;
    this.#untold = [];
    this.#unsettled -= commits.length;
    for (const commit of commits) for (const listener of this.#listeners) listener.onCommitted(commit);
  }
}
