/**
 * One blob in this process. Commit, then show: intents wait as they came, one flush at a time is prepared on the
 * committed head and committed; only then is it applied, sent to the sessions and acknowledged. A failed insert
 * leaves nothing to undo.
 */
import * as Y from 'yjs';
import { Guard } from '../../domain/guard/guard.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import { blobDeleted, storageUnavailable, type Action } from '../../domain/access/access.ts';
import type { BlobAccess } from '../../domain/access/blob-access.ts';
import type { Caller } from '../../domain/access/caller.ts';
import type { Commit } from '../../domain/delta.ts';
import { StudioError } from '../../errors.ts';
import { COMMIT_RACES_MAX, COMMIT_RETRY_MS_MAX, TWIN_IDLE_MS_MAX } from '../../limits.ts';
import type { StoredMeta } from '../../storage/blob-metas.ts';
import { admit } from './admission.ts';
import { Authoring } from '../commits/authoring.ts';
import { EditMaker } from '../commits/edit-maker.ts';
import { HeldUpdates } from '../trials/held-updates.ts';
import { type Intent, lineOf, type Settled } from '../commits/intent.ts';
import { readDurableTail } from '../log/log-stretch.ts';
import { acknowledge, dependsOnHead, versionOf, type Prepared } from '../commits/batch.ts';
import { PendingIntents, tooManyRaces, tooManyWait } from '../commits/pending-intents.ts';
import { Preparation } from '../commits/preparation.ts';
import { Refreshers } from './refreshers.ts';
import { RemoteCommits } from './remote-commits.ts';
import { RevertMaker } from '../commits/revert-maker.ts';
import { retrying } from '../../storage/retrying.ts';
import type { RoomServices } from './room-services.ts';
import type { RoomState } from '../memory/room-state.ts';
import { Sessions } from './sessions.ts';
import { shownApart, shownAsOne } from './showing.ts';
import { Turns } from './turns.ts';

export class Room {
  readonly state: RoomState;
  readonly sessions: Sessions;
  /** Calls and sessions that hold this room; it is not evicted while there are any. */
  holders = 0;
  usedAt = performance.now();
  /** When it last won a slot: what it held then was the head. */
  wonAt = 0;
  /** By the clock, when the log was last known to hold no more than it does. */
  #headSeenAtMs = Date.now();
  /** Labels and processed_by as last read; other processes may have changed them since. */
  meta: StoredMeta | undefined;
  readonly newestDelta = () => this.#services.history.deltas.newest(this.state);
  readonly #services: RoomServices;
  readonly #guard: Guard;
  readonly #authoring: Authoring;
  readonly #preparation: Preparation;
  readonly #pending = new PendingIntents();
  readonly #held: HeldUpdates;
  #flushing: readonly Intent[] = [];
  #isFlushing = false;
  readonly #remote = new RemoteCommits();
  readonly #refreshers = new Refreshers();
  readonly #turns = new Turns();
  #failure: unknown;

  constructor(state: RoomState, services: RoomServices) {
    this.state = state;
    this.#services = services;
    this.sessions = new Sessions({
      blobId: state.blobId,
      access: services.access,
      state: () => ({ update: Y.encodeStateAsUpdate(state.doc), version: state.version }),
    });
    this.#guard = new Guard({ doc: state.doc, shape: () => shapeOf(state.genesis.contentType), owners: state.owners });
    this.#authoring = new Authoring({ state, guard: this.#guard, bases: services.bases });
    const edits = new EditMaker({ authoring: this.#authoring, state, contents: services.contents });
    const reverts = new RevertMaker({ ...services, state, authoring: this.#authoring });
    const making = { guard: this.#guard, authoring: this.#authoring, edits, reverts };
    this.#preparation = new Preparation({ ...services, ...making, state });
    this.#held = new HeldUpdates({
      state,
      trials: services.trials,
      refresh: () => this.refresh(),
      release: (intent) => this.#enqueue(intent),
      lastOf: (line) => this.#pending.lastOf(line) ?? this.#flushing.findLast((intent) => lineOf(intent) === line),
    });
  }

  get isBusy(): boolean {
    return this.#isFlushing || this.#pending.size > 0 || this.#held.size > 0 || this.#refreshers.size > 0;
  }

  /** Set when the live document could not follow the log: the room serves nobody any more and is loaded anew. */
  get failure(): unknown {
    return this.#failure;
  }

  authorize(caller: Caller, action: Action): Promise<BlobAccess> {
    return admit(this.#services.access, this.state, { caller, action });
  }

  submit(intent: Intent): Promise<Settled> {
    this.take(intent);
    return intent.settled;
  }

  /** For those who are told by themselves. */
  take(intent: Intent): void {
    intent.isLate = this.state.facts.deletedAt !== undefined;
    if (this.#failure !== undefined) intent.reject(this.#failure);
    else if (!this.#held.takes(intent)) this.#enqueue(intent);
  }

  #enqueue(intent: Intent): void {
    if (this.#pending.add(intent)) this.#start();
    else intent.reject(tooManyWait());
  }

  /** Brings the room up to what the log holds now. Reads call it, since another process may have written. */
  refresh(): Promise<void> {
    const refreshed = this.#refreshers.add();
    this.#start();
    return refreshed;
  }

  /** A commit of another process, heard of by NATS: in order, doubled, late or with a hole before it. */
  onRemote(commit: Commit): void {
    if (commit.lastSeq <= this.state.version || this.#failure !== undefined) return;
    this.#turns.foreign(commit.committer);
    const follows = !this.#isFlushing && commit.firstSeq === this.state.version + 1;
    if (follows) return this.#applyForeign([commit]);
    const looks = !this.#remote.add(commit) || !this.#isFlushing;
    if (looks && this.#refreshers.size === 0) this.refresh().catch(() => undefined);
  }

  #start(): void {
    if (!this.#isFlushing) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isFlushing = true;
    try {
      while (this.#pending.size > 0 || this.#refreshers.size > 0) {
        if (this.#refreshers.size > 0) await this.#refreshers.serve(() => this.#catchUp());
        if (this.#pending.size > 0) {
          const turn = this.#turns.mine();
          if (turn) await turn;
          const place = this.#services.committer.place();
          if (place) await place;
          this.#applyRemote();
          await this.#flush(this.#pending.takeFlush());
        }
        this.#applyRemote();
      }
    } catch (error) {
      // What can throw has failed the room by then; whoever waits on it is told.
      this.#fail(error);
    }
    this.#isFlushing = false;
    this.usedAt = performance.now();
    // Of a room that failed just now: what came since.
    if (this.#pending.size > 0 || this.#refreshers.size > 0) this.#start();
  }

  /** G2: prepares, commits, and after a lost race does both again at once, on the head that won. */
  async #flush(intents: readonly Intent[]): Promise<void> {
    let batch = intents;
    this.#flushing = batch;
    const began = performance.now();
    try {
      for (let races = 0; races <= COMMIT_RACES_MAX && this.#failure === undefined; races++) {
        const prepared = await this.#preparation.prepare(batch);
        if (prepared.postponed.length > 0) {
          this.#flushing = batch = batch.slice(0, -prepared.postponed.length);
          this.#pending.putBack(prepared.postponed);
        }
        if (prepared.held.length > 0) {
          this.#flushing = batch = batch.filter((intent) => !prepared.held.includes(intent));
          // With what the same lines sent since.
          this.#held.hold([...prepared.held, ...this.#pending.takeOf(new Set(prepared.held.map(lineOf)))]);
        }
        if (!prepared.commit) {
          this.#guard.settle();
          this.#authoring.settleLost();
          // No slot won proves that this was the head. A look that failed may have moved it as well.
          const { version } = this.state;
          if (dependsOnHead(prepared)) await retrying(() => this.#catchUp());
          if (this.state.version > version) continue;
          acknowledge(prepared, version);
          return;
        }
        const sentAtMs = Date.now();
        const outcome = await this.#services.committer.commit(prepared.commit, prepared.bytes, this.#headSeenAtMs);
        this.#guard.settle();
        if (outcome !== 'lost') {
          this.#turns.own(performance.now() - began);
          this.wonAt = performance.now();
          this.#headSeenAtMs = sentAtMs;
          this.#show(prepared, outcome);
          return;
        }
        this.#authoring.settleLost();
        // NATS may have brought the winner. Otherwise it waits for the database as long as a commit would.
        if (!this.#applyRemote()) await retrying(() => this.#catchUp());
      }
      throw this.#failure ?? tooManyRaces();
    } catch (error) {
      this.#guard.settle();
      this.#authoring.settleLost();
      for (const intent of batch) if (intent.isOpen) intent.reject(error);
    } finally {
      this.#flushing = [];
    }
  }

  /** The flush is durable: now it is applied, shown to the others and acknowledged, in this order. */
  #show(prepared: Prepared, commit: Commit): void {
    let shown = shownApart(prepared, commit, this.sessions.size);
    try {
      if (shown) this.state.apply([commit]);
      else shown = shownAsOne(prepared, commit, this.state.apply([commit], { asOne: true }));
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    this.#authoring.settleCommitted((authored) => versionOf(authored, prepared, commit));
    this.sessions.send(shown);
    this.#services.heads.mark(this.state);
    acknowledge(prepared, this.state.version, commit);
    this.#closeIfDeleted();
    this.#services.history.checkpointIfDue(this.state);
  }

  /** All that others have committed by now, with a fence (G1). What NATS has brought may not be all. */
  async #catchUp(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const lookedAtMs = Date.now();
    this.#applyRemote();
    for await (const commits of readDurableTail(this.#services, this.state)) {
      this.#applyForeign(commits);
      if (this.#failure !== undefined) throw this.#failure;
    }
    this.#headSeenAtMs = lookedAtMs;
  }

  #applyRemote(): boolean {
    const commits = this.#remote.takeAfter(this.state.version);
    if (commits.length > 0) this.#applyForeign(commits);
    return commits.length > 0;
  }

  #applyForeign(commits: readonly Commit[]): void {
    for (const { committer } of commits) this.#turns.foreign(committer);
    try {
      const update = this.state.apply(commits, { asOne: true });
      if (update) this.#authoring.followCommitted(update);
      if (update) this.sessions.send([{ update, version: this.state.version }]);
      this.#closeIfDeleted();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The document no longer follows the log. Nobody is shown anything more of it; the next call loads it anew. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const intent of [...this.#pending.takeAll(), ...this.#held.takeAll()]) intent.reject(error);
    this.#refreshers.rejectAll(error);
    this.#services.logger.error({ err: error, blobId: this.state.blobId }, 'live document failed');
    this.sessions.close(StudioError.from(error));
  }

  #closeIfDeleted(): void {
    if (this.state.facts.deletedAt) this.sessions.close(blobDeleted(this.state.blobId));
  }

  /** Callers who wait for longer than the limit are told so; what is on its way may still commit. */
  tidy(nowMs: number): void {
    for (const intent of [...this.#flushing, ...this.#pending, ...this.#held]) {
      // Sessions keep their edits and wait; nothing is lost by letting them.
      if (intent.work.kind === 'push' || nowMs - intent.waitsSinceMs < COMMIT_RETRY_MS_MAX) continue;
      intent.reject(storageUnavailable(undefined));
    }
    this.#refreshers.tidy(nowMs);
    this.#authoring.dropIdleTwin(TWIN_IDLE_MS_MAX);
    if (!this.isBusy && nowMs - this.usedAt > TWIN_IDLE_MS_MAX) this.state.relax(this.#services.keep);
  }

  /** About what it takes: the document, its twin, what rides along, and what waits. */
  get memoryBytes(): number {
    const state = this.state.memoryBytes;
    const waiting = this.#pending.bytes + this.#held.bytes + this.#remote.bytes;
    return state + (this.#authoring.hasTwin ? state : 0) + waiting;
  }

  destroy(): void {
    this.sessions.destroy();
    this.#authoring.dropTwin();
    this.#services.heads.retire(this.state);
    this.state.destroy();
  }
}
