import { within } from '../../domain/within.ts';
import { CONNECTIONS_MAX, DOORS_DRAIN_MS_MAX, UNREAD_REQUEST_MS_MAX } from '../../limits.ts';
import { Connections } from './connections.ts';
import { nothingHere, sendError } from '../errors/error-body.ts';
import { pathOf } from '../http/http.ts';
import { createOnePort } from './inner-servers.ts';
import { answerCors, createOriginRule } from './origins.ts';
import { dispatchUpgrades } from './upgrades.ts';
import { redactToken } from '../auth/tokens.ts';
import type { Http2ServerRequest } from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { Logger } from 'pino';
import type { HttpHandler, HttpRequest, HttpResponse } from '../http/http.ts';
import type { UpgradeRoute } from './upgrades.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Asked in order; the first that takes the request answers it. */
  readonly handlers: readonly HttpHandler[];
  readonly upgrades: readonly UpgradeRoute[];
  readonly allowedOrigins: readonly string[];
  /** Aborted when the studio starts to stop, before `drain` is called. */
  readonly draining: AbortSignal;
  readonly logger: Logger;
}

export interface Listener {
  readonly port: number;
  /** No new connections; calls under way finish within DOORS_DRAIN_MS_MAX; then every socket is closed. */
  drain(): Promise<void>;
}

/** One port for HTTP/1.1, HTTP/2 without TLS, and WebSockets. Rejects when the port can't be had. */
export async function startListener(options: ListenerOptions): Promise<Listener> {
  const connections = new Connections();
  const originRule = createOriginRule(options.allowedOrigins);
  const underWay = new Set<HttpResponse>();
  let idle: (() => void) | undefined;

  const onRequest = (request: HttpRequest, response: HttpResponse): void => {
    underWay.add(response);
    response.once('close', () => {
      underWay.delete(response);
      if (underWay.size === 0) idle?.();
    });
    // A peer that resets while it sends or reads is not a failure of ours; unheard, its error would end the process.
    request.on('error', () => {});
    response.on('error', () => {});
    if ('stream' in request) request.stream.once('finish', () => closeUnread(request));
    if (options.draining.aborted && request.httpVersionMajor === 1) response.setHeader('Connection', 'close');
    try {
      answer(request, response);
    } catch (error) {
      options.logger.error({ err: error, path: redactToken(pathOf(request)) }, 'a request could not be handled');
      sendError(response, error);
    }
  };
  const answer = (request: HttpRequest, response: HttpResponse): void => {
    if (answerCors(request, response, originRule)) return;
    if (options.handlers.some((handler) => handler(request, response))) return;
    sendError(response, nothingHere(), 404);
  };

  const { outer, http, http2 } = createOnePort(onRequest);
  outer.maxConnections = CONNECTIONS_MAX;
  http.on('connection', (socket: Socket) => connections.identified(socket));
  http2.on('connection', (socket: Socket) => connections.identified(socket));
  http2.on('session', (session) => connections.addSession(session));
  dispatchUpgrades(http, { routes: options.upgrades, originRule, draining: options.draining });
  const port = await listen(outer, options, (socket) => connections.accept(socket));

  return {
    port,
    drain: async () => {
      const closed = new Promise<void>((resolve) => outer.close(() => resolve()));
      connections.closeSessions();
      http.closeIdleConnections();
      const calls = new Promise<void>((resolve) => (underWay.size === 0 ? resolve() : (idle = resolve)));
      const sockets = options.upgrades.map(async (route) => route.drain?.());
      await within(Promise.allSettled([calls, ...sockets]), DOORS_DRAIN_MS_MAX, undefined);
      connections.destroyAll();
      http.close();
      http2.close();
      await closed;
    },
  };
}

async function listen(
  server: Server,
  { host, port }: ListenerOptions,
  accept: (socket: Socket) => void,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  // prependListener: the library's own reads the first bytes, and may hand the socket on, within the same event.
  server.prependListener('connection', accept);
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}

/** A stream whose request was answered before it was whole stays half open until one side says it is over. */
function closeUnread(request: Http2ServerRequest): void {
  if (request.complete) return;
  const { stream } = request;
  const late = setTimeout(() => stream.destroy(), UNREAD_REQUEST_MS_MAX);
  stream.once('close', () => clearTimeout(late));
}
