/** Who calls is asked before a request is read: what follows where that goes wrong, or the call is over meanwhile. */
import { createServer, type Server } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { StringValue } from '@bufbuild/protobuf/wkt';
import { createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as assert from 'uvu/assert';
import { signToken } from '../../src/transport/auth/tokens.ts';
import { eventually } from '../harness/eventually.ts';
import { reasonOf } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import { EchoService, echoMethod, note, openDoors, SECRET, type Doors } from './transport-doors.ts';

const test = suite('transport: admission');
const MIB = 1024 * 1024;

/** Fails once, and has the key from then on. */
async function keyServer(): Promise<{ server: Server; url: string; token: string }> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const key = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' };
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    if (asked === 1) response.writeHead(503).end();
    else response.end(JSON.stringify({ keys: [key] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const token = await new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(privateKey);
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, token };
}

interface EchoClient {
  echo(request: StringValue, options: { headers: Record<string, string> }): Promise<StringValue>;
}

/** The reason it is refused with. */
const CALLS: Readonly<Record<string, (doors: Doors, token: string) => Promise<unknown>>> = {
  connect: ({ port }, token) =>
    echoBy(
      createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: '2' }),
      `Bearer ${token}`,
      'words',
    ),
  'native gRPC': ({ grpcPort }, token) =>
    echoBy(createGrpcTransport({ baseUrl: `http://127.0.0.1:${grpcPort}` }), `Bearer ${token}`, 'words'),
  REST: async ({ port }, token) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/studio/papers`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{"id":"one"}',
    });
    return ((await response.json()) as { reason?: string }).reason;
  },
};

async function echoBy(transport: Transport, authorization: string, words: string): Promise<unknown> {
  const client = createClient(EchoService, transport) as unknown as EchoClient;
  return client.echo(note(words), { headers: { authorization } }).then(({ value }) => value.length, reasonOf);
}

for (const [door, call] of Object.entries(CALLS)) {
  test(`G8: a call whose caller could not be told is refused, and not carried out without its request: ${door}`, async () => {
    const { server, url, token } = await keyServer();
    const doors = await openDoors({
      jwksUrl: url,
      restRoutes: [{ verb: 'POST', path: '/papers', rpc: echoMethod('Write') }],
    });
    try {
      assert.is(await call(doors, token), 'IDENTITY_UNAVAILABLE');
    } finally {
      await doors.drain();
      server.close();
    }
  });
}

test('G7: what still comes for a call that is over is not counted', async () => {
  const doors = await openDoors({ receivedLimits: { all: 8 * MIB, perUser: 4 * MIB } });
  const authorization = `Bearer ${await signToken(SECRET, { userId: 'bob', ttlSeconds: 60 })}`;
  try {
    for (let round = 0; round < 3; round++) {
      const session = connect(`http://127.0.0.1:${doors.port}`, { settings: { initialWindowSize: 16 * MIB } });
      const stream = session.request({
        ':method': 'POST',
        ':path': '/studio.test.EchoService/Converse',
        'content-type': 'application/grpc+proto',
        te: 'trailers',
        'grpc-timeout': '100m',
        authorization,
      });
      stream.on('error', () => {});
      let isOver = false;
      stream.on('trailers', () => (isOver = true));
      stream.on('response', (headers) => (isOver ||= headers['grpc-status'] !== undefined));
      stream.resume();
      const head = Buffer.alloc(5);
      head.writeUInt32BE(12 * MIB, 1);
      stream.write(head);
      await eventually('its deadline ends it', () => isOver);
      for (let sent = 0; sent < 2 && !stream.destroyed; sent += 1)
        await new Promise<void>((resolve) => stream.write(Buffer.alloc(MIB), () => resolve()));
      await eventually('nothing more is read of it', () => stream.destroyed);
      session.destroy();
    }
    for (const httpVersion of ['1.1', '2', '2'] as const) {
      const transport = createConnectTransport({ baseUrl: `http://127.0.0.1:${doors.port}`, httpVersion });
      assert.equal(await echoBy(transport, authorization, 'x'.repeat(3 * MIB)), 3 * MIB);
    }
  } finally {
    await doors.drain();
  }
});

test.run();
