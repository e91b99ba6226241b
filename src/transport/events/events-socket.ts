/** WebSocket `/api/v1/studio/events?token=&cursor=&type=&blob_id=`: the caller's events, one JSON message each. */
import { WebSocketServer } from 'ws';
import { Seats } from '../../domain/seats.ts';
import { StudioError } from '../../errors.ts';
import {
  EVENTS_SOCKET_MESSAGE_BYTES_MAX,
  EVENTS_SOCKETS_MAX,
  EVENTS_SOCKETS_PER_USER_MAX,
  PING_EVERY_MS,
} from '../../limits.ts';
import { toConnectError } from '../errors/error-mapping.ts';
import { eventJson, readEventTypes } from './event-json.ts';
import { errorBody, httpStatus } from '../errors/error-body.ts';
import { REST_PREFIX } from '../rest/rest-route.ts';
import { createStreamEnding, untilEnded } from '../rpc/stream-endings.ts';
import { refuseUpgrade } from '../port/upgrades.ts';
import { sendWhole } from './websocket-send.ts';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { WebSocket } from 'ws';
import type { Caller } from '../../domain/access/caller.ts';
import type { EventWatcher, WatchRequest } from '../../events/contract.ts';
import type { Authenticator } from '../auth/authentication.ts';
import type { UpgradeRoute } from '../port/upgrades.ts';

export const EVENTS_PATH = `${REST_PREFIX}/events`;

/** Close codes beyond 1001 (the studio stops) and 1011 (it failed): 4000 + the HTTP status of the error. */
const CLOSE_GOING_AWAY = 1001;
const CLOSE_FAILED = 1011;

export interface EventsSocketOptions {
  readonly authenticator: Authenticator;
  readonly events: EventWatcher;
  readonly logger: Logger;
  readonly draining: AbortSignal;
  /** EVENTS_SOCKETS_MAX if absent. */
  readonly socketsMax?: number;
  /** EVENTS_SOCKETS_PER_USER_MAX if absent. */
  readonly socketsPerUserMax?: number;
}

export function createEventsSocket(options: EventsSocketOptions): UpgradeRoute {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: EVENTS_SOCKET_MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
  });
  const seats = seatsOf(options);
  const ended = new Set<Promise<void>>();
  const take = (request: IncomingMessage, socket: Duplex, head: Buffer, { caller, watch }: Admitted): void => {
    // One that closed while its token was looked at would never leave its seat.
    if (socket.destroyed) return;
    // Counted where the socket is taken: many may have waited for their tokens to be looked at.
    let leave: () => void;
    try {
      leave = seats.take(caller.userId);
    } catch (error) {
      refuseUpgrade(socket, error);
      return;
    }
    socket.once('close', leave);
    server.handleUpgrade(request, socket, head, (webSocket) => {
      const session = serve(options, webSocket, caller, watch);
      ended.add(session);
      void session.finally(() => ended.delete(session));
    });
  };
  return {
    match: (path) => path === EVENTS_PATH,
    handle: (request, socket, head) => {
      admit(options, request).then(
        (admitted) => take(request, socket, head, admitted),
        (error: unknown) => refuseUpgrade(socket, error),
      );
    },
    drain: async () => {
      await Promise.allSettled(ended);
      server.close();
    },
  };
}

interface Admitted {
  readonly caller: Caller;
  readonly watch: WatchRequest;
}

async function admit({ authenticator }: EventsSocketOptions, request: IncomingMessage): Promise<Admitted> {
  const query = new URL(request.url ?? '', 'http://studio').searchParams;
  const token = query.get('token');
  const caller =
    token === null
      ? await authenticator.authenticate(request.headers.authorization)
      : await authenticator.authenticateToken(token);
  return {
    caller,
    watch: {
      cursor: query.get('cursor') ?? undefined,
      types: readEventTypes(query.getAll('type')),
      blobId: query.get('blob_id') ?? undefined,
    },
  };
}

function seatsOf(options: EventsSocketOptions): Seats {
  const { socketsMax = EVENTS_SOCKETS_MAX, socketsPerUserMax = EVENTS_SOCKETS_PER_USER_MAX } = options;
  return new Seats({
    all: { max: socketsMax, limit: 'EVENTS_SOCKETS_MAX', message: 'Too many WebSockets watch events.' },
    each: {
      max: socketsPerUserMax,
      limit: 'EVENTS_SOCKETS_PER_USER_MAX',
      message: 'You have as many WebSockets of events open here as you may.',
    },
  });
}

/** Resolves when the socket is closed. The next event is asked for only once the last one was taken. */
async function serve(
  options: EventsSocketOptions,
  socket: WebSocket,
  caller: Caller,
  watch: WatchRequest,
): Promise<void> {
  const gone = new AbortController();
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      gone.abort(new StudioError('CANCELLED', 'The caller went away.'));
      resolve();
    });
  });
  // A broken peer, or one that sends more than it may, is closed by ws itself; unheard, its error would end the process.
  socket.on('error', () => {});
  const stopPinging = pingOrTerminate(socket);
  const ending = createStreamEnding(gone.signal, options.draining);
  ending.expireWith(caller);
  try {
    for await (const event of untilEnded(options.events.watch(caller, watch, ending.signal), ending.signal)) {
      await sendWhole(socket, JSON.stringify(eventJson(event)));
    }
    socket.close(CLOSE_GOING_AWAY);
  } catch (error) {
    if (!gone.signal.aborted) closeWith(socket, error, options.logger);
  } finally {
    ending.release();
    await closed;
    stopPinging();
  }
}

function closeWith(socket: WebSocket, error: unknown, logger: Logger): void {
  const failure = toConnectError(error);
  const body = errorBody(failure);
  const status = httpStatus(failure);
  if (status === 500) logger.error({ err: error }, 'watching events failed');
  socket.send(JSON.stringify({ error: body }));
  socket.close(
    body.reason === 'DRAINING' ? CLOSE_GOING_AWAY : status === 500 ? CLOSE_FAILED : 4_000 + status,
    body.reason,
  );
}

function pingOrTerminate(socket: WebSocket): () => void {
  let answered = true;
  socket.on('pong', () => (answered = true));
  const timer = setInterval(() => {
    if (!answered) socket.terminate();
    answered = false;
    socket.ping();
  }, PING_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
