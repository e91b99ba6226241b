/** One editor of y-websocket's protocol: a socket that is for one document. */
import { SYNC_UNSAVED_NOTICE_MS } from '../../limits.ts';
import { closeReason, isTransient } from './close-codes.ts';
import { DocumentSession } from './document-session.ts';
import { EditorSocket } from './editor-socket.ts';
import {
  awarenessMessage,
  grantedMessage,
  NO_ADDRESS,
  permissionDeniedMessage,
  readMessage,
  savedMessage,
} from './messages.ts';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Caller } from '../../domain/access/caller.ts';
import type { LiveDocument } from '../../documents/contract.ts';
import type { Anxious, EditorHub } from './editor-hub.ts';
import type { UserUse } from './user-gate.ts';

/** An awareness update without clients: changes nothing, and shows that the connection lives. */
const KEEP_ALIVE = awarenessMessage(NO_ADDRESS, Uint8Array.of(0));

const READ_ONLY = 'ACCESS_DENIED: You may read this blob, not change it.';

export class EditorSession extends DocumentSession implements Anxious {
  #unsavedSinceMs = 0;

  /** `wantsVersions`: the client understands messages of type SAVED. */
  constructor(caller: Caller, wantsVersions: boolean) {
    super(caller, NO_ADDRESS, wantsVersions);
  }

  begin(): void {
    this.ask(0);
    this.welcome();
  }

  end(error: unknown): void {
    if (!this.isOpen) return;
    const failure = this.socket.hub.explain(error);
    const isDenied = failure.code === 'unauthenticated' || failure.code === 'permission_denied';
    if (isDenied && !isTransient(failure))
      this.socket.outlet.send(permissionDeniedMessage(NO_ADDRESS, closeReason(failure)));
    this.socket.end(failure);
  }

  /** y-websocket has no way to ask for a token: its client sends one by itself, or comes back with one. */
  onTokenAging(): void {}

  sendStateless(): void {}

  takeToken(token: string): void {
    this.adoptToken(token).then(
      () => this.socket.outlet.send(grantedMessage(NO_ADDRESS, this.readOnly)),
      (error: unknown) => {
        const failure = this.socket.hub.explain(error);
        this.socket.outlet.send(permissionDeniedMessage(NO_ADDRESS, closeReason(failure)));
      },
    );
  }

  checkUnsaved(nowMs: number): void {
    if (this.pendingPushes === 0) this.socket.hub.anxious.delete(this);
    else if (this.#unsavedSinceMs > 0 && nowMs - this.#unsavedSinceMs >= SYNC_UNSAVED_NOTICE_MS) {
      this.#unsavedSinceMs = 0;
      this.socket.outlet.send(savedMessage({ unsaved: { pending: this.pendingPushes } }));
    }
  }

  protected override pushed(): void {
    if (!this.wantsVersions || this.pendingPushes > 1) return;
    this.#unsavedSinceMs = performance.now();
    this.socket.hub.anxious.add(this);
  }

  protected acknowledge(): void {}

  protected saved(version: number): void {
    if (this.wantsVersions) this.socket.outlet.send(savedMessage({ saved: { version } }));
  }

  /** The socket stays open for reading. */
  protected refuse(): void {
    this.socket.outlet.send(permissionDeniedMessage(NO_ADDRESS, READ_ONLY));
  }

  protected accessChanged(readOnly: boolean): void {
    this.socket.outlet.send(grantedMessage(NO_ADDRESS, readOnly));
    // The one of the two that the stock provider passes on.
    if (readOnly) this.refuse();
  }
}

export class EditorConnection extends EditorSocket {
  readonly #session: EditorSession;
  readonly #user: UserUse;

  /** `user` is left when the socket is closed. */
  constructor(hub: EditorHub, sockets: { webSocket: WebSocket; raw: Duplex }, session: EditorSession, user: UserUse) {
    super(hub, sockets.webSocket, sockets.raw);
    this.#session = session;
    this.#user = user;
  }

  start(live: LiveDocument, caller: Caller): void {
    this.listen();
    try {
      this.#session.start(this, live, caller);
      this.#session.begin();
    } catch (error) {
      this.end(error);
    }
  }

  protected handle(data: Buffer): void {
    const session = this.#session;
    session.charge(data.byteLength);
    this.charge(this.#user.rate, data.byteLength);
    const message = readMessage(data);
    switch (message.kind) {
      case 'step1':
      case 'update':
        session.takeSync(message);
        return;
      case 'awareness':
        session.takeAwareness(message.update);
        return;
      case 'query_awareness':
        session.sendKnownAwareness();
        return;
      case 'token':
        session.takeToken(message.token);
        return;
      case 'auth':
        return;
    }
  }

  protected keepAlive(): void {
    this.outlet.send(KEEP_ALIVE);
  }

  protected checkAnswers(): void {
    this.#session.beat();
  }

  protected settled(): Promise<void> {
    return this.#session.settled();
  }

  protected closed(): void {
    this.hub.users.leave(this.#user);
    this.hub.anxious.delete(this.#session);
    this.#session.close();
  }
}
