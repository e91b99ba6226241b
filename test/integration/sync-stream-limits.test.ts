/** G7: over each limit of streams there is a clear refusal, or a pause; with low limits, on the real engine. */
import { Code, createClient, createRouterTransport, type Client, type Interceptor } from '@connectrpc/connect';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { readConfig } from '../../src/config.ts';
import { openEngine, type Engine } from '../../src/engine.ts';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { SyncService } from '../../src/gen/memmie/studio/v1/sync_service_pb.ts';
import { createAuthenticator } from '../../src/transport/auth/authentication.ts';
import { createCallInterceptors } from '../../src/transport/rpc/call-interceptors.ts';
import { createCallMetrics } from '../../src/transport/rpc/call-metrics.ts';
import { createSyncService } from '../../src/transport/services/sync-service.ts';
import { EditorHub, type EditorLimits } from '../../src/transport/sync/editor-hub.ts';
import { signToken } from '../../src/transport/auth/tokens.ts';
import { SYNC_STREAM_FRAMES_MAX, TOKEN_CLOCK_TOLERANCE_SECONDS } from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { reasonOf } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import { RATE_CASES, RATE_UPDATES } from './rate-cases.ts';
import { subscribe, SyncConversation, typed, type Frames } from './sync-rpc-world.ts';
import type { SubscribeResponse } from '../../src/gen/memmie/studio/v1/sync_service_pb.ts';

const test = suite('sync stream limits');
const logger = pino({ level: 'silent' });
const caller = { userId: 'ada', administrator: false };
const hubs: EditorHub[] = [];
const streams: { cancel(): void }[] = [];
let parts: TestParts;
let engine: Engine;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  engine = await openEngine(readConfig({ ...parts.environment, STUDIO_LOG_LEVEL: 'silent' }), logger);
});
test.after(() => parts.stop());
test.after(() => engine.close());
test.after(async () => {
  for (const stream of streams) stream.cancel();
  await Promise.all(hubs.map((hub) => hub.drain()));
});

/** `ttlSeconds`: of the token. Its readers are not looked after: what must not wait for that doesn't. */
async function clientsWith(
  limits: Partial<EditorLimits>,
  ttlSeconds: readonly number[],
  documents: Pick<Engine['documents'], 'open' | 'applyDelta' | 'createBlob'> = engine.documents,
): Promise<Client<typeof SyncService>[]> {
  const authenticator = createAuthenticator(readConfig(parts.environment));
  const editors = new EditorHub({ documents, authenticator, logger, limits });
  hubs.push(editors);
  const draining = new AbortController().signal;
  const interceptors = createCallInterceptors({
    authenticator,
    logger,
    metrics: createCallMetrics(new Registry()),
    draining,
  });
  const implementation = createSyncService({ documents, editors }, { beatMs: 2 ** 31 - 1 });
  return Promise.all(
    ttlSeconds.map(async (ttl) => {
      const token = await signToken(parts.jwtSecret, { userId: caller.userId, ttlSeconds: ttl });
      const transport = createRouterTransport(({ service }) => service(SyncService, implementation), {
        router: { interceptors },
        transport: { interceptors: [withToken(token)] },
      });
      return createClient(SyncService, transport);
    }),
  );
}

async function clientWith(limits: Partial<EditorLimits>): Promise<Client<typeof SyncService>> {
  const [client] = await clientsWith(limits, [3_600]);
  assert.ok(client);
  return client;
}

function withToken(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
}

async function newText(): Promise<string> {
  const contents = { content: new Uint8Array(0), contentType: 'text/plain', parentIds: [], labels: {} };
  return (await engine.documents.createBlob(caller, contents)).blob.id;
}

async function textOf(id: string): Promise<string> {
  const { content } = await engine.documents.getBlob(caller, id, { withContent: true });
  return Buffer.from(content ?? []).toString();
}

function converse(client: Client<typeof SyncService>): SyncConversation {
  const stream = new SyncConversation(client);
  streams.push(stream);
  return stream;
}

const TOOK_MS_MIN = 1_500;

function updates(): Uint8Array[] {
  const doc = new Y.Doc();
  return Array.from({ length: RATE_UPDATES }, () => typed('x', doc).update);
}

test('G7: messages and bytes a second of a stream, a document and a user: it is read more slowly, and nothing is lost', async () => {
  await Promise.all(
    RATE_CASES.map(async (limits) => {
      const stream = converse(await clientWith(limits));
      const id = await newText();
      stream.open(id);
      await stream.nth('opened');
      const started = performance.now();
      for (const [n, update] of updates().entries()) stream.update(id, update, BigInt(n + 1));
      await eventually('all are answered', () => stream.of('committed').length === RATE_UPDATES);
      const tookMs = performance.now() - started;
      assert.ok(tookMs > TOOK_MS_MIN, `${JSON.stringify(limits)}: ${tookMs} ms`);
      assert.is(await textOf(id), 'x'.repeat(RATE_UPDATES));
    }),
  );
});

test('G7: what is pushed beside a subscription waits for the same, in its order', async () => {
  await Promise.all(
    RATE_CASES.map(async (limits) => {
      const client = await clientWith(limits);
      const blobId = await newText();
      const reader = subscribe(client, { blobId });
      streams.push(reader);
      const { session } = await reader.nth('opened');
      const started = performance.now();
      // Each builds on those before: out of order they would be refused.
      await Promise.all(updates().map((update) => client.push({ blobId, update, session })));
      const tookMs = performance.now() - started;
      assert.ok(tookMs > TOOK_MS_MIN, `${JSON.stringify(limits)}: ${tookMs} ms`);
      assert.is(await textOf(blobId), 'x'.repeat(RATE_UPDATES));
    }),
  );
});

test('G7: a subscriber that takes nothing is pushed for only until what waits for it is full; refusals do not wait', async () => {
  const client = await clientWith({});
  const blobId = await newText();
  const reader = subscribe(client, { blobId });
  streams.push(reader);
  const { session } = await reader.nth('opened');
  const { update } = typed('x');
  await client.push({ blobId, session, update });
  await reader.nth('committed');
  reader.hold();
  const outcomes = async (pushed: Uint8Array): Promise<(string | undefined)[]> => {
    const all = new Set<string | undefined>();
    for (let round = 0; round < SYNC_STREAM_FRAMES_MAX / 128; round += 1) {
      const pushing = Array.from({ length: 128 }, () => client.push({ blobId, session, update: pushed }));
      const answers = await Promise.all(pushing.map((push) => push.then(() => 'committed', reasonOf)));
      for (const answer of answers) all.add(answer);
    }
    return [...all];
  };
  assert.equal(await outcomes(Uint8Array.of(1, 1)), ['UPDATE_MALFORMED']);
  // The same again: nothing new, and yet an answer.
  assert.equal(await outcomes(update), ['committed', 'LIMIT_EXCEEDED']);
  reader.release();
  await eventually('there is room', () => client.push({ blobId, session, update }).catch(() => undefined));
});

test('G7: streams of a process: one too many is refused, Sync and Subscribe alike, and one that ends makes room', async () => {
  const client = await clientWith({ streams: 2 });
  const blobId = await newText();
  const [one, other] = [converse(client), subscribe(client, { blobId })];
  streams.push(other);
  one.open(blobId);
  await Promise.all([one.nth('opened'), other.nth('opened')]);
  for (const third of [converse(client), subscribe(client, { blobId })]) {
    const error = await third.ended;
    assert.is(error?.code, Code.ResourceExhausted);
    assert.is(reasonOf(error), 'LIMIT_EXCEEDED');
    assert.is(error?.findDetails(ErrorInfoSchema)[0]?.metadata['limit'], 'SYNC_STREAMS_MAX');
  }
  one.halfClose();
  assert.is(await one.ended, undefined);
  const next = converse(client);
  next.open(blobId);
  await next.nth('opened');
});

test('G7: streams of one user: one too many is refused, and one that ends makes room', async () => {
  const client = await clientWith({ connectionsPerUser: 2 });
  const blobId = await newText();
  const [one, other] = [converse(client), subscribe(client, { blobId })];
  streams.push(other);
  one.open(blobId);
  await Promise.all([one.nth('opened'), other.nth('opened')]);
  const third = subscribe(client, { blobId });
  assert.match((await third.ended)?.message ?? '', 'as many editors connected here as you may');
  other.cancel();
  await roomFor(client, blobId);
});

test('G8: what the client of a stream that has ended still sends is not listened to', async () => {
  const limits = { connectionsPerDocument: 1 };
  const [brief, lasting] = await clientsWith(limits, [2 - TOKEN_CLOCK_TOLERANCE_SECONDS, 3_600]);
  assert.ok(brief && lasting);
  const [blobId, other] = [await newText(), await newText()];
  const stream = converse(brief);
  stream.open(blobId);
  await stream.nth('opened');
  // Stuck, it is told nothing, and goes on.
  stream.hold();
  await engine.documents.applyDelta(caller, { blobId, patch: { kind: 'yjs_update', update: typed('x').update } });
  await stream.nth('update');
  await roomFor(lasting, blobId);
  for (let n = 0; n < 5; n += 1) stream.open(other);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const reader = subscribe(lasting, { blobId: other });
  streams.push(reader);
  await reader.nth('opened');
});

test('G6: an edit that commits after its document was closed does not say that others’ changes were sent', async () => {
  const { documents } = engine;
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const open: typeof documents.open = async (...request) => {
    const live = await documents.open(...request);
    const push = live.push.bind(live);
    live.push = async (...update) => {
      await released;
      return push(...update);
    };
    return live;
  };
  const [client] = await clientsWith({}, [3_600], {
    open,
    applyDelta: documents.applyDelta.bind(documents),
    createBlob: documents.createBlob.bind(documents),
  });
  assert.ok(client);
  const [blobId, stream] = [await newText(), converse(client)];
  stream.open(blobId);
  await stream.nth('opened');
  stream.update(blobId, typed('mine').update, 1n);
  stream.send(blobId, { case: 'close', value: {} });
  stream.update(blobId, typed('late').update, 2n);
  await stream.nth('rejected');
  const { delta } = await documents.applyDelta(caller, {
    blobId,
    patch: { kind: 'yjs_update', update: typed('theirs').update },
  });
  release();
  const { version, seen } = await stream.nth('committed');
  assert.ok(version > BigInt(delta.toVersion));
  assert.equal([seen, stream.of('update').length], [false, 0]);
});

/** Another of this user is let in. */
async function roomFor(client: Client<typeof SyncService>, blobId: string): Promise<Frames<SubscribeResponse>> {
  return eventually('there is room', async () => {
    const next = subscribe(client, { blobId });
    streams.push(next);
    let hasEnded = false;
    void next.ended.then(() => (hasEnded = true));
    await eventually('it began or was refused', () => hasEnded || next.all.length > 0);
    return hasEnded ? undefined : next;
  });
}

const OPENINGS: [string, (client: Client<typeof SyncService>, blobId: string) => Frames<never>][] = [
  [
    'Sync',
    (client, blobId) => {
      const stream = converse(client);
      stream.open(blobId);
      return stream as never;
    },
  ],
  ['Subscribe', (client, blobId) => subscribe(client, { blobId }) as never],
];

for (const [call, open] of OPENINGS) {
  test(`G7: a client of ${call} that goes away makes room at once, not when there is something to say`, async () => {
    const client = await clientWith({ connectionsPerUser: 1 });
    const blobId = await newText();
    const stream = open(client, blobId);
    await stream.nth('opened' as never);
    stream.cancel();
    await roomFor(client, blobId);
  });

  test(`G8: a stream of ${call} whose reader takes nothing ends with its token all the same`, async () => {
    const [brief, lasting] = await clientsWith({ connectionsPerDocument: 1 }, [
      2 - TOKEN_CLOCK_TOLERANCE_SECONDS,
      3_600,
    ]);
    assert.ok(brief && lasting);
    const blobId = await newText();
    const stream = open(brief, blobId);
    streams.push(stream);
    await stream.nth('opened' as never);
    stream.hold();
    const doc = new Y.Doc();
    for (let n = 0; n < 20; n += 1) {
      const patch = { kind: 'yjs_update', update: typed('x', doc).update } as const;
      await engine.documents.applyDelta(caller, { blobId, patch });
    }
    assert.is(stream.of('update' as never).length, 1, 'it takes nothing');
    const next = await roomFor(lasting, blobId);
    assert.is((await next.nth('opened')).version, 21n);
    stream.release();
    assert.is(reasonOf(await stream.ended), 'TOKEN_EXPIRED');
  });
}

test.run();
