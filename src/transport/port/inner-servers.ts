import { Server as HttpServer } from 'node:http';
import { createServer } from '@httptoolkit/httpolyglot';
import {
  CONNECTION_WINDOW_BYTES,
  HEADER_BYTES_MAX,
  HEADERS_MS_MAX,
  HTTP2_SESSION_MEGABYTES_MAX,
  KEEP_ALIVE_IDLE_MS_MAX,
  REQUEST_RECEIVE_MS_MAX,
  STREAM_WINDOW_BYTES,
  STREAMS_PER_CONNECTION_MAX,
  TIMEOUTS_CHECKED_EVERY_MS,
} from '../../limits.ts';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import type { Server } from 'node:net';
import type { HttpRequest, HttpResponse } from '../http/http.ts';

export interface OnePort {
  readonly outer: Server;
  readonly http: HttpServer;
  readonly http2: Http2Server;
}

/** A server that looks at a connection's first bytes and hands it to HTTP/1.1 or to HTTP/2 without TLS. */
export function createOnePort(onRequest: (request: HttpRequest, response: HttpResponse) => void): OnePort {
  const outer = createServer(
    {
      http: {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: HEADERS_MS_MAX,
        requestTimeout: REQUEST_RECEIVE_MS_MAX,
        connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY_MS,
        keepAliveTimeout: KEEP_ALIVE_IDLE_MS_MAX,
      },
      http2: {
        maxSessionMemory: HTTP2_SESSION_MEGABYTES_MAX,
        settings: {
          maxConcurrentStreams: STREAMS_PER_CONNECTION_MAX,
          maxHeaderListSize: HEADER_BYTES_MAX,
          initialWindowSize: STREAM_WINDOW_BYTES,
        },
      },
    },
    onRequest,
  );
  // The library keeps its two servers to itself, and we need them: to close idle connections, to bound slow headers.
  const http = Reflect.get(outer, '_httpServer') as unknown;
  const http2 = Reflect.get(outer, '_http2Server') as Http2Server | undefined;
  if (!(http instanceof HttpServer) || !http2) throw new Error('@httptoolkit/httpolyglot has changed inside.');
  // node:http starts watching for slow headers when its server listens; this one never does, its connections are given.
  http.emit('listening');
  http2.on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(CONNECTION_WINDOW_BYTES));
  return { outer, http, http2 };
}
