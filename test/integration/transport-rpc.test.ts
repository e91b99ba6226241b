import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { Code, ConnectError } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import * as assert from 'uvu/assert';
import { readDetail } from '../../src/transport/errors/error-detail.ts';
import { CALL_DEADLINE_MS_MAX, REQUEST_BYTES_MAX } from '../../src/limits.ts';
import { signToken } from '../../src/transport/auth/tokens.ts';
import { suite } from '../harness/suite.ts';
import { aborted, echoMethod, note, openDoors, SECRET } from './transport-doors.ts';
import type { DescMethodStreaming, DescMethodUnary } from '@bufbuild/protobuf';
import type { StringValue } from '@bufbuild/protobuf/wkt';
import type { Transport } from '@connectrpc/connect';
import type { ServiceError } from '@grpc/grpc-js';
import type { Doors } from './transport-doors.ts';

const test = suite('transport: RPC on every door');
let doors: Doors;
test.before(async () => void (doors = await openDoors()));
test.after(() => doors.drain());

const DOORS: Record<string, () => Transport> = {
  'gRPC on its own port': () => createGrpcTransport({ baseUrl: `http://127.0.0.1:${doors.grpcPort}` }),
  'gRPC on the one port': () => createGrpcTransport({ baseUrl: `http://127.0.0.1:${doors.port}` }),
  'gRPC-Web over HTTP/1.1': () =>
    createGrpcWebTransport({ baseUrl: `http://127.0.0.1:${doors.port}`, httpVersion: '1.1' }),
  'Connect over HTTP/2': () => createConnectTransport({ baseUrl: `http://127.0.0.1:${doors.port}`, httpVersion: '2' }),
  'Connect over HTTP/1.1': () =>
    createConnectTransport({ baseUrl: `http://127.0.0.1:${doors.port}`, httpVersion: '1.1' }),
};

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

async function call(
  transport: Transport,
  name: string,
  value: string,
  options: { headers?: Record<string, string>; timeoutMs?: number; signal?: AbortSignal } = {},
) {
  const method = echoMethod(name) as DescMethodUnary;
  const response = await transport.unary(
    method,
    options.signal,
    options.timeoutMs,
    options.headers ?? bearer(doors.token),
    note(value),
  );
  return { value: (response.message as StringValue).value, header: response.header, trailer: response.trailer };
}

async function stream(
  transport: Transport,
  name: string,
  values: readonly string[],
  options: { headers?: Record<string, string>; signal?: AbortSignal } = {},
) {
  async function* requests() {
    for (const value of values) yield note(value);
  }
  const method = echoMethod(name) as DescMethodStreaming;
  const response = await transport.stream(
    method,
    options.signal,
    undefined,
    options.headers ?? bearer(doors.token),
    requests(),
  );
  return response.message as AsyncIterable<StringValue>;
}

async function failure(
  outcome: Promise<unknown>,
): Promise<{ code: string; message: string; reason?: string; metadata?: Record<string, string> }> {
  try {
    await outcome;
  } catch (error) {
    const failed = ConnectError.from(error);
    return { code: Code[failed.code], message: failed.rawMessage, ...readDetail(failed) };
  }
  throw new Error('The call was accepted.');
}

async function collect(messages: AsyncIterable<StringValue>): Promise<string[]> {
  const values: string[] = [];
  for await (const { value } of messages) values.push(value);
  return values;
}

for (const [door, connect] of Object.entries(DOORS)) {
  const bidirectional = door.startsWith('gRPC on') || door.endsWith('HTTP/2');

  test(`${door}: an answer, with headers and trailers`, async () => {
    const { value, header, trailer } = await call(connect(), 'Echo', 'héllo', {
      headers: { ...bearer(doors.token), 'studio-sent': 'yes' },
    });
    assert.is(value, 'héllo');
    assert.is(header.get('studio-seen'), 'yes');
    assert.is(trailer.get('studio-after-bin')?.replace(/=+$/, ''), 'AQID');
    assert.is((await call(connect(), 'Echo', 'who')).value, 'ada');
  });

  test(`${door}: an error carries its code, reason and metadata`, async () => {
    assert.equal(await failure(call(connect(), 'Echo', 'fail')), {
      code: 'NotFound',
      message: 'There is no blob "ü".',
      reason: 'BLOB_NOT_FOUND',
      metadata: { blob_id: 'ü' },
    });
  });

  test(`${door}: an unforeseen failure says nothing of its inside, and is logged once with its cause`, async () => {
    doors.logs.length = 0;
    const failed = await failure(call(connect(), 'Echo', 'boom'));
    assert.is(failed.code, 'Internal');
    assert.is(failed.reason, 'INTERNAL');
    assert.not.match(JSON.stringify(failed), /secret/);
    const errors = doors.logs.filter((line) => line['level'] === 50);
    assert.is(errors.length, 1);
    assert.match(JSON.stringify(errors[0]), /an inner secret/);
  });

  test(`${door}: without a good token there is a clear refusal`, async () => {
    const expired = await signToken(SECRET, { userId: 'ada', ttlSeconds: -60 });
    const foreign = await signToken('another secret', { userId: 'ada' });
    const refused = async (headers: Record<string, string>): Promise<unknown[]> => {
      const unary = await failure(call(connect(), 'Echo', 'x', { headers }));
      const streaming = await failure(stream(connect(), 'Repeat', ['1'], { headers }).then(collect));
      return [unary.code, unary.reason, streaming.code, streaming.reason];
    };
    const both = (reason: string): string[] => ['Unauthenticated', reason, 'Unauthenticated', reason];
    assert.equal(await refused({}), both('TOKEN_MISSING'));
    assert.equal(await refused(bearer(foreign)), both('TOKEN_INVALID'));
    assert.equal(await refused(bearer(expired)), both('TOKEN_EXPIRED'));
  });

  test(`${door}: a method that is not built answers unimplemented`, async () => {
    const { code, reason } = await failure(call(connect(), 'Missing', ''));
    assert.equal([code, reason], ['Unimplemented', 'NOT_IMPLEMENTED']);
  });

  test(`${door}: a deadline ends the call, and aborts what it was doing`, async () => {
    aborted.length = 0;
    const { code } = await failure(call(connect(), 'Echo', 'wait', { timeoutMs: 150 }));
    assert.is(code, 'DeadlineExceeded');
    await until(() => aborted.includes('echo'));
  });

  test(`${door}: a deadline further away than one may be is refused with its reason (G7)`, async () => {
    // Each door reads its own.
    const hours = (count: number): Record<string, string> => ({
      ...bearer(doors.token),
      'grpc-timeout': `${count}H`,
      'connect-timeout-ms': String(count * 3_600_000),
    });
    const hoursMax = CALL_DEADLINE_MS_MAX / 3_600_000;
    assert.is((await call(connect(), 'Echo', 'in time', { headers: hours(hoursMax) })).value, 'in time');
    const failed = await failure(call(connect(), 'Echo', 'x', { headers: hours(hoursMax + 1) }));
    assert.equal([failed.code, failed.reason], ['InvalidArgument', 'FIELD_INVALID']);
    assert.equal(failed.metadata, { limit: 'CALL_DEADLINE_MS_MAX' });
  });

  test(`${door}: a stream brings all its messages, also large ones`, async () => {
    assert.equal(await collect(await stream(connect(), 'Repeat', ['5'])), ['0', '1', '2', '3', '4']);
    const large = await collect(await stream(connect(), 'Repeat', ['60 large']));
    assert.is(
      large.reduce((bytes, value) => bytes + value.length, 0),
      6_000_000,
    );
  });

  test(`${door}: a stream that fails keeps what it brought and names the reason`, async () => {
    const seen: string[] = [];
    const failed = await failure(
      (async () => {
        for await (const { value } of await stream(connect(), 'Repeat', ['2 fail'])) seen.push(value);
      })(),
    );
    assert.equal(seen, ['0', '1']);
    assert.equal(
      [failed.code, failed.reason, failed.metadata],
      ['InvalidArgument', 'CURSOR_INVALID', { field: 'cursor' }],
    );
  });

  test(`${door}: a caller who leaves ends the call, which is no failure`, async () => {
    doors.logs.length = 0;
    aborted.length = 0;
    const leave = new AbortController();
    const waiting = failure(call(connect(), 'Echo', 'wait', { signal: leave.signal }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    leave.abort();
    assert.is((await waiting).code, 'Canceled');
    await until(() => aborted.includes('echo'));
    await until(() => doors.logs.some((line) => line['code'] === 'canceled'));
    assert.equal(
      doors.logs.filter((line) => line['level'] === 50),
      [],
    );
  });

  test(`${door}: a caller who leaves a stream ends it on the server`, async () => {
    aborted.length = 0;
    const leave = new AbortController();
    const messages = await stream(connect(), 'Repeat', [`1 ${door} wait`], { signal: leave.signal });
    const failed = failure(
      (async () => {
        for await (const _ of messages) leave.abort();
      })(),
    );
    assert.is((await failed).code, 'Canceled');
    await until(() => aborted.includes(`repeat 1 ${door} wait`));
    assert.equal(
      doors.logs.filter((line) => line['level'] === 50),
      [],
    );
  });

  test(`${door}: a stream with nothing to say yet sends its headers`, async () => {
    aborted.length = 0;
    const leave = new AbortController();
    let isOpen = false;
    const opening = stream(connect(), 'Repeat', ['0 wait'], { signal: leave.signal }).then(
      () => (isOpen = true),
      () => false,
    );
    await until(() => isOpen);
    leave.abort();
    await opening;
    await until(() => aborted.includes('repeat 0 wait'));
    const failed = await failure(stream(connect(), 'Repeat', ['0 late fail']).then(collect));
    assert.equal([failed.reason, failed.metadata], ['CURSOR_INVALID', { field: 'cursor' }]);
  });

  test(`${door}: a stream ends when its caller's token does (G8)`, async () => {
    // Five seconds of tolerance: honoured for one or two seconds more.
    const short = await signToken(SECRET, { userId: door, ttlSeconds: -3 });
    const seen: string[] = [];
    const failed = await failure(
      (async () => {
        for await (const { value } of await stream(connect(), 'Repeat', ['1 wait'], { headers: bearer(short) }))
          seen.push(value);
      })(),
    );
    assert.equal(seen, ['0']);
    assert.equal([failed.code, failed.reason], ['Unauthenticated', 'TOKEN_EXPIRED']);
  });

  // connect-node's client loses the answer when a gRPC server stops reading; @grpc/grpc-js below sees it.
  if (!door.startsWith('gRPC on')) {
    test(`${door}: a request beyond the limit is refused (G7)`, async () => {
      const { code, reason } = await failure(call(connect(), 'Echo', 'x'.repeat(REQUEST_BYTES_MAX + 1)));
      assert.equal([code, reason], ['ResourceExhausted', 'LIMIT_EXCEEDED']);
      assert.is((await call(connect(), 'Echo', 'still there')).value, 'still there');
    });
  }

  if (!bidirectional) continue;
  test(`${door}: messages flow both ways`, async () => {
    assert.equal(await collect(await stream(connect(), 'Join', ['a', 'b', 'c'])), ['abc']);
    assert.equal(await collect(await stream(connect(), 'Converse', ['a', 'b'])), ['A', 'B']);
    const failed = await failure(stream(connect(), 'Converse', ['a', 'fail', 'b']).then(collect));
    assert.equal([failed.code, failed.reason], ['ResourceExhausted', 'LIMIT_EXCEEDED']);
  });
}

function grpcEcho(port: number, request: Buffer): Promise<Buffer> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${doors.token}`);
  const asIs = (bytes: Buffer): Buffer => bytes;
  return new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest('/studio.test.EchoService/Echo', asIs, asIs, request, metadata, (error, answer) => {
      client.close();
      if (answer) resolve(answer);
      else reject(error ?? new Error('no answer'));
    });
  });
}

const grpcError = (port: number, request: Buffer): Promise<ServiceError> =>
  grpcEcho(port, request).then(
    () => Promise.reject(new Error('The call was accepted.')),
    (error: ServiceError) => error,
  );
const encoded = (value: string): Buffer => Buffer.from(toBinary(StringValueSchema, note(value)));

test('@grpc/grpc-js sees the same on both ports, error details byte for byte', async () => {
  const errors: ServiceError[] = [];
  for (const port of [doors.port, doors.grpcPort]) {
    assert.is(fromBinary(StringValueSchema, await grpcEcho(port, encoded('hello'))).value, 'hello');
    errors.push(await grpcError(port, encoded('fail')));
  }
  const [one, two] = errors.map(({ code, details, metadata }) => ({
    code,
    details,
    status: metadata.get('grpc-status-details-bin'),
  }));
  assert.equal([one?.code, one?.details, one?.status.length], [Code.NotFound, 'There is no blob "ü".', 1]);
  assert.equal(one, two);
});

test('bytes that are no message fail alike on both ports', async () => {
  for (const port of [doors.port, doors.grpcPort]) {
    const error = await grpcError(port, Buffer.from([0x0a, 0xff]));
    assert.is(error.code, Code.InvalidArgument);
    assert.is(error.metadata.get('grpc-status-details-bin').length, 1);
    assert.match(error.details, /^The request is no StringValue/);
  }
});

test('a message of a stream that can not be read is told alike on both ports', async () => {
  const asIs = (bytes: Buffer): Buffer => bytes;
  for (const port of [doors.port, doors.grpcPort]) {
    for (const method of ['Repeat', 'Converse']) {
      const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${doors.token}`);
      const path = `/studio.test.EchoService/${method}`;
      const garbage = Buffer.from([0x0a, 0xff]);
      const error = await new Promise<ServiceError>((resolve) => {
        if (method === 'Repeat')
          client.makeServerStreamRequest(path, asIs, asIs, garbage, metadata).on('error', resolve).resume();
        else {
          const call = client.makeBidiStreamRequest(path, asIs, asIs, metadata).on('error', resolve).resume();
          call.write(encoded('read'));
          call.write(garbage);
        }
      });
      client.close();
      assert.is(error.code, Code.InvalidArgument, `${path} on ${port}: ${error.message}`);
      assert.match(error.details, /^The request is no StringValue/);
      assert.is(error.metadata.get('grpc-status-details-bin').length, 1);
    }
  }
  const message = Buffer.from('{');
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  const answer = await fetch(`http://127.0.0.1:${doors.port}/studio.test.EchoService/Repeat`, {
    method: 'POST',
    body: Buffer.concat([head, message]),
    headers: { ...bearer(doors.token), 'content-type': 'application/connect+json', 'connect-protocol-version': '1' },
  });
  assert.match(await answer.text(), /"code":"invalid_argument".*"reason":"FIELD_INVALID"/);
});

test('what connect can not read carries a reason too, and is counted', async () => {
  const refused = async (body: string, headers: Record<string, string>): Promise<unknown[]> => {
    const answer = await fetch(`http://127.0.0.1:${doors.port}/studio.test.EchoService/Echo`, {
      method: 'POST',
      body,
      headers: { ...bearer(doors.token), 'content-type': 'application/json', ...headers },
    });
    const { code, details } = (await answer.json()) as { code: string; details?: { debug: { reason: string } }[] };
    return [code, details?.[0]?.debug.reason];
  };
  const counted = async (): Promise<number> => {
    const metrics = await (await fetch(`http://127.0.0.1:${doors.port}/metrics`)).text();
    return Number(
      /calls_total\{method="studio.test.EchoService\/Echo",code="invalid_argument"\} (\d+)/.exec(metrics)?.[1] ?? 0,
    );
  };
  const before = await counted();
  assert.equal(await refused('{', {}), ['invalid_argument', 'FIELD_INVALID']);
  assert.equal(await refused('"x"', { 'connect-timeout-ms': 'soon' }), ['invalid_argument', 'FIELD_INVALID']);
  assert.equal(await refused('"x"', { 'content-encoding': 'lzw' }), ['unimplemented', 'NOT_IMPLEMENTED']);
  assert.is((await counted()) - before, 2);
});

test('a call is answered at its deadline, though what it does pays no heed', async () => {
  const answer = await fetch(`http://127.0.0.1:${doors.port}/studio.test.EchoService/Echo`, {
    method: 'POST',
    body: '"slow"',
    headers: { ...bearer(doors.token), 'content-type': 'application/json', 'connect-timeout-ms': '100' },
  });
  assert.is(answer.status, 504);
  assert.match(await answer.text(), '"reason":"DEADLINE_EXCEEDED"');
});

test('a request beyond the limit is refused to @grpc/grpc-js on both ports (G7)', async () => {
  for (const port of [doors.port, doors.grpcPort]) {
    assert.is((await grpcError(port, encoded('x'.repeat(REQUEST_BYTES_MAX + 1)))).code, Code.ResourceExhausted);
  }
});

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(condition());
}

test.run();
