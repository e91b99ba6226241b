/**
 * WebSocket `/hocuspocus?token=&create=&versions=1`: Hocuspocus's protocol, many documents on one socket, each with a
 * token of its own or, where that is empty, the URL's. `create` and `versions` are as in sync/sync-upgrade.ts; what
 * became of an edit is told in stateless messages.
 */
import { WebSocketServer } from 'ws';
import { REQUEST_BYTES_MAX } from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { refuseUpgrade } from '../port/upgrades.ts';
import { EditorWebSocket } from '../sync/editor-web-socket.ts';
import { HocuspocusSocket } from './hocuspocus-socket.ts';
import { NamelessSockets } from './nameless-sockets.ts';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { UpgradeRoute } from '../port/upgrades.ts';
import type { EditorHub } from '../sync/editor-hub.ts';

const PATH = /^\/hocuspocus\/?$/;

/** The Origin has been checked by then (upgrades.ts). */
export class HocuspocusUpgrade implements UpgradeRoute {
  readonly #hub: EditorHub;
  readonly #nameless: NamelessSockets;
  readonly #server = new WebSocketServer({
    WebSocket: EditorWebSocket,
    noServer: true,
    clientTracking: false,
    // What is longer than a message may be ends its document alone, and only what is longer than this the socket.
    maxPayload: REQUEST_BYTES_MAX,
    perMessageDeflate: false,
  });

  constructor(hub: EditorHub) {
    this.#hub = hub;
    this.#nameless = new NamelessSockets(hub.limits.namelessSockets);
  }

  match(path: string): boolean {
    return PATH.test(path);
  }

  handle(request: IncomingMessage, raw: Duplex, head: Buffer): void {
    if (this.#hub.isFull) {
      const limit = 'SYNC_CONNECTIONS_MAX';
      refuseUpgrade(raw, new StudioError('LIMIT_EXCEEDED', 'This studio has as many editors as it takes.', { limit }));
      return;
    }
    const { searchParams } = new URL(request.url ?? '', 'http://studio');
    const bearer = /^\s*bearer\s+(\S+)\s*$/i.exec(request.headers.authorization ?? '')?.[1];
    const settings = {
      token: searchParams.get('token') ?? bearer,
      createType: searchParams.get('create') ?? undefined,
      wantsVersions: searchParams.get('versions') === '1',
    };
    this.#server.handleUpgrade(request, raw, head, (webSocket) => {
      new HocuspocusSocket(this.#hub, { webSocket, raw }, settings, this.#nameless).listen();
    });
  }

  async drain(): Promise<void> {
    await this.#hub.drain();
    this.#server.close();
  }
}
