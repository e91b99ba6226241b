/**
 * What one editor is sent of one document: its state once, when it asks, and then every update. A reader that does not
 * keep up is left out (G7), and brought up to the state of then once it reads again.
 */
import { vectorBefore } from '../../domain/update-clocks.ts';
import { StudioError } from '../../errors.ts';
import { writeAwarenessUpdate } from './awareness-update.ts';
import { awarenessMessage } from './messages.ts';
import type { LiveDocument } from '../../documents/contract.ts';
import type { EditorSocket } from './editor-socket.ts';
import type { Turn } from './large-sends.ts';
import type { Drained } from './outlet.ts';
import type { SharedDocument } from './shared-document.ts';

export interface FeedOptions {
  readonly socket: EditorSocket;
  readonly live: LiveDocument;
  readonly shared: SharedDocument;
  readonly address: Uint8Array;
  readonly onFailed: (error: unknown) => void;
}

export class DocumentFeed implements Drained {
  readonly #options: FeedOptions;
  /** Updates are sent as they come. Before, the answer to step 1 will hold them. */
  #isCurrent = false;
  /** What the editor has, when it is to be sent what it lacks; absent: it has not asked. */
  #has: Uint8Array | undefined;
  /** Updates up to this version that come yet are missing, too: #has is from when the document held them already. */
  #lacksUpTo = 0;
  #awaitsTurn = false;
  /** A step 1 was answered in this tick. */
  #hasAnswered = false;
  /** Clients whose presence it was not told of. */
  #missedPresence: Set<number> | undefined;
  /** It asked who is here, and has not been told yet. */
  #asksPresence = false;
  #isOver = false;
  #isPutOff = false;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** G8: false while the engine can't tell who may see the document. Nothing of it, nor of who is in it, is shown then. */
  get mayShow(): boolean {
    return this.#options.live.isCurrent;
  }

  stop(): void {
    this.#isOver = true;
    this.#isCurrent = false;
    this.#has = undefined;
  }

  /** `version`: of the document with the update. It may be further by now, where updates were held back. */
  sendUpdate(update: Uint8Array, version: number): void {
    const { socket, shared, live, address } = this.#options;
    if (!this.#isCurrent) {
      if (this.#has && version <= this.#lacksUpTo) this.#has = vectorBefore(this.#has, update);
      return;
    }
    if (!socket.outlet.isFull) {
      socket.outlet.send(shared.updates.of(address, update));
      return;
    }
    this.#isCurrent = false;
    this.#has = shared.states.vectorBefore(live, update);
    this.#lacksUpTo = live.version;
    socket.outlet.whenDrained(this);
  }

  /** G7: the first of a tick is answered at once, and all that come after it in that tick with one more answer. */
  sendState(stateVector: Uint8Array): void {
    if (this.#isOver) return;
    this.#isCurrent = false;
    this.#has = stateVector;
    this.#lacksUpTo = 0;
    if (this.#hasAnswered) {
      this.#options.socket.outlet.whenDrained(this);
      return;
    }
    this.#hasAnswered = true;
    setImmediate(() => (this.#hasAnswered = false));
    this.#sendLacking();
  }

  sendAwareness(update: Uint8Array, clientIds: readonly number[]): void {
    const { socket, shared, address } = this.#options;
    if (!socket.outlet.isBusy && this.mayShow) {
      socket.outlet.send(shared.presence.of(address, update));
      return;
    }
    this.#missedPresence ??= new Set();
    for (const clientId of clientIds) this.#missedPresence.add(clientId);
    if (this.mayShow) socket.outlet.whenDrained(this);
    else this.#putOff();
  }

  /**
   * G7: one answer to all that is asked until the outlet has drained, at the end of this tick at the earliest. A chunk
   * from the socket holds thousands of such questions, which are all handled before the socket can be left unread.
   */
  askPresence(): void {
    if (this.#asksPresence || this.#isOver) return;
    this.#asksPresence = true;
    this.#options.socket.outlet.whenDrained(this);
  }

  onDrained(): void {
    if (this.#isOver) return;
    if (!this.mayShow) {
      this.#putOff();
      return;
    }
    this.#sendPresence();
    this.#sendLacking();
  }

  /** Who is here, to one who asked or was not told of all. */
  #sendPresence(): void {
    const { socket, shared, address } = this.#options;
    const missed = this.#missedPresence;
    if (!this.#asksPresence && !missed) return;
    // Others that share the socket and waited with it were first, and what they sent has filled it again.
    if (socket.outlet.isBusy) {
      socket.outlet.whenDrained(this);
      return;
    }
    const clientIds = new Set(missed);
    if (this.#asksPresence) for (const { clientId } of shared.awareness()) clientIds.add(clientId);
    const entries = shared.awarenessOf(clientIds);
    this.#asksPresence = false;
    this.#missedPresence = undefined;
    if (entries.length > 0) socket.outlet.send(awarenessMessage(address, writeAwarenessUpdate(entries)));
  }

  #sendLacking(turn?: Turn): void {
    const { socket, onFailed } = this.#options;
    const has = this.#has;
    if (!has || this.#awaitsTurn || !socket.isOpen) {
      turn?.end();
      return;
    }
    if (socket.outlet.isFull) {
      turn?.end();
      socket.outlet.whenDrained(this);
      return;
    }
    try {
      this.#send(has, turn);
    } catch (error) {
      turn?.end();
      // It can't be read out now; the editor keeps waiting for it, and has missed nothing.
      if (error instanceof StudioError && error.reason === 'STORAGE_UNAVAILABLE') this.#putOff();
      else onFailed(error);
    }
  }

  #putOff(): void {
    if (this.#isPutOff) return;
    this.#isPutOff = true;
    this.#options.socket.hub.later(() => {
      this.#isPutOff = false;
      this.onDrained();
    });
  }

  #send(has: Uint8Array, turn: Turn | undefined): void {
    const { socket, live, shared, address } = this.#options;
    if (!this.mayShow) {
      turn?.end();
      this.#putOff();
      return;
    }
    const message = shared.answers.of(address, shared.states.since(live, has));
    if (message.isLarge && !turn) {
      this.#awaitsTurn = true;
      socket.hub.largeSends.enter(message.byteLength, (given) => {
        this.#awaitsTurn = false;
        this.#sendLacking(given);
      });
      return;
    }
    turn?.hold(message.body);
    // In one go with the flag: an update between the two would reach the editor twice or not at all.
    socket.outlet.send(message, () => turn?.end());
    this.#has = undefined;
    this.#isCurrent = true;
  }
}
