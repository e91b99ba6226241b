/** A socket of Hocuspocus's protocol: many documents, each opened by a token of its own. */
import { StudioError } from '../../errors.ts';
import {
  SYNC_OPEN_RETRIES_MAX,
  SYNC_OPEN_RETRY_MS,
  SYNC_UNOPENED_BYTES_MAX,
  SYNC_UNOPENED_MESSAGES_MAX,
} from '../../limits.ts';
import { CLOSE_NO_TOKEN, closeReason, isTransient } from '../sync/close-codes.ts';
import { EditorSocket } from '../sync/editor-socket.ts';
import { awarenessMessage } from '../sync/messages.ts';
import { openOrCreate } from '../sync/opening.ts';
import { DocumentPlace } from './document-place.ts';
import {
  deniedMessage,
  isPing,
  isPong,
  PING_MESSAGE,
  PONG_MESSAGE,
  readAddress,
  readDocumentMessage,
} from './messages.ts';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Caller } from '../../domain/access/caller.ts';
import type { LiveDocument } from '../../documents/contract.ts';
import type { EditorHub } from '../sync/editor-hub.ts';
import type { UserUse } from '../sync/user-gate.ts';
import type { NamelessSockets } from './nameless-sockets.ts';
import type { Address, DocumentMessage } from './messages.ts';

export interface SocketSettings {
  /** Of the URL or the Authorization header, for documents whose own token is empty. */
  readonly token: string | undefined;
  readonly createType: string | undefined;
  readonly wantsVersions: boolean;
}

/** A document whose token has come, until it is open: what else comes for it waits. */
class Opening {
  readonly messages: Buffer[] = [];
  isOver = false;
}

export class HocuspocusSocket extends EditorSocket {
  readonly #settings: SocketSettings;
  readonly #places = new Map<string, DocumentPlace>();
  readonly #openings = new Map<string, Opening>();
  /** The document of the last message; the next is most often for the same. */
  #latest: DocumentPlace | undefined;
  #users: Map<UserUse, number> | undefined;
  /** Of openings, those that were given up and are not over yet included. */
  #underWay = 0;
  #waitingMessages = 0;
  #waitingBytes = 0;
  readonly #openedAtMs = performance.now();
  #wasAuthenticated = false;
  /** As much has come as may before it is known of whom. */
  #isNamelessFull = false;
  readonly #named: () => void;
  /** Only clients that say their version know the socket's own pings. */
  #knowsPing = false;

  constructor(
    hub: EditorHub,
    { webSocket, raw }: { webSocket: WebSocket; raw: Duplex },
    settings: SocketSettings,
    nameless: NamelessSockets,
  ) {
    super(hub, webSocket, raw);
    this.#settings = settings;
    this.#named = nameless.add(this, raw, () => {
      this.#isNamelessFull = true;
      this.#checkName();
    });
  }

  get isBeingNamed(): boolean {
    return this.#openings.size > 0;
  }

  protected handle(data: Buffer): void {
    const latest = this.#latest;
    if (latest && startsWith(data, latest.address)) {
      latest.handle(readDocumentMessage(data, latest.address.byteLength), data.byteLength);
      return;
    }
    if (data.byteLength === 1) {
      if (isPing(data)) this.outlet.send(PONG_MESSAGE);
      if (isPing(data) || isPong(data)) return;
    }
    const address = readAddress(data);
    const message = readDocumentMessage(data, address.bytes.byteLength);
    const place = this.#places.get(address.key);
    const opening = this.#openings.get(address.key);
    if (place) {
      this.#latest = place;
      place.handle(message, data.byteLength);
    } else if (opening) this.#wait(opening, data, message, address);
    else if (message.kind === 'token') this.#begin(address, message);
    // Anything else before a token says nothing that the synchronization after it will not say again.
  }

  protected closed(): void {
    this.#named();
    for (const opening of this.#openings.values()) opening.isOver = true;
    for (const place of this.#places.values()) place.leave();
  }

  protected checkAnswers(nowMs: number): void {
    if (!this.#wasAuthenticated && nowMs - this.#openedAtMs > this.hub.limits.authenticationMs) {
      this.close(CLOSE_NO_TOKEN, 'TOKEN_MISSING: no token came');
      return;
    }
    for (const place of this.#places.values()) place.beat();
  }

  protected keepAlive(): void {
    if (this.#knowsPing) {
      this.outlet.send(PING_MESSAGE);
      return;
    }
    // Older providers take a socket without messages for dead; presence without clients changes nothing.
    for (const { address } of this.#places.values()) {
      this.outlet.send(awarenessMessage(address, Uint8Array.of(0)));
      return;
    }
  }

  protected async settled(): Promise<void> {
    await Promise.all([...this.#places.values()].map((place) => place.settled()));
  }

  #begin(address: Address, { token, version }: { token: string; version: string | undefined }): void {
    if (version !== undefined) this.#knowsPing = true;
    const { documentsPerSocket } = this.hub.limits;
    // A client may leave a document that is being opened, and name it again, any number of times in one tick.
    const isTooFast = this.#underWay >= 2 * documentsPerSocket;
    if (isTooFast || this.#places.size + this.#openings.size >= documentsPerSocket) {
      const limit = 'SYNC_DOCUMENTS_PER_SOCKET_MAX';
      this.#deny(address, new StudioError('LIMIT_EXCEEDED', 'This socket has as many documents as it may.', { limit }));
      return;
    }
    const opening = new Opening();
    this.#openings.set(address.key, opening);
    this.#underWay += 1;
    this.#open(address, token, opening)
      .finally(() => {
        this.#underWay -= 1;
        this.#checkName();
      })
      .catch((error: unknown) => {
        const failure = this.hub.explain(error);
        // The client gave it up, and may have begun anew: a denial would be taken for the answer to that.
        if (opening.isOver) return;
        this.#endOpening(address, opening);
        // The stock provider tries again only with a new socket; what time can't mend is this document's alone.
        if (isTransient(failure) && failure.reason !== 'LIMIT_EXCEEDED') this.end(failure);
        else this.#deny(address, failure);
      });
  }

  async #open(address: Address, token: string, opening: Opening): Promise<void> {
    const { authenticator } = this.hub;
    const caller = await authenticator.authenticateToken(token || this.#settings.token);
    this.#wasAuthenticated = true;
    this.#named();
    this.#isNamelessFull = false;
    this.#holdBack();
    if (opening.isOver) return;
    const user = this.#enter(caller);
    const { wantsVersions } = this.#settings;
    const onEnded = (ended: DocumentPlace): void => this.#forget(ended);
    const place = new DocumentPlace({ caller, address, user, wantsVersions, onEnded });
    try {
      const live = await this.#openPatiently(caller, address, place, opening);
      if (opening.isOver || !this.isOpen) {
        live.close();
        throw new StudioError('CANCELLED', 'The client went away.');
      }
      place.start(this, live, caller);
    } catch (error) {
      this.#leaveUser(user);
      if (opening.isOver) return;
      throw error;
    }
    this.#places.set(address.key, place);
    place.grant();
    this.#replay(address, opening, place);
  }

  /** For what will soon be otherwise the client need not connect again; denied, the stock one would not come back. */
  async #openPatiently(
    caller: Caller,
    { documentName }: Address,
    place: DocumentPlace,
    opening: Opening,
  ): Promise<LiveDocument> {
    for (let retries = 0; ; retries += 1) {
      try {
        return await openOrCreate(this.hub, caller, documentName, place, this.#settings.createType);
      } catch (error) {
        if (!isWorthWaiting(error) || retries >= SYNC_OPEN_RETRIES_MAX || opening.isOver) throw error;
        await new Promise((resolve) => setTimeout(resolve, SYNC_OPEN_RETRY_MS));
      }
    }
  }

  #wait(opening: Opening, data: Buffer, message: DocumentMessage, address: Address): void {
    if (message.kind === 'close') {
      this.#endOpening(address, opening);
      return;
    }
    // A copy: the view would keep the whole chunk that came from the socket.
    opening.messages.push(Buffer.from(data));
    this.#waitingMessages += 1;
    this.#waitingBytes += data.byteLength;
    this.#holdBack();
  }

  #replay(address: Address, opening: Opening, place: DocumentPlace): void {
    const { messages } = opening;
    this.#endOpening(address, opening);
    try {
      for (const data of messages) {
        if (this.#places.get(place.key) !== place) return;
        place.handle(readDocumentMessage(data, address.bytes.byteLength), data.byteLength);
      }
    } catch (error) {
      this.end(error);
    }
  }

  #endOpening(address: Address, opening: Opening): void {
    opening.isOver = true;
    if (this.#openings.get(address.key) === opening) this.#openings.delete(address.key);
    this.#waitingMessages -= opening.messages.length;
    for (const { byteLength } of opening.messages) this.#waitingBytes -= byteLength;
    this.#holdBack();
  }

  #holdBack(): void {
    const isFull = this.#waitingMessages >= SYNC_UNOPENED_MESSAGES_MAX || this.#waitingBytes >= SYNC_UNOPENED_BYTES_MAX;
    this.holdBack(isFull || this.#isNamelessFull);
  }

  /** G7: no more is read while a token is looked at, and nothing where none has come. */
  #checkName(): void {
    if (!this.#isNamelessFull) return;
    if (this.#underWay > 0) this.#holdBack();
    else this.close(CLOSE_NO_TOKEN, 'TOKEN_MISSING: no token came');
  }

  #deny(address: Address, failure: StudioError): void {
    this.outlet.send(deniedMessage(address.bytes, closeReason(failure)));
  }

  #forget(place: DocumentPlace): void {
    if (this.#latest === place) this.#latest = undefined;
    if (this.#places.get(place.key) !== place) return;
    this.#places.delete(place.key);
    this.#leaveUser(place.user);
  }

  /** A user counts once on a socket, however many documents they have on it. Throws LIMIT_EXCEEDED. */
  #enter(caller: Caller): UserUse {
    this.#users ??= new Map();
    for (const [use, documents] of this.#users) {
      if (use.userId !== caller.userId) continue;
      this.#users.set(use, documents + 1);
      return use;
    }
    const use = this.hub.users.enter(caller.userId);
    this.#users.set(use, 1);
    return use;
  }

  #leaveUser(use: UserUse): void {
    const documents = (this.#users?.get(use) ?? 1) - 1;
    if (documents > 0) this.#users?.set(use, documents);
    else if (this.#users?.delete(use)) this.hub.users.leave(use);
  }
}

/** A part does not answer, or other documents take all the room there is. */
function isWorthWaiting(error: unknown): boolean {
  if (!(error instanceof StudioError) || error.reason === 'DRAINING') return false;
  return error.code === 'unavailable' || ROOM_LIMITS.has(error.metadata.limit ?? '');
}

const ROOM_LIMITS = new Set(['ROOMS_LOADED_MAX', 'STUDIO_DOCUMENTS_MEMORY_MB']);

function startsWith(data: Uint8Array, prefix: Uint8Array): boolean {
  if (data.byteLength <= prefix.byteLength) return false;
  for (let at = 0; at < prefix.byteLength; at += 1) if (data[at] !== prefix[at]) return false;
  return true;
}
