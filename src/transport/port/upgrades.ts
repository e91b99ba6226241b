import { STATUS_CODES } from 'node:http';
import { StudioError } from '../../errors.ts';
import { HEADER_BYTES_MAX, UNREAD_REQUEST_MS_MAX } from '../../limits.ts';
import { toConnectError } from '../errors/error-mapping.ts';
import { errorBody, httpStatus } from '../errors/error-body.ts';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Reason } from '../../errors.ts';
import type { OriginRule } from './origins.ts';

/** A WebSocket door. Who may open one, tokens included, is for `handle` to decide; the Origin was already checked. */
export interface UpgradeRoute {
  match(path: string): boolean;
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends its sessions in good order when the studio stops; what is left after DOORS_DRAIN_MS_MAX is cut. */
  drain?(): Promise<void>;
}

export interface UpgradeOptions {
  readonly routes: readonly UpgradeRoute[];
  readonly originRule: OriginRule;
  readonly draining: AbortSignal;
}

export function dispatchUpgrades(server: Server, options: UpgradeOptions): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      serveWithoutUpgrade(server, request, socket, head);
      return;
    }
    socket.on('error', () => socket.destroy());
    const { origin, host } = request.headers;
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const route = options.routes.find((candidate) => candidate.match(path));
    if (options.draining.aborted) refuse(socket, 'DRAINING', 'The studio is stopping.');
    else if (!route) refuse(socket, 'NOT_IMPLEMENTED', 'There is no WebSocket at this path.', 404);
    else if (origin !== undefined && !options.originRule(origin, host)) {
      refuse(socket, 'ACCESS_DENIED', 'Pages of this origin may not open a WebSocket here.');
    } else route.handle(request, socket, head);
  });
}

/**
 * Answers a WebSocket handshake with the error as plain HTTP and JSON, like every other door. The port lets a peer close
 * its own side when it likes, so what is left of the connection is ended here: a socket that is refused costs no token.
 */
export function refuseUpgrade(socket: Duplex, error: unknown, statusWanted?: number): void {
  const failure = toConnectError(error);
  const status = statusWanted ?? httpStatus(failure);
  const body = `${JSON.stringify(errorBody(failure))}\n`;
  // What the peer still sends is taken until then: unread, it would make the system throw the answer away.
  const late = setTimeout(() => socket.destroy(), UNREAD_REQUEST_MS_MAX);
  socket.once('close', () => clearTimeout(late));
  socket.resume();
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\nConnection: close\r\n` +
      (status === 401 ? 'WWW-Authenticate: Bearer\r\n' : '') +
      `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function refuse(socket: Duplex, reason: Reason, message: string, status?: number): void {
  refuseUpgrade(socket, new StudioError(reason, message), status);
}

/**
 * Some clients (Java's, `curl --http2`) offer `Upgrade: h2c` with an ordinary request. A server may ignore the offer,
 * but Node has already taken the socket from its parser: hand it back with the offer left out.
 */
function serveWithoutUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = String(request.rawHeaders[i]);
    if (!/^(upgrade|http2-settings|connection)$/i.test(name)) lines.push(`${name}: ${request.rawHeaders[i + 1]}`);
  }
  const text = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (text.byteLength > HEADER_BYTES_MAX) {
    socket.destroy();
    return;
  }
  if (head.byteLength > 0) socket.unshift(head);
  socket.unshift(text);
  server.emit('connection', socket);
}
