import { connect as connectTcp } from 'node:net';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { WebSocket } from 'ws';
import * as assert from 'uvu/assert';
import { Health, HealthCheckResponse_ServingStatus as Status } from '../../src/gen/grpc/health/v1/health_pb.ts';
import { readDetail } from '../../src/transport/errors/error-detail.ts';
import { suite } from '../harness/suite.ts';
import { echoMethod, EchoService, note, openDoors } from './transport-doors.ts';
import { echoSocket, raw } from './transport-sockets.ts';
import type { DescMethodStreaming, DescMethodUnary } from '@bufbuild/protobuf';
import type { StringValue } from '@bufbuild/protobuf/wkt';
import type { Transport } from '@connectrpc/connect';
import type { Doors, DoorOptions } from './transport-doors.ts';

const test = suite('transport: health and draining');
const open: Doors[] = [];
const doorsWith = async (options?: DoorOptions): Promise<Doors> => {
  const doors = await openDoors(options);
  open.push(doors);
  return doors;
};
test.after.each(async () => {
  await Promise.all(open.splice(0).map((doors) => doors.drain()));
});

const HEALTH_DOORS: Record<string, (doors: Doors) => Transport> = {
  'its own port': ({ grpcPort }) => createGrpcTransport({ baseUrl: `http://127.0.0.1:${grpcPort}` }),
  'the one port': ({ port }) => createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` }),
};
for (const [door, transport] of Object.entries(HEALTH_DOORS)) {
  test(`health on ${door}: check, list, and a watch that hears of the draining`, async () => {
    const doors = await doorsWith();
    const health = createClient(Health, transport(doors));
    assert.is((await health.check({})).status, Status.SERVING);
    assert.is((await health.check({ service: EchoService.typeName })).status, Status.SERVING);
    const unknown = await health
      .check({ service: 'no.such.Service' })
      .catch((error: unknown) => ConnectError.from(error));
    assert.is(unknown instanceof ConnectError && unknown.code, Code.NotFound);
    assert.is((await health.list({})).statuses['']?.status, Status.SERVING);
    const seen: Status[] = [];
    const ended = (async () => {
      for await (const { status } of health.watch({})) {
        seen.push(status);
        if (seen.length === 1) void doors.drain();
      }
    })();
    const error = ConnectError.from(await ended.catch((thrown: unknown) => thrown));
    assert.equal(seen, [Status.SERVING, Status.NOT_SERVING]);
    assert.equal([error.code, readDetail(error)?.reason], [Code.Unavailable, 'DRAINING']);
  });

  test(`draining on ${door}: calls finish, streams end with DRAINING, then nothing is open`, async () => {
    const doors = await doorsWith({ upgrades: [echoSocket()] });
    const headers = { authorization: `Bearer ${doors.token}` };
    const client = transport(doors);
    const slow = client.unary(echoMethod('Echo') as DescMethodUnary, undefined, undefined, headers, note('slow'));
    async function* one() {
      yield note('1 wait');
    }
    const response = await client.stream(
      echoMethod('Repeat') as DescMethodStreaming,
      undefined,
      undefined,
      headers,
      one(),
    );
    const stream = response.message[Symbol.asyncIterator]() as AsyncIterator<StringValue>;
    assert.is((await stream.next()).value.value, '0');
    const webSocket = new WebSocket(`ws://127.0.0.1:${doors.port}/talk`);
    await new Promise((resolve) => webSocket.once('open', resolve));
    const closed = new Promise((resolve) => webSocket.once('close', resolve));

    const started = Date.now();
    const drained = doors.drain();
    const ended = ConnectError.from(await stream.next().catch((thrown: unknown) => thrown));
    assert.equal([ended.code, readDetail(ended)?.reason], [Code.Unavailable, 'DRAINING']);
    assert.is(((await slow).message as StringValue).value, 'slow');
    await drained;
    assert.ok(Date.now() - started < 3_000, `${Date.now() - started} ms`);
    assert.is(await closed, 1001);
    for (const port of [doors.port, doors.grpcPort]) {
      const refused = await raw(port, '').catch((error: NodeJS.ErrnoException) => error.code);
      assert.is(refused, 'ECONNREFUSED');
    }
  });
}

test('while draining, readyz is 503 on connections that are still open', async () => {
  const doors = await doorsWith();
  const headers = { authorization: `Bearer ${doors.token}`, 'content-type': 'application/json' };
  // A slow call holds its connection open; the next request comes down the same one.
  const url = `http://127.0.0.1:${doors.port}/studio.test.EchoService/Echo`;
  const slow = fetch(url, { method: 'POST', headers, body: '"slow"' });
  const socket = connectTcp({ port: doors.port, host: '127.0.0.1' });
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const drained = doors.drain();
  socket.write('\r\n');
  const answer = await new Promise<string>((resolve) =>
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString())),
  );
  assert.match(answer, /^HTTP\/1\.1 503 /);
  assert.match(answer, /"status":"draining"/);
  assert.match(answer, /connection: close/i);
  assert.is((await slow).status, 200);
  await drained;
  socket.destroy();
});

test.run();
