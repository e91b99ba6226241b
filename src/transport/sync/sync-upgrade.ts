/** WebSocket `/sync/<blob_id>?token=`: y-websocket's protocol. Close codes are in close-codes.ts. */
import { WebSocketServer } from 'ws';
import { SYNC_CONNECTIONS_MAX, SYNC_MESSAGE_BYTES_MAX, SYNC_PING_EVERY_MS, SYNC_PING_SLICES } from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { blobNotFound } from '../../domain/access.ts';
import { requireId } from '../../domain/ids.ts';
import { onExpiry } from '../expiry.ts';
import { refuseUpgrade } from '../upgrades.ts';
import { AwarenessRooms, type AwarenessChannel } from './awareness-rooms.ts';
import { closeCode, closeReason } from './close-codes.ts';
import { EditorConnection } from './editor-connection.ts';
import { permissionDeniedMessage } from './messages.ts';
import { UpdateFrames } from './update-frames.ts';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { Caller } from '../../domain/caller.ts';
import type { Documents, LiveDocument } from '../../documents/contract.ts';
import type { Authenticator } from '../authentication.ts';
import type { UpgradeRoute } from '../upgrades.ts';

const PATH = /^\/sync\/([^/]+)$/;

export interface SyncUpgradeOptions {
  readonly documents: Pick<Documents, 'open'>;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  /** Absent: editors of other processes are not seen. */
  readonly awareness?: AwarenessChannel;
}

/** The Origin has been checked by then (upgrades.ts). */
export function createSyncUpgrade(options: SyncUpgradeOptions): UpgradeRoute & { drain(): Promise<void> } {
  return new SyncUpgrade(options);
}

class SyncUpgrade implements UpgradeRoute {
  readonly #options: SyncUpgradeOptions;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: SYNC_MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
  });
  readonly #awareness: AwarenessRooms;
  readonly #frames = new UpdateFrames();
  /** Pinged one after the other, so that many connections are not all written to at once. */
  readonly #slices = Array.from({ length: SYNC_PING_SLICES }, () => new Set<EditorConnection>());
  #size = 0;
  #served = 0;
  #beats = 0;
  /** Handshakes that wait for their document count too. */
  #opening = 0;
  readonly #rhythm: NodeJS.Timeout;

  constructor(options: SyncUpgradeOptions) {
    this.#options = options;
    this.#awareness = new AwarenessRooms(options.awareness);
    this.#rhythm = setInterval(() => this.#beat(), SYNC_PING_EVERY_MS / SYNC_PING_SLICES);
    this.#rhythm.unref();
  }

  match(path: string): boolean {
    return PATH.test(path);
  }

  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#size + this.#opening >= SYNC_CONNECTIONS_MAX) {
      const limit = 'SYNC_CONNECTIONS_MAX';
      refuseUpgrade(
        socket,
        new StudioError('LIMIT_EXCEEDED', 'This studio has as many editors as it takes.', { limit }),
      );
      return;
    }
    this.#opening += 1;
    void this.#admit(request, socket, head).finally(() => (this.#opening -= 1));
  }

  async drain(): Promise<void> {
    clearInterval(this.#rhythm);
    const error = new StudioError('DRAINING', 'The studio is stopping.');
    const connections = this.#slices.flatMap((slice) => [...slice]);
    await Promise.all(connections.map((connection) => connection.drain(error)));
    this.#server.close();
  }

  /**
   * The handshake ends only when the document is loaded, so nothing the editor sends can come too early. A refusal is
   * told over the open WebSocket: from a failed handshake the stock provider learns no reason and tries for ever.
   */
  async #admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    let caller: Caller;
    let connection: EditorConnection;
    let live: LiveDocument;
    try {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://studio');
      caller = await this.#authenticate(request, searchParams.get('token'));
      const blobId = readBlobId(pathname);
      connection = new EditorConnection(caller, {
        awareness: this.#awareness,
        frames: this.#frames,
        logger: this.#options.logger,
      });
      live = await this.#options.documents.open(caller, blobId, connection);
    } catch (error) {
      this.#refuse(request, socket, head, error);
      return;
    }
    let upgraded = false;
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      upgraded = true;
      this.#serve(webSocket, caller, connection, live);
    });
    // ws calls back at once, or not at all: the peer went away meanwhile, or it sent no proper handshake.
    if (!upgraded) live.close();
  }

  #authenticate(request: IncomingMessage, token: string | null): Promise<Caller> {
    const { authenticator } = this.#options;
    if (token === null) return authenticator.authenticate(request.headers.authorization);
    return authenticator.authenticateToken(token);
  }

  #serve(webSocket: WebSocket, caller: Caller, connection: EditorConnection, live: LiveDocument): void {
    const slice = this.#slice(this.#served++);
    slice.add(connection);
    this.#size += 1;
    // A broken peer, or one that sends more than it may, is closed by ws itself; unheard, its error would end the process.
    webSocket.on('error', () => {});
    const stopWaiting = onExpiry(caller, () =>
      connection.end(new StudioError('TOKEN_EXPIRED', 'The token has expired.')),
    );
    webSocket.once('close', () => {
      stopWaiting();
      slice.delete(connection);
      this.#size -= 1;
    });
    connection.start(webSocket, live);
  }

  #refuse(request: IncomingMessage, socket: Duplex, head: Buffer, error: unknown): void {
    const failure = StudioError.from(error);
    if (failure.reason === 'INTERNAL') this.#options.logger.error({ err: error }, 'an editor could not be let in');
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('error', () => {});
      if (failure.code === 'unauthenticated' || failure.code === 'permission_denied') {
        webSocket.send(permissionDeniedMessage(closeReason(failure)));
      }
      webSocket.close(closeCode(failure), closeReason(failure));
    });
  }

  #slice(turn: number): Set<EditorConnection> {
    const slice = this.#slices[turn % SYNC_PING_SLICES];
    if (!slice) throw new Error('there is a slice for every turn');
    return slice;
  }

  #beat(): void {
    for (const connection of this.#slice(this.#beats++)) connection.ping();
    this.#awareness.expireRemote();
  }
}

function readBlobId(pathname: string): string {
  const id = PATH.exec(pathname)?.[1] ?? '';
  try {
    requireId(id, 'blob_id');
  } catch {
    throw blobNotFound(id.slice(0, 64));
  }
  return id;
}
