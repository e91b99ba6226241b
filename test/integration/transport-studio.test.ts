/** Every door of a whole studio, on real parts: the same blob through REST, gRPC on both ports, and the events socket. */
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import pino from 'pino';
import { WebSocket } from 'ws';
import * as assert from 'uvu/assert';
import { startServe } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { BlobService } from '../../src/gen/memmie/studio/v1/blob_service_pb.ts';
import { DagService } from '../../src/gen/memmie/studio/v1/dag_service_pb.ts';
import { EventService } from '../../src/gen/memmie/studio/v1/event_service_pb.ts';
import { EVENTS_PATH } from '../../src/transport/events/events-socket.ts';
import { signToken } from '../../src/transport/auth/tokens.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts } from '../harness/parts.ts';
import { reasonOf, refused } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import type { RunningServer } from '../../src/app.ts';
import type { TestParts } from '../harness/parts.ts';

const test = suite('transport: a whole studio');
let parts: TestParts;
let studio: RunningServer;
test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true, temporal: true });
  const config = readConfig({ ...parts.environment, STUDIO_PORT: '0', STUDIO_GRPC_PORT: '0' });
  studio = await startServe(config, pino({ level: 'silent' }));
});
test.after(async () => {
  await studio?.stop();
  await parts?.stop();
});

const tokenOf = (userId: string): Promise<string> => signToken(parts.jwtSecret, { userId, ttlSeconds: 600 });

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly body: {
    readonly blob?: Record<string, unknown>;
    readonly blobs?: readonly Record<string, unknown>[];
    readonly deltas?: readonly Record<string, unknown>[];
    readonly versions?: readonly Record<string, unknown>[];
    readonly delta?: { readonly id: string };
    readonly reason?: string;
    readonly metadata?: Record<string, string>;
  };
}

async function rest(
  user: string,
  verb: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${studio.port}/api/v1/studio${path}`, {
    method: verb,
    headers: { authorization: `Bearer ${await tokenOf(user)}`, ...headers },
    body: body && JSON.stringify(body),
  });
  return {
    status: response.status,
    etag: response.headers.get('etag'),
    body: (await response.json()) as Answer['body'],
  };
}

const grpcOn = (port: number) => createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` });

test('a blob made by REST is read, changed and listed through every door', async () => {
  const created = await rest('ada', 'POST', '/blobs', { id: 'first', text: 'grüße', contentType: 'text/plain' });
  assert.is(created.status, 201, JSON.stringify(created.body));
  const patched = await rest(
    'ada',
    'PATCH',
    '/blobs/first',
    { text: 'grüße 🌍' },
    { 'if-match': String(created.etag) },
  );
  assert.is(patched.status, 200, JSON.stringify(patched.body));
  const edits = { textEdits: { edits: [{ offset: 0, deleteCount: 1, insert: 'G' }] } };
  assert.is((await rest('ada', 'POST', '/blobs/first/deltas', edits)).status, 200);

  const headers = { authorization: `Bearer ${await tokenOf('ada')}` };
  for (const port of [studio.port, studio.grpcPort]) {
    const { blob } = await createClient(BlobService, grpcOn(port)).getBlob({ id: 'first' }, { headers });
    assert.is(new TextDecoder().decode(blob?.content), 'Grüße 🌍');
    assert.is(blob?.version, 3n);
  }
  assert.is((await rest('ada', 'GET', '/blobs/first')).body.blob?.['text'], 'Grüße 🌍');
  assert.is((await rest('ada', 'GET', '/blobs/first/versions/1')).body.blob?.['text'], 'grüße');
  const { deltas } = (await rest('ada', 'GET', '/blobs/first/deltas?page_size=2')).body;
  assert.is(deltas?.length, 2);
  assert.is((await rest('ada', 'GET', `/deltas/${String(deltas?.[0]?.['id'])}`)).body.delta?.id, deltas?.[0]?.['id']);
  assert.ok(Number((await rest('ada', 'GET', '/blobs/first/versions')).body.versions?.length) > 0);
  assert.equal(
    (await rest('ada', 'GET', '/blobs?view=BLOB_VIEW_FULL')).body.blobs?.map((blob) => blob['text']),
    ['Grüße 🌍'],
  );
  assert.is((await rest('ada', 'GET', '/blobs/first/dag')).status, 200);
  assert.is((await rest('ada', 'GET', '/blobs/first/children')).status, 200);
  assert.is((await rest('ada', 'GET', '/providers')).status, 200);
});

test('a condition on what has changed, or that nothing checks, keeps a REST call from doing anything', async () => {
  const { etag } = await rest('ada', 'POST', '/blobs', { id: 'guarded', text: 'one', contentType: 'text/plain' });
  assert.is((await rest('ada', 'PATCH', '/blobs/guarded', { text: 'two' })).status, 200);
  const old = { 'if-match': `W/${etag}` };
  for (const [verb, path, body] of [
    ['PATCH', '', { text: 'three' }],
    ['POST', ':revert', { to_version: '1' }],
    ['DELETE', '', undefined],
    ['POST', ':undelete', {}],
  ] as const) {
    const answer = await rest('ada', verb, `/blobs/guarded${path}`, body, old);
    assert.is(answer.body.reason, 'ETAG_MISMATCH', `${verb} ${path}`);
  }
  const unchecked = await rest(
    'ada',
    'POST',
    '/blobs/guarded/deltas',
    { content: 'eA==' },
    { 'if-match': String(etag) },
  );
  assert.equal([unchecked.body.reason, unchecked.body.metadata], ['FIELD_INVALID', { field: 'etag' }]);
  assert.is((await rest('ada', 'GET', '/blobs/guarded')).body.blob?.['text'], 'two');
});

test('somebody else’s blob does not exist, through no door (G8)', async () => {
  await rest('ada', 'POST', '/blobs', { id: 'private', text: 'mine', contentType: 'text/plain' });
  const answer = await rest('eve', 'GET', '/blobs/private');
  assert.equal(
    [answer.status, answer.body.reason, answer.body.metadata],
    [404, 'BLOB_NOT_FOUND', { blob_id: 'private' }],
  );
  const headers = { authorization: `Bearer ${await tokenOf('eve')}` };
  for (const port of [studio.port, studio.grpcPort]) {
    await refused(createClient(BlobService, grpcOn(port)).getBlob({ id: 'private' }, { headers }), 'BLOB_NOT_FOUND');
    await refused(createClient(BlobService, grpcOn(port)).getBlob({ id: 'private' }), 'TOKEN_MISSING');
  }
});

test('what breaks a rule of the schema is refused alike on every door', async () => {
  const answer = await rest('ada', 'GET', '/blobs/not%20an%20id');
  assert.equal([answer.status, answer.body.reason, answer.body.metadata?.['field']], [400, 'FIELD_INVALID', 'id']);
  const headers = { authorization: `Bearer ${await tokenOf('ada')}` };
  for (const port of [studio.port, studio.grpcPort]) {
    await refused(createClient(BlobService, grpcOn(port)).getBlob({ id: 'not an id' }, { headers }), 'FIELD_INVALID');
    await refused(
      createClient(DagService, grpcOn(port)).listAncestors({ blobId: 'first' }, { headers }),
      'NOT_IMPLEMENTED',
    );
  }
});

test('the events socket tells of a user’s own changes, and goes on from a cursor', async () => {
  const open = async (user: string, cursor?: string) => {
    const query = new URLSearchParams({ token: await tokenOf(user), ...(cursor ? { cursor } : {}) }).toString();
    const socket = new WebSocket(`ws://127.0.0.1:${studio.port}${EVENTS_PATH}?${query}`);
    const events: Record<string, unknown>[] = [];
    socket.on('message', (data: Buffer) => events.push(JSON.parse(data.toString()) as Record<string, unknown>));
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return { socket, events };
  };
  const [bob, eve] = [await open('bob'), await open('eve')];
  let made = 0;
  // The socket is open before the watch behind it is: change until the first event comes.
  await eventually('the first event comes', async () => {
    await rest('bob', 'POST', '/blobs', { id: `watched-${(made += 1)}`, text: 'x', contentType: 'text/plain' });
    return bob.events.length > 0;
  });
  const first = bob.events.find((event) => event['type'] === 'blob.created');
  assert.match(String(first?.['blobId']), /^watched-/);
  assert.is(first?.['userId'], 'bob');
  bob.socket.close();
  const resumed = await open('bob', String(first?.['cursor']));
  await rest('bob', 'POST', '/blobs', { id: 'watched-last', text: 'x', contentType: 'text/plain' });
  await eventually('the last one comes', () => resumed.events.some((event) => event['blobId'] === 'watched-last'));
  assert.not.ok(resumed.events.some((event) => event['id'] === first?.['id']));
  assert.equal(eve.events, []);
  resumed.socket.close();
  eve.socket.close();
});

test('a watch with nothing to tell yet sends its headers over native gRPC, and a refused one its reason', async () => {
  const { watchEvents } = createClient(EventService, grpcOn(studio.grpcPort));
  const headers = { authorization: `Bearer ${await tokenOf('quiet')}` };
  const ended = new AbortController();
  let isLetIn = false;
  const onHeader = (): void => void (isLetIn = true);
  const watch = (async () => {
    for await (const _ of watchEvents({}, { headers, onHeader, signal: ended.signal }));
  })().catch(() => undefined);
  await eventually('the headers come', () => isLetIn);
  ended.abort();
  await watch;
  const refusal = (async () => {
    for await (const _ of watchEvents({ cursor: 'made-up' }, { headers }));
  })();
  await refused(refusal, 'CURSOR_INVALID');
});

test('stopping ends a watch with DRAINING on both ports, and leaves nothing open', async () => {
  const own = await startServe(
    readConfig({ ...parts.environment, STUDIO_PORT: '0', STUDIO_GRPC_PORT: '0' }),
    pino({ level: 'silent' }),
  );
  const headers = { authorization: `Bearer ${await tokenOf('ada')}` };
  const ended = [own.port, own.grpcPort].map(async (port) => {
    for await (const _ of createClient(EventService, grpcOn(port)).watchEvents({}, { headers }));
  });
  const outcomes = Promise.allSettled(ended);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await own.stop();
  for (const outcome of await outcomes)
    assert.is(outcome.status === 'rejected' && reasonOf(outcome.reason), 'DRAINING');
  await fetch(`http://127.0.0.1:${own.port}/healthz`).then(
    () => assert.unreachable('the port still answers'),
    () => undefined,
  );
});

test.run();
