/**
 * One document on one stream of SyncService: the committed state once, as the answer to its opening, and from then on
 * every update after it is durable, never before (G1). Its client's updates go to the engine in the order they came, and
 * are answered in that order.
 */
import { SYNC_PENDING_BYTES_MAX, SYNC_PENDING_UPDATES_MAX } from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { writeAwarenessUpdate, type AwarenessEntry } from '../sync/awareness-update.ts';
import type { Caller } from '../../domain/access/caller.ts';
import type { Documents, LiveDocument, LiveSession } from '../../documents/contract.ts';
import type { Member, SharedDocument } from '../sync/shared-document.ts';
import type { EditorHub } from '../sync/editor-hub.ts';
import type { Rate } from '../sync/rate.ts';
import type { FrameQueue } from './frame-queue.ts';
import type { Frame, FrameSource } from './frames.ts';

export interface SessionServices {
  readonly documents: Pick<Documents, 'open' | 'applyDelta'>;
  readonly editors: EditorHub;
}

/** What the client has, as it says. */
export interface Known {
  /** Never empty: that of nothing has one byte. */
  readonly stateVector: Uint8Array;
  /** 0: it does not know. */
  readonly afterVersion: number;
}

/** Updates handed in and not answered yet, of one stream. */
export class Pending {
  updates = 0;
  bytes = 0;
  #roomy: (() => void)[] = [];

  get isFull(): boolean {
    return this.updates >= SYNC_PENDING_UPDATES_MAX || this.bytes >= SYNC_PENDING_BYTES_MAX;
  }

  add(update: Uint8Array): void {
    this.updates += 1;
    this.bytes += update.byteLength;
  }

  remove(update: Uint8Array): void {
    this.updates -= 1;
    this.bytes -= update.byteLength;
    if (!this.isFull) for (const resolve of this.#roomy.splice(0)) resolve();
  }

  async whenRoomy(): Promise<void> {
    while (this.isFull) await new Promise<void>((resolve) => this.#roomy.push(resolve));
  }
}

export class StreamSession implements LiveSession, Member, FrameSource {
  readonly userId: string;
  readonly blobId: string;
  readonly #caller: Caller;
  readonly #services: SessionServices;
  /** Absent for a session whose client reads at another process. */
  readonly #queue: FrameQueue | undefined;
  readonly #pending: Pending;
  readonly #onEnd: (error: StudioError | undefined) => void;
  #opening: Promise<LiveDocument>;
  #live: LiveDocument | undefined;
  #shared: SharedDocument | undefined;
  #known: Known;
  /** Updates reach the client from its opening on: before, the answer to that holds them. */
  #isShown = false;
  #sentVersion = 0;
  #isLeaving = false;
  #isPutOff = false;
  #ended = false;
  /** Settles when everything handed in so far is answered. */
  #answered: Promise<void> = Promise.resolve();

  constructor(
    caller: Caller,
    blobId: string,
    options: SessionServices & {
      readonly known: Known;
      readonly pending: Pending;
      readonly queue?: FrameQueue;
      /** Called once. Without an error: the client left. */
      readonly onEnd: (error: StudioError | undefined) => void;
    },
  ) {
    this.userId = caller.userId;
    this.blobId = blobId;
    this.#caller = caller;
    this.#services = options;
    this.#queue = options.queue;
    this.#pending = options.pending;
    this.#onEnd = options.onEnd;
    this.#known = options.known;
    this.#opening = this.#open();
    this.#opening.catch((error: unknown) => this.#end(StudioError.from(error)));
  }

  /** Of its document, which all who edit it share. */
  get rate(): Rate | undefined {
    return this.#shared?.rate;
  }

  /** Rejects when the document can't be opened; the session has ended then. */
  async opened(): Promise<void> {
    await this.#opening;
  }

  /** Answers an opening again, for a client that wants to start over. */
  reopen(known: Known): void {
    this.#known = known;
    this.#isShown = false;
    // Not open yet: the answer that is on its way will use it.
    if (this.#live) this.#queue?.addOpened(this);
  }

  /** Resolves with a version that holds the update, once it is durable; rejects with why it was refused. */
  push(update: Uint8Array, reference: bigint): Promise<number> {
    this.#pending.add(update);
    const outcome = this.#commit(update);
    this.#answered = this.#answer(this.#answered, outcome, reference).finally(() => this.#pending.remove(update));
    return outcome;
  }

  /** Throws UPDATE_MALFORMED or CONTENT_TOO_LARGE. */
  async takeAwareness(update: Uint8Array): Promise<void> {
    await this.#opening;
    this.#shared?.takeAwareness(this, update);
  }

  /** The client leaves; what it pushed still commits and is answered. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    this.#isShown = false;
    await this.#opening.catch(() => undefined);
    await this.#answered;
    this.#end(undefined);
  }

  /** The client is gone. */
  drop(): void {
    this.#end(undefined);
  }

  onUpdate(update: Uint8Array, version: number): void {
    if (this.#isShown) this.#queue?.add(this, { kind: 'update', update, version });
  }

  onClose(error: Error): void {
    this.#end(StudioError.from(error));
  }

  /** Before it is opened the opening will say it. */
  onAccess(readOnly: boolean): void {
    if (this.#isShown) this.#queue?.add(this, { kind: 'access', readOnly });
  }

  /** Messages beside the document are for editors of Hocuspocus's protocol. */
  sendStateless(): void {}

  sendAwareness(update: Uint8Array): void {
    if (!this.#isShown) return;
    if (this.#live?.isCurrent) this.#queue?.add(this, { kind: 'awareness', update });
    else this.#putOff();
  }

  sendDeparted(update: Uint8Array): void {
    this.sendAwareness(update);
  }

  opening(): Frame | undefined {
    const [live, shared] = [this.#live, this.#shared];
    if (!live || !shared || this.#isLeaving) return undefined;
    const { stateVector, afterVersion } = this.#known;
    try {
      // In one go with the flag: an update between the two would reach the client twice or not at all.
      const update = live.updateSince(afterVersion) ?? shared.states.since(live, stateVector);
      this.#isShown = true;
      const { version, readOnly } = live;
      return { kind: 'opened', version, update, stateVector: shared.states.stateVector(live), readOnly };
    } catch (error) {
      this.#end(StudioError.from(error));
      return undefined;
    }
  }

  missed(): Frame | undefined {
    const [live, shared] = [this.#live, this.#shared];
    if (!live || !shared) return undefined;
    try {
      const update = live.updateSince(this.#sentVersion) ?? shared.states.since(live, this.#known.stateVector);
      return { kind: 'update', update, version: live.version };
    } catch (error) {
      this.#end(StudioError.from(error));
      return undefined;
    }
  }

  presence(): Frame | undefined {
    if (!this.#isShown) return undefined;
    if (this.#live?.isCurrent) return awarenessFrame(this.#shared?.awarenessWithDeparted());
    this.#putOff();
    return undefined;
  }

  /** G8: while it can't be told who may see the document, who comes to it and leaves it is left out, and told of then. */
  #putOff(): void {
    if (this.#isPutOff || this.#ended) return;
    this.#isPutOff = true;
    this.#services.editors.later(() => {
      this.#isPutOff = false;
      this.#queue?.addPresence(this);
    });
  }

  taken(frame: Frame): void {
    const isSeen = frame.kind === 'opened' || frame.kind === 'update' || (frame.kind === 'committed' && frame.seen);
    if (isSeen) this.#sentVersion = Math.max(this.#sentVersion, frame.version);
    // The awareness of those who were here before.
    const presence = frame.kind === 'opened' && this.#live?.isCurrent && awarenessFrame(this.#shared?.awareness());
    if (presence) this.#queue?.add(this, presence);
  }

  async #open(): Promise<LiveDocument> {
    const live = await this.#services.documents.open(this.#caller, this.blobId, this);
    if (this.#ended) {
      live.close();
      throw new StudioError('CANCELLED', 'The caller went away.');
    }
    try {
      this.#shared = this.#services.editors.documents.join(this.blobId, this);
    } catch (error) {
      live.close();
      throw error;
    }
    this.#live = live;
    this.#queue?.addOpened(this);
    return live;
  }

  async #commit(update: Uint8Array): Promise<number> {
    const live = await this.#opening;
    if (this.#ended) throw new StudioError('CANCELLED', 'The session has ended.');
    if (live.readOnly) throw new StudioError('ACCESS_DENIED', 'You may read this blob, not change it.');
    const { version } = await live.push(update);
    return version;
  }

  async #answer(before: Promise<void>, outcome: Promise<number>, reference: bigint): Promise<void> {
    const answer = await outcome.then(
      // Asked at once: what this process applies later may be held back. G6: nothing is sent after the client left.
      (version): Frame => ({
        kind: 'committed',
        reference,
        version,
        seen: !this.#isLeaving && (this.#live?.isCurrent ?? false),
      }),
      (error: unknown): Frame => ({ kind: 'rejected', reference, error: StudioError.from(error) }),
    );
    await before;
    if (!this.#ended) this.#queue?.add(this, answer);
  }

  #end(error: StudioError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#isShown = false;
    this.#queue?.forget(this);
    if (this.#shared) this.#services.editors.documents.leave(this.#shared, this);
    this.#shared = undefined;
    this.#live?.close();
    this.#live = undefined;
    this.#onEnd(error);
  }
}

function awarenessFrame(entries: readonly AwarenessEntry[] = []): Frame | undefined {
  return entries.length > 0 ? { kind: 'awareness', update: writeAwarenessUpdate(entries) } : undefined;
}
