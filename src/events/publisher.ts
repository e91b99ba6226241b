/**
 * G5: every commit of this process gets its events. The log is the outbox: what does not fit the queue, or what this
 * process dies over, is found there again, beyond the low-watermark.
 */
import type { Logger } from 'pino';
import type { CommitListener } from '../documents/contract.ts';
import { outlineOf, type CommitOutline } from '../domain/commit-outline.ts';
import type { Commit } from '../domain/delta.ts';
import type { Failpoints } from '../failpoints.ts';
import { EVENTS_PACE_MS, LOG_PAGE_COMMITS, NATS_RETRY_MS, WATERMARK_EVERY_MS } from '../limits.ts';
import type { Committers, Grounds } from '../storage/log/committers.ts';
import type { CommitOutbox } from '../storage/contract.ts';
import { addEvents, addUpdate, givesUpdate } from './cloud-events.ts';
import { CommitQueue } from './commit-queue.ts';
import type { EventConnection } from './connection.ts';
import type { StudioEvent } from './contract.ts';
import type { StreamWriter } from './stream-writer.ts';
import { UpdatePace, type HeldUpdate } from './update-pace.ts';
import { ToldNumbers } from './told-numbers.ts';
import { Watermark, type NumberRange } from './watermark.ts';

export class EventPublisher implements CommitListener {
  readonly #committerId: string;
  readonly #connection: EventConnection;
  readonly #writer: StreamWriter;
  readonly #outbox: CommitOutbox;
  readonly #committers: Committers;
  readonly #failpoints: Failpoints;
  readonly #logger: Logger;
  readonly #queue = new CommitQueue();
  readonly #pace = new UpdatePace();
  readonly #watermark = new Watermark();
  readonly #told = new ToldNumbers();
  readonly #publishing = new Set<Promise<void>>();
  /** Events on their way. */
  #inFlight = 0;
  /** The limit on those has left some in the queue. */
  #isHeldBack = false;
  /** Counts reconnections. */
  #era = 0;
  #highest = 0;
  /** What is to be read back from the log: it did not fit the queue, or is to be published again. */
  #gap: NumberRange | undefined;
  #isReadingBack = false;
  #renewing: NodeJS.Timeout | undefined;
  #pausedUntil = 0;
  #soon: NodeJS.Timeout | undefined;
  #whenDue: NodeJS.Timeout | undefined;
  #pumpedAt = -Infinity;
  #closed = false;

  constructor(options: {
    readonly committerId: string;
    readonly connection: EventConnection;
    readonly writer: StreamWriter;
    readonly outbox: CommitOutbox;
    readonly committers: Committers;
    readonly failpoints: Failpoints;
    readonly logger: Logger;
  }) {
    this.#committerId = options.committerId;
    this.#connection = options.connection;
    this.#writer = options.writer;
    this.#outbox = options.outbox;
    this.#committers = options.committers;
    this.#failpoints = options.failpoints;
    this.#logger = options.logger;
  }

  /** Before the first commit: a process that dies with no lease ever taken would not be swept. */
  async start(): Promise<void> {
    await this.#committers.renew(this.#committerId, 0, this.#grounds);
    this.#renewing = setInterval(() => void this.#renew(), WATERMARK_EVERY_MS);
    let before: string | undefined;
    this.#connection.whenConnected(() => {
      const { ground } = this.#connection;
      if (before !== undefined) this.#goBack(ground !== before);
      before = ground;
      this.#pump();
    });
  }

  /**
   * A stream of another run of NATS may lack what it said it had: JetStream acknowledges before the disk has it, or it
   * was made anew. So the last minutes are published again, from the log; what the stream has it knows by its id (G5).
   * Where only the connection was lost, what was on its way meanwhile, or held: the stream may have a part of it.
   */
  #goBack(isLost: boolean): void {
    this.#era += 1;
    this.#watermark.goBack({ isLost });
    this.#pace.clear();
    this.#widenGap(this.#watermark.low, this.#highest);
  }

  #widenGap(after: number, to: number): void {
    const { after: lowest, to: highest } = this.#gap ?? { after, to };
    this.#gap = { after: Math.min(after, lowest), to: Math.max(to, highest) };
  }

  onCommitted(commit: Commit): void {
    const { committerSeq } = commit;
    this.#highest = Math.max(this.#highest, committerSeq);
    this.#told.add(committerSeq);
    if (this.#queue.hasRoomFor(commit.deltas.length)) this.#queue.add(outlineOf(commit));
    else this.#widenGap(committerSeq - 1, committerSeq);
    this.#pumpSoon();
  }

  /** At once after a pause; in a burst every EVENTS_PACE_MS, so that the commits between share what a write costs. */
  #pumpSoon(): void {
    if (this.#soon) return;
    const waitMs = this.#pumpedAt + EVENTS_PACE_MS - performance.now();
    if (waitMs <= 0) this.#pump();
    else this.#soon = setTimeout(() => this.#pump(), waitMs);
  }

  #pump(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    if (performance.now() < this.#pausedUntil) return;
    const nowMs = performance.now();
    this.#pumpedAt = nowMs;
    const { healthy } = this.#connection;
    if (healthy) {
      const held = this.#pace.take(this.#closed ? Infinity : nowMs);
      const commits = this.#queue.take(this.#inFlight);
      this.#isHeldBack = this.#queue.size > 0;
      if (commits.length + held.length > 0) this.#send(commits, held);
    }
    if (this.#gap && this.#queue.size === 0) void this.#readBack(this.#gap);
    // Apart from #soon: a delta that comes meanwhile is not to wait for it.
    clearTimeout(this.#whenDue);
    if (healthy && this.#pace.size > 0) {
      this.#whenDue = setTimeout(() => this.#pump(), Math.max(EVENTS_PACE_MS, this.#pace.dueAtMs - nowMs));
    }
  }

  #send(commits: readonly CommitOutline[], held: readonly HeldUpdate[]): void {
    const publishing = this.#publish(commits, held).finally(() => {
      this.#publishing.delete(publishing);
      // What was held back; else the next burst has its own time.
      if (this.#isHeldBack || !this.#soon) this.#pump();
    });
    this.#publishing.add(publishing);
  }

  async #publish(commits: readonly CommitOutline[], held: readonly HeldUpdate[]): Promise<void> {
    const era = this.#era;
    const events: StudioEvent[] = [];
    const postponed = new Set<CommitOutline>();
    for (const { commit } of held) addUpdate(events, commit);
    for (const commit of commits) {
      const tellsUpdate = !givesUpdate(commit) || this.#pace.admits(commit.blobId, this.#pumpedAt);
      if (!tellsUpdate) postponed.add(commit);
      addEvents(events, commit, { tellsUpdate });
    }
    this.#inFlight += events.length;
    try {
      this.#failpoints.pass('events.before_publish');
      await this.#writer.write(events);
      if (era === this.#era) this.#settle(commits, held, postponed);
    } catch (error) {
      if (this.#pausedUntil < performance.now()) {
        this.#logger.warn({ err: error }, 'events not published, trying again');
        setTimeout(() => this.#pump(), NATS_RETRY_MS).unref();
      }
      this.#pausedUntil = performance.now() + NATS_RETRY_MS - 1;
      if (era === this.#era) this.#putBack(commits, held, postponed);
    }
    this.#inFlight -= events.length;
  }

  /** The stream has them. A commit of which more is to be told is held until then, and with it the watermark (G5). */
  #settle(commits: readonly CommitOutline[], held: readonly HeldUpdate[], postponed: ReadonlySet<CommitOutline>): void {
    for (const commit of commits) {
      if (postponed.has(commit)) this.#pace.hold({ commit, committerSeqs: [commit.committerSeq] });
      else this.#watermark.add(commit.committerSeq);
    }
    for (const { commit, committerSeqs } of held) {
      this.#pace.release(commit.blobId);
      for (const seq of committerSeqs) this.#watermark.add(seq);
    }
  }

  #putBack(
    commits: readonly CommitOutline[],
    held: readonly HeldUpdate[],
    postponed: ReadonlySet<CommitOutline>,
  ): void {
    this.#queue.putBack(commits);
    for (const { blobId } of postponed) this.#pace.release(blobId);
    for (const update of held) this.#pace.hold(update);
  }

  /** A page of the gap. What lies beyond it is in the queue, or was. */
  async #readBack(gap: NumberRange): Promise<void> {
    if (this.#isReadingBack) return;
    this.#isReadingBack = true;
    this.#told.look();
    let pauseMs = 0;
    try {
      const commits = await this.#outbox.readByCommitter(this.#committerId, gap.after, LOG_PAGE_COMMITS);
      // Widened meanwhile, it begins lower, perhaps below what this page is of.
      if (gap === this.#gap) {
        const after = this.#queueMissed(commits, gap);
        const isWhole = after === (commits.at(-1)?.committerSeq ?? gap.after);
        const isEnd = isWhole && (commits.length < LOG_PAGE_COMMITS || after >= gap.to);
        this.#gap = isEnd ? undefined : { after, to: gap.to };
        const read = { after: gap.after, to: isEnd ? gap.to : after };
        for (const gone of this.#told.goneFrom(commits, read)) this.#watermark.pass(gone);
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'the log could not be read for events, trying again');
      pauseMs = NATS_RETRY_MS;
    } finally {
      this.#isReadingBack = false;
      this.#told.looked();
      setTimeout(() => this.#pump(), pauseMs).unref();
    }
  }

  /** As many as there is room for. Up to where that is all of them, by their numbers. */
  #queueMissed(commits: readonly CommitOutline[], { after, to }: NumberRange): number {
    let last = after;
    for (const commit of commits) {
      const { committerSeq } = commit;
      const isMissed = committerSeq <= to && !this.#watermark.has(committerSeq);
      if (isMissed && !this.#queue.hasRoomFor(commit.deltas.length)) break;
      if (isMissed) this.#queue.add(commit);
      last = committerSeq;
    }
    return last;
  }

  async #renew(): Promise<void> {
    this.#watermark.note(performance.now());
    try {
      await this.#committers.renew(this.#committerId, this.#watermark.low, this.#grounds);
    } catch (error) {
      this.#logger.debug({ err: error }, 'lease not renewed');
    }
    this.#pump();
  }

  /** Publishes what it can within `waitMs`. */
  async drain(waitMs: number): Promise<void> {
    this.#closed = true;
    const deadline = performance.now() + waitMs;
    this.#pump();
    while (this.#isBusy && this.#connection.healthy && performance.now() < deadline) {
      await Promise.race([...this.#publishing, new Promise((resolve) => setTimeout(resolve, 20))]);
      this.#pump();
    }
  }

  /**
   * Ends the lease: what is left, or may yet be lost, is for another process, or for the next start. `isComplete`: all
   * commits of this process were told of here, none may still land, and their heads are written; so only events may be.
   */
  async close({ isComplete }: { readonly isComplete: boolean }): Promise<void> {
    clearTimeout(this.#soon);
    clearTimeout(this.#whenDue);
    clearInterval(this.#renewing);
    const { low, again } = this.#watermark;
    const isDone = isComplete && low === this.#highest && again === low && !this.#gap;
    const ended = isDone
      ? this.#committers.remove(this.#committerId)
      : this.#committers.abandon(this.#committerId, low, this.#grounds);
    await ended.catch(() => undefined);
  }

  get #grounds(): Grounds {
    return { again: this.#watermark.again, ground: this.#connection.ground };
  }

  get #isBusy(): boolean {
    return this.#queue.size > 0 || this.#inFlight > 0 || this.#pace.size > 0;
  }
}
