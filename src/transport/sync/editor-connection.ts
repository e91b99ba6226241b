/**
 * One editor's connection to one blob. It is sent the committed state once, as the answer to its sync step 1, and from
 * then on every update after it is durable, never before (G1). Its own updates go to the engine in the order they came.
 */
import {
  SYNC_MISSING_ASKS_MAX,
  SYNC_PENDING_BYTES_MAX,
  SYNC_PENDING_UPDATES_MAX,
  SYNC_SEND_BUFFER_BYTES_MAX,
} from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { CLOSE_SLOW_READER, closeCode, closeReason } from './close-codes.ts';
import {
  awarenessMessage,
  KEEP_ALIVE,
  permissionDeniedMessage,
  readMessage,
  step1Message,
  step2Message,
  type EditorMessage,
} from './messages.ts';
import type { Logger } from 'pino';
import type { RawData, WebSocket } from 'ws';
import type { Caller } from '../../domain/caller.ts';
import type { LiveDocument, LiveSession } from '../../documents/contract.ts';
import type { AwarenessRooms } from './awareness-rooms.ts';
import type { AwarenessMember } from './awareness-room.ts';
import type { UpdateFrames } from './update-frames.ts';

export interface EditorConnectionOptions {
  readonly awareness: AwarenessRooms;
  readonly frames: UpdateFrames;
  readonly logger: Logger;
}

export class EditorConnection implements LiveSession, AwarenessMember {
  readonly userId: string;
  readonly #options: EditorConnectionOptions;
  #socket: WebSocket | undefined;
  #live: LiveDocument | undefined;
  /** Why the engine ended the session before there was a socket to close. */
  #endedEarly: Error | undefined;
  /** Updates reach the engine only from here on are sent: before, the answer to step 1 will hold them. */
  #sentState = false;
  #pendingUpdates = 0;
  #pendingBytes = 0;
  /** Settles when everything handed in so far has. */
  #settled: Promise<unknown> | undefined;
  #missingAsks = 0;
  /** Set while the editor has been asked for what was missing and has not answered yet. */
  #missing: { readonly error: StudioError; beats: number } | undefined;
  #answeredPing = true;
  #draining = false;

  constructor(caller: Caller, options: EditorConnectionOptions) {
    this.userId = caller.userId;
    this.#options = options;
  }

  start(socket: WebSocket, live: LiveDocument): void {
    this.#socket = socket;
    this.#live = live;
    if (this.#endedEarly) {
      live.close();
      this.end(this.#endedEarly);
      return;
    }
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('pong', () => (this.#answeredPing = true));
    socket.once('close', () => this.#onSocketClosed(live));
    this.#options.awareness.join(live.blobId, this);
    this.#send(step1Message(live.stateVector()));
    this.#sendKnownAwareness();
  }

  onUpdate(update: Uint8Array): void {
    if (this.#sentState) this.#send(this.#options.frames.of(update));
  }

  /** Let in to write, it is asked for what it made while it could not: until then it shows what nobody else has. */
  onAccess(readOnly: boolean): void {
    const live = this.#live;
    if (!live) return;
    if (readOnly) this.#send(permissionDeniedMessage(closeReason(readOnlyError(live.blobId))));
    else this.#send(step1Message(live.stateVector()));
  }

  onClose(error: Error): void {
    if (this.#socket) this.end(error);
    else this.#endedEarly = error;
  }

  sendAwareness(update: Uint8Array): void {
    // Its client renews it.
    if (this.#live?.isCurrent) this.#send(this.#options.frames.ofAwareness(update));
  }

  /** Called in a fixed rhythm: the stock provider needs a message, and a peer that vanished is found by asking. */
  ping(): void {
    const socket = this.#socket;
    // While its socket is not read its pong can't be either.
    if (!socket || socket.isPaused) return;
    if (!this.#answeredPing) {
      socket.terminate();
      return;
    }
    // One that does not say what it was asked for would go on typing into nothing.
    if (this.#missing && ++this.#missing.beats > 1) {
      this.end(this.#missing.error);
      return;
    }
    this.#answeredPing = false;
    socket.ping();
    this.#send(KEEP_ALIVE);
  }

  end(error: Error): void {
    const socket = this.#socket;
    if (!socket || socket.readyState !== socket.OPEN) return;
    const failure = StudioError.from(error);
    if (failure.reason === 'INTERNAL')
      this.#options.logger.error({ err: error, blobId: this.#live?.blobId }, 'an editor failed');
    if (['unauthenticated', 'permission_denied'].includes(failure.code))
      socket.send(permissionDeniedMessage(closeReason(failure)));
    socket.close(closeCode(failure), closeReason(failure));
    // Unread, the peer's answer to the close frame would never come.
    socket.resume();
  }

  /** Ends once what the editor already handed in is durable, or refused. */
  async drain(error: StudioError): Promise<void> {
    this.#draining = true;
    this.#socket?.pause();
    await this.#settled;
    this.end(error);
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (this.#socket?.readyState !== this.#socket?.OPEN) return;
    try {
      if (!isBinary || !Buffer.isBuffer(data)) throw new StudioError('UPDATE_MALFORMED', 'Messages must be binary.');
      this.#handle(readMessage(data));
    } catch (error) {
      this.end(StudioError.from(error));
    }
  }

  #handle(message: EditorMessage): void {
    const live = this.#live;
    if (!live) return;
    switch (message.kind) {
      case 'step1':
        this.#answerStep1(live, Uint8Array.prototype.slice.call(message.stateVector));
        return;
      case 'update':
        this.#push(live, message.update, message.answer);
        return;
      case 'awareness':
        this.#options.awareness.takeFrom(live.blobId, this, message.update);
        return;
      case 'query_awareness':
        this.#sendKnownAwareness();
        return;
      case 'auth':
        return;
    }
  }

  /** After what came before it is durable: an editor that asks again learns by the answer that its updates are kept. */
  #answerStep1(live: LiveDocument, stateVector: Uint8Array): void {
    if (this.#pendingUpdates > 0) void this.#settled?.then(() => this.#sendState(live, stateVector));
    else this.#sendState(live, stateVector);
  }

  #sendState(live: LiveDocument, stateVector: Uint8Array): void {
    if (this.#socket?.readyState !== this.#socket?.OPEN || this.#isSlow()) return;
    try {
      // In one go with the flag: an update between the two would reach the editor twice or not at all.
      this.#send(step2Message(live.stateAsUpdate(stateVector)));
      this.#sentState = true;
    } catch (error) {
      this.end(StudioError.from(error));
    }
  }

  #push(live: LiveDocument, view: Uint8Array, isAnswer: boolean): void {
    if (isEmptyUpdate(view) || (isAnswer && live.readOnly)) {
      if (isAnswer) this.#missing = undefined;
      return;
    }
    if (live.readOnly) {
      this.#onRefused(live, readOnlyError(live.blobId));
      return;
    }
    // A copy: the view would keep the whole chunk that came from the socket.
    const update = Uint8Array.prototype.slice.call(view);
    this.#pendingUpdates += 1;
    this.#pendingBytes += update.byteLength;
    this.#applyBackpressure();
    const pushed = this.#commit(live, update, isAnswer);
    this.#settled = this.#pendingUpdates > 1 ? Promise.all([this.#settled, pushed]) : pushed;
  }

  async #commit(live: LiveDocument, update: Uint8Array, isAnswer: boolean): Promise<void> {
    let refusal: StudioError | undefined;
    try {
      await live.push(update);
      this.#missingAsks = 0;
    } catch (error) {
      refusal = StudioError.from(error);
    }
    this.#pendingUpdates -= 1;
    this.#pendingBytes -= update.byteLength;
    if (isAnswer) this.#missing = undefined;
    if (refusal) this.#onRefused(live, refusal);
    this.#applyBackpressure();
  }

  /**
   * G6: what the update depends on may be with this editor (it was made offline, say): it is asked for all the studio
   * lacks. Updates behind it fail for the same reason meanwhile, and the one answer covers them too.
   */
  #onRefused(live: LiveDocument, error: StudioError): void {
    // The document stays right for all, this editor's own view of it apart, which it is told.
    if (error.reason === 'ACCESS_DENIED') {
      this.#send(permissionDeniedMessage(closeReason(error)));
      return;
    }
    const missing = error.reason === 'UPDATE_DEPENDS_ON_MISSING' || error.reason === 'UPDATE_DELETES_UNKNOWN';
    if (missing && this.#missing) return;
    if (!missing || this.#missingAsks >= SYNC_MISSING_ASKS_MAX) {
      this.end(error);
      return;
    }
    this.#missing = { error, beats: 0 };
    this.#missingAsks += 1;
    this.#send(step1Message(live.stateVector()));
  }

  #applyBackpressure(): void {
    const socket = this.#socket;
    if (!socket || this.#draining || socket.readyState !== socket.OPEN) return;
    const full = this.#pendingUpdates >= SYNC_PENDING_UPDATES_MAX || this.#pendingBytes >= SYNC_PENDING_BYTES_MAX;
    if (full && !socket.isPaused) socket.pause();
    else if (!full && socket.isPaused) socket.resume();
  }

  #sendKnownAwareness(): void {
    const known = this.#live?.isCurrent && this.#options.awareness.snapshot(this.#live.blobId);
    if (known) this.#send(awarenessMessage(known));
  }

  #send(message: Uint8Array): void {
    const socket = this.#socket;
    if (!socket || socket.readyState !== socket.OPEN || this.#isSlow()) return;
    socket.send(message);
  }

  /** G7: what waits for a reader that does not read is bounded; it comes back and gets only what it then lacks. */
  #isSlow(): boolean {
    const socket = this.#socket;
    if (!socket || socket.bufferedAmount <= SYNC_SEND_BUFFER_BYTES_MAX) return false;
    if (socket.readyState === socket.OPEN)
      socket.close(CLOSE_SLOW_READER, 'LIMIT_EXCEEDED: the reader does not keep up');
    return true;
  }

  #onSocketClosed(live: LiveDocument): void {
    this.#options.awareness.leave(live.blobId, this);
    live.close();
  }
}

function readOnlyError(blobId: string): StudioError {
  return new StudioError('ACCESS_DENIED', 'You may read this blob, not change it.', { blob_id: blobId });
}

/** No structs, no deletions: an editor that has nothing to add answers with it. */
function isEmptyUpdate(update: Uint8Array): boolean {
  return update.byteLength === 2 && update[0] === 0 && update[1] === 0;
}
