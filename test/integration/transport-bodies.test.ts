/** G7: what a request's body may take, before it is known whose it is and after, and how long it may take to come. */
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { brotliCompressSync, constants } from 'node:zlib';
import { Client, compressionAlgorithms, credentials, Metadata, status as Status } from '@grpc/grpc-js';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import * as assert from 'uvu/assert';
import { REQUEST_BYTES_MAX, REQUEST_ELEMENTS_MAX, REQUEST_UNADMITTED_BYTES_MAX } from '../../src/limits.ts';
import { readDetail } from '../../src/transport/errors/error-detail.ts';
import { Health } from '../../src/gen/grpc/health/v1/health_pb.ts';
import { signToken } from '../../src/transport/auth/tokens.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { echoMethod, openDoors, SECRET, type Doors } from './transport-doors.ts';

const test = suite('transport: bodies');
const PATHS = ['/api/v1/studio/papers', '/studio.test.EchoService/Echo'];
const MIB = 1024 * 1024;
let doors: Doors;
let session: ClientHttp2Session;

test.before(async () => {
  doors = await openDoors({
    restRoutes: [{ verb: 'POST', path: '/papers', rpc: echoMethod('Write') }],
    requestMs: 1_500,
    openStreamsMax: 2,
  });
  session = connect(`http://127.0.0.1:${doors.port}`);
});
test.after(() => doors.drain());
test.after(() => session.destroy());

function post(
  path: string,
  headers: Record<string, string> = {},
  through = session,
): { stream: ClientHttp2Stream; status: () => number } {
  const stream = through.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json', ...headers });
  let status = 0;
  stream.on('response', (answer) => (status = Number(answer[':status'])));
  stream.on('error', () => {});
  stream.resume();
  return { stream, status: () => status };
}

for (const path of PATHS) {
  test(`without a token little is taken of a body, and it is answered before its end: ${path}`, async () => {
    const { stream, status } = post(path);
    stream.write(Buffer.alloc(REQUEST_UNADMITTED_BYTES_MAX + 1, ' '));
    await eventually('it is refused', () => status() === 401);
    stream.destroy();
  });

  test(`a request that does not come whole in time is ended: ${path}`, async () => {
    const { stream } = post(path, { authorization: `Bearer ${doors.token}` });
    stream.write(Buffer.alloc(2 * REQUEST_UNADMITTED_BYTES_MAX, ' '));
    await eventually('it is ended', () => stream.destroyed);
    assert.is(session.destroyed, false);
  });
}

test('a large body of somebody known is taken', async () => {
  const { stream, status } = post(PATHS[1] ?? '', { authorization: `Bearer ${doors.token}` });
  stream.end(JSON.stringify('x'.repeat(4 * REQUEST_UNADMITTED_BYTES_MAX)));
  await eventually('it is answered', () => status() === 200);
});

test('a stream of requests may take its time', async () => {
  const { stream, status } = post('/studio.test.EchoService/Converse', {
    authorization: `Bearer ${doors.token}`,
    'content-type': 'application/connect+json',
    'connect-protocol-version': '1',
  });
  const message = Buffer.from('"a"');
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  stream.write(Buffer.concat([head, message]));
  await eventually('it is answered', () => status() === 200);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  assert.is(stream.destroyed, false);
  stream.destroy();
});

test('G7: what is received of one user, and of all, at once is bounded', async () => {
  const roomy = await openDoors({
    restRoutes: [{ verb: 'POST', path: '/papers', rpc: echoMethod('Write') }],
    receivedLimits: { all: 48 * MIB, perUser: 20 * MIB },
  });
  const connections: ClientHttp2Session[] = [];
  const begin = async (userId: string, mebibytes: number): Promise<() => number> => {
    const token = await signToken(SECRET, { userId, ttlSeconds: 60 });
    const connection = connect(`http://127.0.0.1:${roomy.port}`);
    connections.push(connection);
    const path = PATHS[connections.length % 2] ?? '';
    const { stream, status } = post(path, { authorization: `Bearer ${token}` }, connection);
    for (let sent = 0; sent < mebibytes && status() === 0; sent += 1) {
      await new Promise((resolve) => stream.write(Buffer.alloc(MIB, ' '), resolve));
    }
    return status;
  };
  try {
    await begin('bob', 12);
    const second = await begin('bob', 12);
    await eventually('the second is too much of one user', () => second() === 429);
    const native = async (userId: string, mebibytes: number): Promise<{ code: number; details: string }> => {
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${await signToken(SECRET, { userId, ttlSeconds: 60 })}`);
      const paper = new BinaryWriter().tag(1, WireType.LengthDelimited).string('fail');
      paper.tag(2, WireType.LengthDelimited).bytes(Buffer.alloc(mebibytes * MIB));
      return called(Buffer.from(paper.finish()), metadata, roomy.grpcPort);
    };
    const third = await native('bob', 12);
    assert.is(third.code, Status.RESOURCE_EXHAUSTED);
    assert.match(third.details, 'Your requests');
    for (let times = 0; times < 3; times += 1) assert.is((await native('bob', 7)).code, Status.NOT_FOUND);
    const others = [await begin('cyd', 12), await begin('dan', 12)];
    const fourth = await begin('eve', 14);
    await eventually('the fourth is too much of all', () => fourth() === 429);
    assert.equal(
      others.map((status) => status()),
      [0, 0],
    );
    for (const connection of connections) connection.destroy();
    await eventually('what is over is no longer counted', async () => (await begin('bob', 15))() === 0);
  } finally {
    for (const connection of connections) connection.destroy();
    await roomy.drain();
  }
});

test('G7: streams that need no token are so many and no more', async () => {
  const health = createClient(Health, createGrpcTransport({ baseUrl: `http://127.0.0.1:${doors.grpcPort}` }));
  const leave = new AbortController();
  const watch = async (): Promise<string> => {
    const watched = health.watch({}, { signal: leave.signal })[Symbol.asyncIterator]();
    return watched.next().then(
      () => '',
      (error: unknown) => readDetail(ConnectError.from(error))?.metadata['limit'] ?? '',
    );
  };
  assert.equal([await watch(), await watch(), await watch()], ['', '', 'OPEN_STREAMS_MAX']);
  leave.abort();
  const again = new AbortController();
  await eventually('there is a place', async () => {
    const watched = health.watch({}, { signal: again.signal })[Symbol.asyncIterator]();
    return watched.next().then(
      () => true,
      () => false,
    );
  });
  again.abort();
});

/** A `Paper` of millions of tags: of two bytes each as it is sent, and some hundred once it is read. */
const TAGS = Buffer.alloc(REQUEST_BYTES_MAX - 1_024, Buffer.from([0x2a, 0x00]));
/** The same of fields that nobody knows. */
const UNKNOWN = Buffer.alloc(REQUEST_BYTES_MAX - 1_024, Buffer.from([0x78, 0x00]));
/** To read either takes seconds. */
const REFUSED_MS_MAX = 500;

const small = (bytes: Buffer): Buffer =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 24 } });

async function longestTurn(run: () => Promise<void>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const turn = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  await run();
  longest = Math.max(longest, performance.now() - last);
  clearInterval(turn);
  return longest;
}

async function posted(path: string, body: Buffer, headers: Record<string, string>): Promise<[number, string]> {
  const answer = await fetch(`http://127.0.0.1:${doors.port}${path}`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: { 'content-type': 'application/proto', 'content-encoding': 'br', ...headers },
  });
  return [answer.status, await answer.text()];
}

/** gRPC alone, on its own port. */
function called(body: Buffer, metadata: Metadata, port = doors.grpcPort): Promise<{ code: number; details: string }> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
  });
  const asIs = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve) => {
    client.makeUnaryRequest('/studio.test.EchoService/Write', asIs, asIs, body, metadata, (error) => {
      client.close();
      resolve({ code: error?.code ?? 0, details: error?.details ?? '' });
    });
  });
}

test('G7: what a few bytes of nobody would become is never made', async () => {
  const body = small(UNKNOWN);
  assert.ok(body.byteLength < 1_024, `${body.byteLength} bytes`);
  const stalledMs = await longestTurn(async () => {
    const [status, text] = await posted('/studio.test.EchoService/Write', body, {});
    assert.is(status, 401);
    assert.match(text, /TOKEN_MISSING/);
    const [open, answered] = await posted('/grpc.health.v1.Health/Check', body, {});
    assert.is(open, 429);
    assert.match(answered, /LIMIT_EXCEEDED/);
    assert.is((await called(TAGS, new Metadata())).code, Status.UNAUTHENTICATED);
  });
  assert.ok(stalledMs < REFUSED_MS_MAX, `${stalledMs} ms`);
});

test('G7: a request of more elements than one may have is refused on every door before they are made', async () => {
  const bearer = { authorization: `Bearer ${doors.token}` };
  const metadata = new Metadata();
  metadata.set('authorization', bearer.authorization);
  const json = Buffer.from(`{"tags":[${'"",'.repeat(REQUEST_ELEMENTS_MAX)}""]}`);
  const asJson = { ...bearer, 'content-type': 'application/json', 'content-encoding': 'identity' };
  const stalledMs = await longestTurn(async () => {
    const answers = [
      await posted('/studio.test.EchoService/Write', small(TAGS), bearer),
      await posted('/studio.test.EchoService/Write', json, asJson),
      await posted('/api/v1/studio/papers', json, asJson),
    ];
    for (const [status, text] of answers) {
      assert.is(status, 429);
      assert.match(text, new RegExp(`at most ${REQUEST_ELEMENTS_MAX} fields and elements`));
    }
    const refused = await called(TAGS, metadata);
    assert.is(refused.code, Status.RESOURCE_EXHAUSTED);
    assert.match(refused.details, 'fields and elements');
  });
  assert.ok(stalledMs < REFUSED_MS_MAX, `${stalledMs} ms`);
});

test('as many elements in strings are none', async () => {
  const text = String.raw`[,{\\",\"`.repeat(REQUEST_ELEMENTS_MAX / 2);
  const [status] = await posted('/studio.test.EchoService/Echo', Buffer.from(JSON.stringify(text)), {
    authorization: `Bearer ${doors.token}`,
    'content-type': 'application/json',
    'content-encoding': 'identity',
  });
  assert.is(status, 200);
});

test.run();
