/**
 * WebSocket `/sync/<blob_id>?token=&create=&versions=1`: y-websocket's protocol. Close codes are in close-codes.ts.
 * `create`: the content type of the blob that is made if there is none; `versions`: the client wants to know what
 * became of its edits (messages.ts, SAVED).
 */
import { WebSocketServer } from 'ws';
import { SYNC_MESSAGE_BYTES_MAX } from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { refuseUpgrade } from '../port/upgrades.ts';
import { closeCode, closeReason } from './close-codes.ts';
import { EditorConnection, EditorSession } from './editor-connection.ts';
import { EditorWebSocket } from './editor-web-socket.ts';
import { NO_ADDRESS, permissionDeniedMessage } from './messages.ts';
import { openOrCreate } from './opening.ts';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Caller } from '../../domain/access/caller.ts';
import type { LiveDocument } from '../../documents/contract.ts';
import type { UpgradeRoute } from '../port/upgrades.ts';
import type { EditorHub } from './editor-hub.ts';
import type { UserUse } from './user-gate.ts';

/** Whatever is named: a name that can't be an id is refused as an unknown one is, so that its client stops trying. */
const PATH = /^\/sync\/(.*)$/;

/** The Origin has been checked by then (upgrades.ts). */
export class SyncUpgrade implements UpgradeRoute {
  readonly #hub: EditorHub;
  readonly #server = new WebSocketServer({
    WebSocket: EditorWebSocket,
    noServer: true,
    clientTracking: false,
    maxPayload: SYNC_MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
  });

  constructor(hub: EditorHub) {
    this.#hub = hub;
  }

  match(path: string): boolean {
    return PATH.test(path);
  }

  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#hub.isFull) {
      const limit = 'SYNC_CONNECTIONS_MAX';
      refuseUpgrade(
        socket,
        new StudioError('LIMIT_EXCEEDED', 'This studio has as many editors as it takes.', { limit }),
      );
      return;
    }
    this.#hub.opening += 1;
    void this.#admit(request, socket, head).finally(() => (this.#hub.opening -= 1));
  }

  async drain(): Promise<void> {
    await this.#hub.drain();
    this.#server.close();
  }

  /**
   * The handshake ends only when the document is loaded, so nothing the editor sends can come too early. A refusal is
   * told over the open WebSocket: from a failed handshake the stock provider learns no reason and tries for ever.
   */
  async #admit(request: IncomingMessage, raw: Duplex, head: Buffer): Promise<void> {
    const hub = this.#hub;
    let caller: Caller;
    let session: EditorSession;
    let live: LiveDocument;
    let user: UserUse | undefined;
    try {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://studio');
      caller = await this.#authenticate(request, searchParams.get('token'));
      user = hub.users.enter(caller.userId);
      session = new EditorSession(caller, searchParams.get('versions') === '1');
      const createType = searchParams.get('create') ?? undefined;
      live = await openOrCreate(hub, caller, PATH.exec(pathname)?.[1] ?? '', session, createType);
    } catch (error) {
      if (user) hub.users.leave(user);
      this.#refuse(request, raw, head, error);
      return;
    }
    const admitted = user;
    let upgraded = false;
    this.#server.handleUpgrade(request, raw, head, (webSocket) => {
      upgraded = true;
      new EditorConnection(hub, { webSocket, raw }, session, admitted).start(live, caller);
    });
    // ws calls back at once, or not at all: the peer went away meanwhile, or it sent no proper handshake.
    if (upgraded) return;
    live.close();
    hub.users.leave(admitted);
  }

  #authenticate(request: IncomingMessage, token: string | null): Promise<Caller> {
    const { authenticator } = this.#hub;
    if (token === null) return authenticator.authenticate(request.headers.authorization);
    return authenticator.authenticateToken(token);
  }

  #refuse(request: IncomingMessage, socket: Duplex, head: Buffer, error: unknown): void {
    const failure = this.#hub.explain(error);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => {});
      if (failure.code === 'unauthenticated' || failure.code === 'permission_denied') {
        webSocket.send(permissionDeniedMessage(NO_ADDRESS, closeReason(failure)).toBytes());
      }
      webSocket.close(closeCode(failure), closeReason(failure));
    });
  }
}
