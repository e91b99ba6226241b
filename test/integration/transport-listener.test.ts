import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { createConnectTransport } from '@connectrpc/connect-node';
import pino from 'pino';
import { WebSocket } from 'ws';
import * as assert from 'uvu/assert';
import { HEADER_BYTES_MAX } from '../../src/limits.ts';
import { startListener } from '../../src/transport/port/listener.ts';
import { eventually } from '../harness/eventually.ts';
import { skip, suite } from '../harness/suite.ts';
import { echoMethod, note, openDoors } from './transport-doors.ts';
import { echoSocket, raw } from './transport-sockets.ts';
import type { DescMethodUnary } from '@bufbuild/protobuf';
import type { Doors, DoorOptions } from './transport-doors.ts';

const test = suite('transport: the one port');
const open: Doors[] = [];
const doorsWith = async (options?: DoorOptions): Promise<Doors> => {
  const doors = await openDoors(options);
  open.push(doors);
  return doors;
};
test.after.each(async () => {
  await Promise.all(open.splice(0).map((doors) => doors.drain()));
});

test('healthz says the process lives, readyz names what fails, metrics count calls', async () => {
  let broken = false;
  const checks = [
    { name: 'mongodb', check: async () => {} },
    {
      name: 'nats',
      check: async () => {
        if (broken) throw new Error('no server at 127.0.0.1:4222');
      },
    },
  ];
  const { port, token } = await doorsWith({ checks });
  const base = `http://127.0.0.1:${port}`;
  assert.equal(await (await fetch(`${base}/healthz`)).json(), { status: 'alive' });
  assert.equal(await (await fetch(`${base}/readyz`)).json(), { status: 'ready', failing: [] });
  broken = true;
  const answer = await fetch(`${base}/readyz`);
  assert.is(answer.status, 503);
  assert.equal(await answer.json(), {
    status: 'not_ready',
    failing: [{ name: 'nats', message: 'no server at 127.0.0.1:4222' }],
  });

  const transport = createConnectTransport({ baseUrl: base, httpVersion: '1.1' });
  const headers = { authorization: `Bearer ${token}` };
  await transport.unary(echoMethod('Echo') as DescMethodUnary, undefined, undefined, headers, note('x'));
  await transport
    .unary(echoMethod('Echo') as DescMethodUnary, undefined, undefined, headers, note('fail'))
    .catch(() => {});
  const metrics = await (await fetch(`${base}/metrics`)).text();
  assert.match(metrics, 'studio_calls_total{method="studio.test.EchoService/Echo",code="ok"} 1');
  assert.match(metrics, 'studio_calls_total{method="studio.test.EchoService/Echo",code="not_found"} 1');
  assert.match(metrics, 'studio_call_seconds_count{method="studio.test.EchoService/Echo"} 2');
});

test('an unknown path is a JSON 404, over HTTP/1.1 and HTTP/2', async () => {
  const { port } = await doorsWith();
  const answer = await fetch(`http://127.0.0.1:${port}/nothing?token=secret`);
  assert.is(answer.status, 404);
  assert.equal(await answer.json(), {
    code: 'unimplemented',
    reason: 'NOT_IMPLEMENTED',
    message: 'There is nothing at this path.',
    metadata: {},
  });
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const status = await new Promise((resolve) =>
    session
      .request({ ':path': '/nothing' })
      .on('response', (h) => resolve(h[':status']))
      .end(),
  );
  assert.is(status, 404);
  session.destroy();
});

test('pages of our own host and of allowed origins may call, others may not', async () => {
  const { port } = await doorsWith({ allowedOrigins: ['https://app.example.com/'] });
  const url = `http://127.0.0.1:${port}/studio.test.EchoService/Echo`;
  const preflight = (origin: string): Promise<Response> =>
    fetch(url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'connect-protocol-version,authorization',
      },
    });
  for (const origin of ['https://app.example.com', `http://127.0.0.1:${port}`]) {
    const answer = await preflight(origin);
    assert.is(answer.status, 204);
    assert.is(answer.headers.get('access-control-allow-origin'), origin);
    assert.match(String(answer.headers.get('access-control-allow-headers')), /connect-protocol-version/i);
    assert.match(String(answer.headers.get('access-control-allow-headers')), /authorization/i);
    assert.match(String(answer.headers.get('access-control-allow-headers')), /if-match/i);
    const call = await fetch(url, {
      method: 'POST',
      headers: { origin, 'content-type': 'application/json' },
      body: '"x"',
    });
    assert.is(call.headers.get('access-control-allow-origin'), origin);
    assert.match(String(call.headers.get('access-control-expose-headers')), /grpc-status-details-bin/i);
  }
  for (const origin of [
    'https://evil.example.com',
    'https://app.example.com.evil.com',
    'null',
    `http://127.0.0.1:${port + 1}`,
  ]) {
    const answer = await preflight(origin);
    assert.is(answer.status, 403, origin);
    assert.is(answer.headers.get('access-control-allow-origin'), null);
  }
});

test('a WebSocket reaches its door; unknown paths and foreign origins are refused', async () => {
  const { port } = await doorsWith({ upgrades: [echoSocket()], allowedOrigins: ['https://app.example.com'] });
  const outcome = (path: string, origin?: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, origin === undefined ? {} : { origin });
      socket.on('unexpected-response', (_request, response) => {
        resolve(String(response.statusCode));
        socket.terminate();
      });
      socket.on('error', () => {});
      socket.on('open', () => socket.send('hello'));
      socket.on('message', (data: Buffer) => {
        resolve(data.toString());
        socket.close();
      });
    });
  assert.is(await outcome('/talk?token=x'), 'hello');
  assert.is(await outcome('/talk', 'https://app.example.com'), 'hello');
  assert.is(await outcome('/talk', `http://127.0.0.1:${port}`), 'hello');
  assert.is(await outcome('/talk', 'https://evil.example.com'), '403');
  assert.is(await outcome('/elsewhere'), '404');
});

test('a refused WebSocket handshake leaves no socket open, though its peer does not close (G7)', async () => {
  const { port } = await doorsWith();
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true });
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  socket.on('error', () => {});
  socket.write(
    'GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  await once(socket, 'end');
  assert.match(received, /^HTTP\/1\.1 404 [^]*NOT_IMPLEMENTED/);
  await eventually('what is written to it is turned away', () => {
    socket.write('x');
    return socket.destroyed;
  });
});

test('an offer to upgrade to h2c is ignored, and the request answered', async () => {
  const { port } = await doorsWith();
  const body = '"hello"';
  const answer = await raw(
    port,
    `POST /studio.test.EchoService/Echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n` +
      `HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  assert.match(answer, /^HTTP\/1\.1 401 /);
  assert.match(answer, /TOKEN_MISSING|unauthenticated/);
});

test('what is no request, or has no usable host, neither ends the process nor goes unanswered', async () => {
  const { port } = await doorsWith();
  const rpc = '/studio.test.EchoService/Echo';
  assert.match(
    await raw(port, `POST ${rpc} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`),
    /^HTTP\/1\.1 400 /,
  );
  assert.match(
    await raw(
      port,
      `POST ${rpc} HTTP/1.1\r\nHost: a b\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    ),
    /^HTTP\/1\.1 400 [^]*"reason":"FIELD_INVALID"[^]*"metadata":\{"field":"Host"\}/,
  );
  assert.match(await raw(port, 'NONSENSE\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.match(
    await raw(port, `GET / HTTP/1.1\r\nHost: x\r\nx-long: ${'x'.repeat(HEADER_BYTES_MAX)}\r\n\r\n`),
    /^HTTP\/1\.1 431 /,
  );
  assert.is(await raw(port, '\x16\x03\x01\x02\x00'), '');
  assert.is((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200);
});

test('connections that stay silent or never finish their headers are closed (G7)', async () => {
  const { port } = await doorsWith();
  const started = Date.now();
  const [silent, slow, half] = await Promise.all([
    raw(port, '', 30_000),
    raw(port, 'GET / HTTP/1.1\r\nHost: x\r\n', 30_000),
    raw(port, 'PRI * HTTP', 30_000),
  ]);
  assert.ok(Date.now() - started < 25_000, `${Date.now() - started} ms`);
  assert.equal([silent, half], ['', '']);
  assert.match(slow, /^HTTP\/1\.1 408 /);
});

test('a connection is asked for by TCP while it is quiet (G7)', async () => {
  if (process.platform !== 'linux') skip("a socket's timers can be seen on Linux only");
  const { port } = await doorsWith();
  const socket = connectTcp({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  const hex = (number = 0): string => `0100007F:${number.toString(16).toUpperCase().padStart(4, '0')}`;
  const ends = `${hex(port)} ${hex(socket.localPort)} `;
  await eventually('its keep-alive timer runs', () => {
    const line = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .find((each) => each.includes(ends));
    // State, queues, then which timer: 02 is that of keep-alives.
    return /^\w+ \w+:\w+ 02:/.test(line?.slice(line.indexOf(ends) + ends.length) ?? '');
  });
  socket.destroy();
});

test('a port in use is an error at the start', async () => {
  const { port } = await doorsWith();
  const second = startListener({
    host: '127.0.0.1',
    port,
    handlers: [],
    upgrades: [],
    allowedOrigins: [],
    draining: new AbortController().signal,
    logger: pino({ level: 'silent' }),
  });
  assert.match(await second.then(String, (error: Error) => error.message), /EADDRINUSE/);
});

test.run();
