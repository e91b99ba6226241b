/** G7: what a request's body may take before it is known whose it is, and how long it may take to come. */
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import * as assert from 'uvu/assert';
import { REQUEST_UNADMITTED_BYTES_MAX } from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { echoMethod, openDoors, type Doors } from './transport-doors.ts';

const test = suite('transport: bodies');
const PATHS = ['/api/v1/studio/papers', '/studio.test.EchoService/Echo'];
let doors: Doors;
let session: ClientHttp2Session;

test.before(async () => {
  doors = await openDoors({
    restRoutes: [{ verb: 'POST', path: '/papers', rpc: echoMethod('Write') }],
    requestMs: 1_500,
  });
  session = connect(`http://127.0.0.1:${doors.port}`);
});
test.after(() => doors.drain());
test.after(() => session.destroy());

function post(path: string, headers: Record<string, string> = {}): { stream: ClientHttp2Stream; status: () => number } {
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json', ...headers });
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

test.run();
