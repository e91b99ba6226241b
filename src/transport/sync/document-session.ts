/**
 * One editor's place in one document. It is sent the committed state once, as the answer to its sync step 1, and from
 * then on every update after it is durable, never before (G1). Its own updates go to the engine in the order they came.
 */
import { SYNC_REFUSED_UPDATES_MAX } from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { Asks } from './asks.ts';
import { refusalOfAnswer } from './close-codes.ts';
import { DocumentFeed } from './document-feed.ts';
import { isEmptyUpdate, step1Message, type SyncMessage } from './messages.ts';
import { PendingPushes, type Push } from './pending-pushes.ts';
import { watchToken, type TokenWatcher } from './token-watch.ts';
import { UnsyncedCount, type Counted, type Taken } from './unsynced-count.ts';
import type { Caller } from '../../domain/access/caller.ts';
import type { LiveDocument, LiveSession } from '../../documents/contract.ts';
import type { EditorSocket } from './editor-socket.ts';
import type { Member, SharedDocument } from './shared-document.ts';

export abstract class DocumentSession implements LiveSession, Member, TokenWatcher {
  readonly userId: string;
  readonly address: Uint8Array;
  /** Whether the editor is told which version each of its edits became. */
  protected readonly wantsVersions: boolean;
  #socket: EditorSocket | undefined;
  #live: LiveDocument | undefined;
  #shared: SharedDocument | undefined;
  /** Why the engine ended the session before it began. */
  #endedEarly: Error | undefined;
  #feed: DocumentFeed | undefined;
  readonly #pushes = new PendingPushes();
  #asks: Asks | undefined;
  readonly #count = new UnsyncedCount();
  /** Updates refused because the editor may only read, for which it may ask again once it may write. */
  #refused = 0;
  #stopWatching: () => void = () => {};

  constructor(caller: Caller, address: Uint8Array, wantsVersions: boolean) {
    this.userId = caller.userId;
    this.address = address;
    this.wantsVersions = wantsVersions;
  }

  /** So many of the editor's updates are durable. */
  protected abstract acknowledge(updates: number): void;
  /** An edit became this version. */
  protected abstract saved(version: number): void;
  /** The editor may only read. */
  protected abstract refuse(updates: number): void;
  protected abstract accessChanged(readOnly: boolean): void;
  /** Ends this document for the editor; of the socket, only what has to end with it. */
  abstract end(error: unknown): void;
  abstract onTokenAging(): void;
  abstract sendStateless(payload: Uint8Array, isLikeNotice: boolean): void;

  protected get socket(): EditorSocket {
    if (!this.#socket) throw new Error('a session starts with its socket');
    return this.#socket;
  }

  /** Whether the editor has it open: not before it starts, nor once it is closed. */
  protected get isOpen(): boolean {
    return this.#shared !== undefined;
  }

  get pendingPushes(): number {
    return this.#pushes.count;
  }

  /** Whether what others say in the document may be shown now. */
  protected get mayShow(): boolean {
    return this.#feed?.mayShow ?? false;
  }

  get readOnly(): boolean {
    return this.#live?.readOnly ?? true;
  }

  /** Throws LIMIT_EXCEEDED, or why the engine ended the session meanwhile; it is closed then. */
  start(socket: EditorSocket, live: LiveDocument, caller: Caller): void {
    this.#socket = socket;
    this.#live = live;
    try {
      if (this.#endedEarly) throw this.#endedEarly;
      this.#shared = socket.hub.documents.join(live.blobId, this);
    } catch (error) {
      live.close();
      this.#live = undefined;
      throw error;
    }
    const [{ address }, shared] = [this, this.#shared];
    const onFailed = (error: unknown): void => this.end(error);
    this.#feed = new DocumentFeed({ socket, live, shared, address, onFailed });
    this.#asks = new Asks(socket.outlet, () => step1Message(address, shared.states.stateVector(live)));
    this.#watch(caller);
  }

  /** Pushes that are under way still commit. */
  close(): void {
    this.#stopWatching();
    const shared = this.#shared;
    this.#shared = undefined;
    this.#feed?.stop();
    this.#feed = undefined;
    this.#asks?.stop();
    this.#asks = undefined;
    if (shared) this.socket.hub.documents.leave(shared, this);
    this.#live?.close();
  }

  settled(): Promise<void> {
    return new Promise((resolve) => this.#pushes.whenSettled(resolve));
  }

  welcome(): void {
    this.#shared?.welcome();
  }

  // --- called by the engine

  onUpdate(update: Uint8Array, version: number): void {
    this.#feed?.sendUpdate(update, version);
  }

  onClose(error: Error): void {
    if (!this.#shared) this.#endedEarly = error;
    // The socket sees to that once everything that was handed in is settled.
    else if (!(error instanceof StudioError && error.reason === 'DRAINING')) this.end(error);
    else void this.socket.drain(error);
  }

  /** What the editor was refused while it could only read is asked for again. */
  onAccess(readOnly: boolean): void {
    if (!this.#shared) return;
    this.accessChanged(readOnly);
    if (readOnly) return;
    const owed = this.#refused;
    this.#refused = 0;
    this.ask(owed);
  }

  // --- called by the socket and what else is shared

  sendAwareness(update: Uint8Array, clientIds: readonly number[]): void {
    this.#feed?.sendAwareness(update, clientIds);
  }

  /** The stock y-websocket provider answers that by itself. */
  sendDeparted(update: Uint8Array, clientIds: readonly number[]): void {
    this.sendAwareness(update, clientIds);
  }

  sendKnownAwareness(): void {
    this.#feed?.askPresence();
  }

  onTokenExpired(): void {
    this.end(new StudioError('TOKEN_EXPIRED', 'The token has expired.'));
  }

  /** The same user with another token: it holds from now on. Rejects with what is wrong with it; the old one stays. */
  async adoptToken(token: string): Promise<void> {
    const caller = await this.socket.hub.authenticator.authenticateToken(token);
    if (caller.userId !== this.userId)
      throw new StudioError('TOKEN_INVALID', 'A new token must be for the user of the one before.');
    if (this.#shared) this.#watch(caller);
  }

  beat(): void {
    const silentAbout = this.#asks?.beat();
    if (silentAbout) this.end(silentAbout);
  }

  takeAwareness(update: Uint8Array): void {
    this.#shared?.takeAwareness(this, update);
  }

  relayStateless(payload: Uint8Array): number {
    return this.#shared?.relayStateless(this, payload) ?? 0;
  }

  /** Counts against the document's rate. */
  charge(bytes: number): void {
    if (this.#shared) this.socket.charge(this.#shared.rate, bytes);
  }

  takeSync(message: SyncMessage): void {
    if (message.kind === 'step1') this.answerStep1(Uint8Array.prototype.slice.call(message.stateVector));
    else this.#takeUpdate(message.update, message.answer);
  }

  /**
   * After what came before it is durable: an editor that asks again learns by the answer that its updates are kept. It
   * has all that it said it had before: of those that wait, the newest is answered for all.
   */
  protected answerStep1(stateVector: Uint8Array): void {
    this.#pushes.newestWhenSettled(() => this.#feed?.sendState(stateVector));
  }

  /** The same for an editor that counts what is owed anew from here on, and is owed one for its answer to our step 1. */
  protected answerFirstStep1(stateVector: Uint8Array): void {
    this.#refused = 0;
    this.#asks?.restart();
    if (this.#live && this.#shared) this.#count.restart(stateVector, this.#shared.states.stateVector(this.#live));
    this.answerStep1(stateVector);
    this.#pushes.oweNothing();
  }

  /** Asks the editor for what the studio lacks. */
  protected ask(owed: number): void {
    this.#asks?.add(owed);
  }

  #watch(caller: Caller): void {
    this.#stopWatching();
    this.#stopWatching = watchToken(caller, this);
  }

  #takeUpdate(view: Uint8Array, isAnswer: boolean): void {
    const live = this.#live;
    if (!live || !this.#shared) return;
    const ask = isAnswer ? this.#asks?.answered() : undefined;
    if (ask) this.#count.answered();
    const counted = ask ? 'yes' : this.#count.isCounted(view);
    const owed = ask?.owed ?? (counted === 'no' ? 0 : 1);
    if (isEmptyUpdate(view)) this.acknowledge(owed);
    else if (live.readOnly) this.#takeFromReader(live, view, ask !== undefined, owed);
    // A copy: the view would keep the whole chunk that came from the socket.
    else this.#push(live, Uint8Array.prototype.slice.call(view), { owed, counted, isAnswer });
    this.#releaseWithheld();
  }

  #releaseWithheld(): void {
    if (this.#pushes.count === 0 && this.#asks?.isIdle) this.acknowledge(this.#count.release());
  }

  /** A reader's answer to step 1 is fine as long as it holds nothing new. */
  #takeFromReader(live: LiveDocument, update: Uint8Array, wasAsked: boolean, owed: number): void {
    if (wasAsked && live.contains(Uint8Array.prototype.slice.call(update))) this.acknowledge(owed);
    else this.#refuse(owed);
  }

  #refuse(updates: number): void {
    this.#refused += updates;
    this.refuse(updates);
    // G7: each is answered by a message once the editor may write.
    if (this.#refused <= SYNC_REFUSED_UPDATES_MAX) return;
    const limit = 'SYNC_REFUSED_UPDATES_MAX';
    this.end(new StudioError('LIMIT_EXCEEDED', 'Too many changes of one who may only read.', { limit }));
  }

  #push(live: LiveDocument, update: Uint8Array, { owed, counted, isAnswer }: Taken): void {
    const push = this.#pushes.begin(owed, update.byteLength);
    this.socket.pending(1, push.bytes);
    this.pushed();
    const outcome = {
      committed: (version: number) => this.#onSaved(push, version, counted),
      refused: (error: unknown) => this.#onRefused(push, isAnswer ? refusalOfAnswer(error) : StudioError.from(error)),
    };
    live.handIn(update, { separate: this.wantsVersions, outcome });
  }

  #onSaved(push: Push, version: number, counted: Counted): void {
    this.#asks?.filled();
    // Whoever left, and perhaps came back, does not count it any more.
    if (this.#shared) {
      if (counted === 'unknown') this.#count.withhold(this.#pushes.owed(push));
      else this.acknowledge(this.#pushes.owed(push));
      this.saved(version);
    }
    this.#onSettled(push);
  }

  #onRefused(push: Push, error: StudioError): void {
    this.#answerRefused(error, this.#pushes.owed(push));
    this.#onSettled(push);
  }

  #onSettled(push: Push): void {
    this.socket.pending(-1, push.bytes);
    this.#pushes.settled(push);
    this.#releaseWithheld();
  }

  /** An update has been handed to the engine. */
  protected pushed(): void {}

  /**
   * G6: what the update depends on may be with this editor (it was made offline, say): it is asked for all the studio
   * lacks.
   */
  #answerRefused(error: StudioError, owed: number): void {
    if (!this.#shared) return;
    if (error.reason === 'ACCESS_DENIED') {
      this.#refuse(owed);
      return;
    }
    const isMissing = error.reason === 'UPDATE_DEPENDS_ON_MISSING' || error.reason === 'UPDATE_DELETES_UNKNOWN';
    if (!isMissing || !this.#asks?.addFor(error, owed)) this.end(error);
  }
}
