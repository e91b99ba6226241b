/** The WebSocket of events, fed from a source of the test's own: what it sends, refuses, waits for and ends with. */
import { once } from 'node:events';
import pino from 'pino';
import { WebSocket } from 'ws';
import * as assert from 'uvu/assert';
import { StudioError } from '../../src/errors.ts';
import { EVENTS_SOCKET_BUFFER_BYTES_MAX, EVENTS_SOCKET_MESSAGE_BYTES_MAX } from '../../src/limits.ts';
import { createAuthenticator } from '../../src/transport/auth/authentication.ts';
import { createEventsSocket, EVENTS_PATH } from '../../src/transport/events/events-socket.ts';
import { startListener } from '../../src/transport/port/listener.ts';
import { signToken } from '../../src/transport/auth/tokens.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import type { Caller } from '../../src/domain/access/caller.ts';
import type { EventWatcher, WatchedEvent, WatchRequest } from '../../src/events/contract.ts';
import type { Authenticator } from '../../src/transport/auth/authentication.ts';
import type { Listener } from '../../src/transport/port/listener.ts';

const SECRET = 'the secret of the events socket tests, long enough';
const SOCKETS_MAX = 3;
const SOCKETS_PER_USER_MAX = 2;
const test = suite('transport: the WebSocket of events');

interface Watched {
  readonly caller: Caller;
  readonly request: WatchRequest;
  readonly signal: AbortSignal;
}

/** Yields `count` events, then fails or waits. */
class Source implements EventWatcher {
  readonly watched: Watched[] = [];
  yielded = 0;
  count = 2;
  padding = '';
  failure: Error | undefined;

  async *watch(caller: Caller, request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchedEvent> {
    this.watched.push({ caller, request, signal });
    for (let version = 1; version <= this.count && !signal.aborted; version += 1) {
      this.yielded += 1;
      yield { ...EVENT, version, id: `d-${version}.blob.updated`, cursor: `c${version}`, causedBy: this.padding };
    }
    if (this.failure) throw this.failure;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve());
    });
  }
}

const EVENT: Omit<WatchedEvent, 'id' | 'cursor' | 'version'> = {
  type: 'blob.updated',
  blobId: 'b',
  deltaId: 'd',
  operation: 'update',
  owner: 'ada',
  userId: 'ada',
  contentType: 'text/plain',
  rootId: 'b',
  time: new Date('2026-01-02T03:04:05.678Z'),
};

/** Tokens that were shown, and what their answers wait for. */
let asked = 0;
let answered = Promise.resolve();
let source: Source;
let draining: AbortController;
let listener: Listener;
test.before.each(async () => {
  source = new Source();
  draining = new AbortController();
  const logger = pino({ level: 'silent' });
  const { authenticate, authenticateToken } = createAuthenticator({ jwtSecret: SECRET });
  const authenticator: Authenticator = {
    authenticate,
    authenticateToken: async (given) => {
      asked += 1;
      await answered;
      return authenticateToken(given);
    },
  };
  listener = await startListener({
    host: '127.0.0.1',
    port: 0,
    handlers: [],
    upgrades: [
      createEventsSocket({
        authenticator,
        events: source,
        logger,
        draining: draining.signal,
        socketsMax: SOCKETS_MAX,
        socketsPerUserMax: SOCKETS_PER_USER_MAX,
      }),
    ],
    allowedOrigins: [],
    draining: draining.signal,
    logger,
  });
});
test.after.each(() => {
  draining.abort();
  return listener.drain();
});

interface Outcome {
  readonly status?: number;
  readonly refusal?: { code: string; reason: string; metadata?: Record<string, string> };
  readonly messages: Record<string, unknown>[];
  readonly close?: number;
}

/** Reads until the socket closes; after `leaveAfter` messages it leaves by itself. */
async function watch(query: Record<string, string>, leaveAfter = Infinity): Promise<Outcome> {
  const socket = new WebSocket(
    `ws://127.0.0.1:${listener.port}${EVENTS_PATH}?${new URLSearchParams(query).toString()}`,
  );
  const messages: Record<string, unknown>[] = [];
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.on('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => {
        resolve({ status: response.statusCode, refusal: JSON.parse(body) as Outcome['refusal'], messages });
        socket.terminate();
      });
    });
    socket.on('message', (data: Buffer) => {
      messages.push(JSON.parse(data.toString()) as Record<string, unknown>);
      if (messages.length === leaveAfter) socket.close();
    });
    socket.on('close', (close) => resolve({ messages, close }));
  });
}

function reasonIn(message: Record<string, unknown> | undefined): string | undefined {
  return (message?.['error'] as { reason?: string } | undefined)?.reason;
}

const token = (ttlSeconds = 600, userId = 'ada'): Promise<string> => signToken(SECRET, { userId, ttlSeconds });

test('events come as JSON, in order, for who the token names and what the query asks', async () => {
  const query = { token: await token(), cursor: 'c0', blob_id: 'b', type: 'blob.updated' };
  const { messages } = await watch(query, 2);
  assert.equal(messages[0], {
    id: 'd-1.blob.updated',
    type: 'blob.updated',
    blobId: 'b',
    deltaId: 'd',
    version: 1,
    operation: 'update',
    userId: 'ada',
    contentType: 'text/plain',
    rootId: 'b',
    causedBy: '',
    time: '2026-01-02T03:04:05.678Z',
    cursor: 'c1',
  });
  assert.is(messages[1]?.['version'], 2);
  const [watched] = source.watched;
  assert.is(watched?.caller.userId, 'ada');
  assert.equal(watched?.request, { cursor: 'c0', types: ['blob.updated'], blobId: 'b' });
  if (!watched?.signal.aborted) await once(watched?.signal as EventTarget, 'abort');
});

test('without a good token the handshake is refused, and nothing is watched (G8)', async () => {
  const refused = async (query: Record<string, string>): Promise<unknown[]> => {
    const { status, refusal } = await watch(query);
    return [status, refusal?.code, refusal?.reason];
  };
  assert.equal(await refused({}), [401, 'unauthenticated', 'TOKEN_MISSING']);
  assert.equal(await refused({ token: 'wrong' }), [401, 'unauthenticated', 'TOKEN_INVALID']);
  assert.equal(await refused({ token: await token(-60) }), [401, 'unauthenticated', 'TOKEN_EXPIRED']);
  assert.equal(await refused({ token: await token(), type: 'blob.eaten' }), [400, 'invalid_argument', 'FIELD_INVALID']);
  assert.is(source.watched.length, 0);
});

test('a source that fails says why, then closes with the status', async () => {
  source.failure = new StudioError('CURSOR_INVALID', 'No such cursor.', { field: 'cursor' });
  const { messages, close } = await watch({ token: await token() });
  const error = {
    code: 'invalid_argument',
    reason: 'CURSOR_INVALID',
    message: 'No such cursor.',
    metadata: { field: 'cursor' },
  };
  assert.equal(messages.at(-1), { error });
  assert.is(close, 4400);
  source.failure = new Error('an inner secret');
  const unforeseen = await watch({ token: await token() });
  assert.is(unforeseen.close, 1011);
  assert.not.match(JSON.stringify(unforeseen.messages), /secret/);
});

test('a socket ends with its token (G8)', async () => {
  const { messages, close } = await watch({ token: await token(-3) });
  assert.equal([messages.length, close], [3, 4401]);
  assert.is(reasonIn(messages[2]), 'TOKEN_EXPIRED');
});

test('draining ends sockets with 1001 and refuses new ones', async () => {
  const open = watch({ token: await token() });
  while (source.yielded < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  draining.abort();
  const { messages, close } = await open;
  assert.is(close, 1001);
  assert.is(reasonIn(messages.at(-1)), 'DRAINING');
  const late = await watch({ token: await token() });
  assert.equal([late.status, late.refusal?.reason], [503, 'DRAINING']);
});

test('a reader who does not read is waited for, not queued for (G7)', async () => {
  source.count = 100_000;
  source.padding = 'x'.repeat(16 * 1024);
  const socket = new WebSocket(`ws://127.0.0.1:${listener.port}${EVENTS_PATH}?token=${await token()}`);
  await once(socket, 'open');
  socket.pause();
  let before = -1;
  while (before !== source.yielded) {
    before = source.yielded;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  // What the two kernels buffer comes on top of our own bound; all of it would be 1.6 GB.
  const bytes = source.yielded * source.padding.length;
  assert.ok(bytes < EVENTS_SOCKET_BUFFER_BYTES_MAX + 24 * 1024 * 1024, `${bytes} bytes`);
  const paused = source.yielded;
  socket.resume();
  while (source.yielded < paused + 1_000) await new Promise((resolve) => setTimeout(resolve, 10));
  socket.terminate();
});

interface Crowd {
  readonly open: WebSocket[];
  readonly refused: Outcome['refusal'][];
  readonly statuses: unknown[];
  /** Settles once the socket is open or refused. */
  readonly connect: (userId: string) => Promise<void>;
}

function crowd(): Crowd {
  const open: WebSocket[] = [];
  const refused: Outcome['refusal'][] = [];
  const statuses: unknown[] = [];
  const connect = async (userId: string): Promise<void> => {
    const query = new URLSearchParams({ token: await token(600, userId) }).toString();
    await new Promise<void>((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${listener.port}${EVENTS_PATH}?${query}`);
      socket.once('error', reject);
      socket.once('open', () => resolve(void open.push(socket)));
      socket.once('unexpected-response', (_request, response) => {
        let body = '';
        statuses.push(response.statusCode);
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve(void refused.push(JSON.parse(body) as Outcome['refusal'])));
      });
    });
  };
  return { open, refused, statuses, connect };
}

test('one socket too many is refused, also of those that come at once; one that closes makes room (G7)', async () => {
  const { open, refused, statuses, connect } = crowd();
  let answer = (): void => {};
  answered = new Promise((resolve) => (answer = resolve));
  asked = 0;
  const coming = Array.from({ length: 2 * SOCKETS_MAX }, (_, i) => connect(`user ${i % SOCKETS_MAX}`));
  await eventually('all have shown their tokens', () => asked === coming.length);
  answer();
  await Promise.all(coming);
  assert.is(open.length, SOCKETS_MAX);
  assert.equal(statuses, Array(SOCKETS_MAX).fill(429));
  for (const refusal of refused) {
    assert.equal([refusal?.code, refusal?.reason], ['resource_exhausted', 'LIMIT_EXCEEDED']);
    assert.equal(refusal?.metadata, { limit: 'EVENTS_SOCKETS_MAX' });
  }
  open[0]?.close();
  await eventually('there is room', async () => {
    await connect('ada');
    return open.length > SOCKETS_MAX;
  });
  for (const socket of open) socket.terminate();
});

test('a user with as many sockets as one may have leaves room for another (G7)', async () => {
  const { open, refused, connect } = crowd();
  for (let i = 0; i < SOCKETS_PER_USER_MAX + 1; i += 1) await connect('eve');
  assert.equal(
    refused.map((refusal) => [refusal?.reason, refusal?.metadata]),
    [['LIMIT_EXCEEDED', { limit: 'EVENTS_SOCKETS_PER_USER_MAX' }]],
  );
  await connect('ada');
  assert.is(open.length, SOCKETS_PER_USER_MAX + 1);
  for (const socket of open) socket.terminate();
});

test('a caller has nothing to say: a long message closes the socket (G7)', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${listener.port}${EVENTS_PATH}?token=${await token()}`);
  await once(socket, 'open');
  socket.send('x'.repeat(EVENTS_SOCKET_MESSAGE_BYTES_MAX + 1));
  const [code] = (await once(socket, 'close')) as [number];
  assert.is(code, 1009);
});

test.run();
