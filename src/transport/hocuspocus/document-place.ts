/** One document on a socket of Hocuspocus's protocol, from its first token to its end. */
import { StudioError } from '../../errors.ts';
import { STATELESS_BYTES_MAX, SYNC_MESSAGE_BYTES_MAX, SYNC_UNSAVED_NOTICE_MS } from '../../limits.ts';
import { closeReason, isTransient } from '../sync/close-codes.ts';
import { DocumentSession } from '../sync/document-session.ts';
import { messageTooLarge } from '../sync/editor-web-socket.ts';
import { grantedMessage, type SavedNotice } from '../sync/messages.ts';
import {
  closeMessage,
  deniedMessage,
  queryAwarenessMessage,
  statelessMessage,
  syncStatusMessage,
  tokenRequestMessage,
} from './messages.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { MessageCache, type Message } from '../sync/frames.ts';
import type { Anxious } from '../sync/editor-hub.ts';
import type { UserUse } from '../sync/user-gate.ts';
import type { Address, DocumentMessage } from './messages.ts';

/** Of one payload, its message is made once for all documents of one address. */
const STATELESS_MESSAGES = new MessageCache(statelessMessage);

export interface PlaceOptions {
  readonly caller: Caller;
  readonly address: Address;
  /** Shared by all documents of a socket. */
  readonly user: UserUse;
  /** The client understands stateless messages of the studio's own (SavedNotice). */
  readonly wantsVersions: boolean;
  /** The document is no longer on the socket. */
  readonly onEnded: (place: DocumentPlace) => void;
}

export class DocumentPlace extends DocumentSession implements Anxious {
  readonly key: string;
  readonly user: UserUse;
  readonly #onEnded: (place: DocumentPlace) => void;
  readonly #saved: Message;
  #unsavedSinceMs = 0;

  constructor(options: PlaceOptions) {
    super(options.caller, options.address.bytes, options.wantsVersions);
    this.key = options.address.key;
    this.user = options.user;
    this.#onEnded = options.onEnded;
    this.#saved = syncStatusMessage(this.address, true);
  }

  /** Throws a StudioError. */
  handle(message: DocumentMessage, bytes: number): void {
    this.charge(bytes);
    this.socket.charge(this.user.rate, bytes);
    if (bytes - this.address.byteLength > SYNC_MESSAGE_BYTES_MAX) {
      this.end(messageTooLarge());
      return;
    }
    switch (message.kind) {
      case 'step1':
        // The stock provider counts its unsaved changes anew when it sends one.
        this.answerFirstStep1(Uint8Array.prototype.slice.call(message.stateVector));
        return;
      case 'update':
        this.takeSync(message);
        return;
      case 'awareness':
        this.#takeAwareness(message.update);
        return;
      case 'query_awareness':
        this.sendKnownAwareness();
        return;
      case 'token':
        this.#takeToken(message.token);
        return;
      case 'stateless':
        this.#takeStateless(message.payload);
        return;
      case 'close':
        this.leave();
        return;
      case 'auth':
      case 'other':
        return;
    }
  }

  /** Tells the client what it may do. */
  grant(): void {
    this.socket.outlet.send(grantedMessage(this.address, this.readOnly));
    this.welcome();
  }

  leave(): void {
    this.socket.hub.anxious.delete(this);
    this.close();
    this.#onEnded(this);
  }

  /**
   * The stock provider comes back only when its socket does, and then with all its documents: so what time may mend ends
   * the socket, and what it can't this document alone. Of one it has left nothing is said: it may be back in the same
   * document, and would take that for itself.
   */
  end(error: unknown): void {
    if (!this.isOpen) return;
    const failure = this.socket.hub.explain(error);
    if (isTransient(failure)) {
      this.socket.end(failure);
      return;
    }
    const { outlet } = this.socket;
    const reason = closeReason(failure);
    if (failure.code === 'unauthenticated' || failure.code === 'permission_denied')
      outlet.send(deniedMessage(this.address, reason));
    outlet.send(closeMessage(this.address, reason));
    this.leave();
  }

  onTokenAging(): void {
    this.socket.outlet.send(tokenRequestMessage(this.address));
  }

  /**
   * Lossy for one who does not keep up, as presence is. G1: one who is told what is saved believes it to be the studio's
   * word, which comes the same way: what anybody else says in its form is kept from it.
   */
  sendStateless(payload: Uint8Array, isLikeNotice: boolean): void {
    if (isLikeNotice && this.wantsVersions) return;
    const { outlet } = this.socket;
    if (this.mayShow && !outlet.isFull) outlet.send(STATELESS_MESSAGES.of(this.address, payload));
  }

  /**
   * The stock provider raises its clock, and tells nobody until it is asked or something moves. Where the first waits for
   * its reader it is not asked: it would answer with the clock from before.
   */
  override sendDeparted(update: Uint8Array, clientIds: readonly number[]): void {
    const { outlet } = this.socket;
    const isSentNow = this.mayShow && !outlet.isBusy;
    super.sendDeparted(update, clientIds);
    if (isSentNow) outlet.send(queryAwarenessMessage(this.address));
  }

  checkUnsaved(nowMs: number): void {
    if (this.pendingPushes === 0) this.socket.hub.anxious.delete(this);
    else if (this.#unsavedSinceMs > 0 && nowMs - this.#unsavedSinceMs >= SYNC_UNSAVED_NOTICE_MS) {
      this.#unsavedSinceMs = 0;
      this.#notify({ unsaved: { pending: this.pendingPushes } });
    }
  }

  protected override pushed(): void {
    if (!this.wantsVersions || this.pendingPushes > 1) return;
    this.#unsavedSinceMs = performance.now();
    this.socket.hub.anxious.add(this);
  }

  /** G1: a SyncStatus is true only here, once for each update that is in the log. */
  protected acknowledge(updates: number): void {
    const { outlet } = this.socket;
    for (let left = updates; left > 0; left -= 1) outlet.send(this.#saved);
  }

  protected saved(version: number): void {
    if (this.wantsVersions) this.#notify({ saved: { version } });
  }

  protected refuse(updates: number): void {
    for (let left = updates; left > 0; left -= 1) this.socket.outlet.send(syncStatusMessage(this.address, false));
  }

  protected accessChanged(readOnly: boolean): void {
    this.socket.outlet.send(grantedMessage(this.address, readOnly));
  }

  #notify(notice: SavedNotice): void {
    this.socket.outlet.send(statelessMessage(this.address, Buffer.from(JSON.stringify(notice))));
  }

  /** Empty: the client has none of its own, and so none that is newer than the URL's. */
  #takeToken(token: string): void {
    if (token === '') return;
    this.adoptToken(token).catch((error: unknown) => {
      const failure = this.socket.hub.explain(error);
      // The token of before is still honoured; it is asked for another when that ends.
      if (!isTransient(failure)) this.end(failure);
    });
  }

  /** With its socket the provider would come back, and bring the same again. */
  #takeAwareness(update: Uint8Array): void {
    try {
      this.takeAwareness(update);
    } catch (error) {
      this.end(error);
    }
  }

  /** What it costs is what all the others are sent, so that is what its user is charged. */
  #takeStateless(text: string): void {
    const payload = Buffer.from(text);
    if (payload.byteLength <= STATELESS_BYTES_MAX) {
      this.socket.charge(this.user.rate, payload.byteLength * this.relayStateless(payload));
      return;
    }
    const limit = 'STATELESS_BYTES_MAX';
    const bound = `A stateless message has at most ${STATELESS_BYTES_MAX} bytes.`;
    this.end(new StudioError('CONTENT_TOO_LARGE', bound, { limit }));
  }
}
