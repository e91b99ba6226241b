/** What a process that ends leaves to others: what it could not write, and what may still land. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { startServe } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import type { Commit } from '../../src/domain/delta.ts';
import { Committer, type UnnumberedCommit } from '../../src/documents/commits/committer.ts';
import { openEngine, type Engine } from '../../src/engine.ts';
import { EventConnection } from '../../src/events/connection.ts';
import { EventPublisher } from '../../src/events/publisher.ts';
import { StreamWriter } from '../../src/events/stream-writer.ts';
import { Failpoints } from '../../src/failpoints.ts';
import { DOORS_DRAIN_MS_MAX } from '../../src/limits.ts';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { CommitOutlines } from '../../src/storage/log/commit-outlines.ts';
import { Committers } from '../../src/storage/log/committers.ts';
import { signToken } from '../../src/transport/auth/tokens.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { openEventWorld, type EventWorld } from './event-world.ts';

const test = suite('processes that stop', { timeoutMs: 60_000 });
const logger = pino({ level: 'silent' });
const ann = { userId: 'ann', administrator: false };
let world: EventWorld;

test.before(async () => {
  world = await openEventWorld();
});
test.after(() => world?.stop());

const start = (): Promise<Engine> =>
  openEngine(readConfig({ ...world.parts.environment, STUDIO_LOG_LEVEL: 'silent' }), logger);

async function create(engine: Engine, id: string, text: string): Promise<void> {
  const content = Buffer.from(text);
  await engine.documents.createBlob(ann, { id, content, contentType: 'text/plain', parentIds: [], labels: {} });
}

async function insert(engine: Engine, blobId: string, text: string): Promise<void> {
  const edits = [{ offset: 0, deleteCount: 0, insert: text }];
  await engine.documents.applyDelta(ann, { blobId, patch: { kind: 'text_edits', edits, encoding: 'utf16' } });
}

async function headOf(blobId: string): Promise<number | undefined> {
  return (await new BlobHeads(world.database).versions([blobId])).get(blobId);
}

test('G3: a head that a process could not write when it stopped is written by another', async () => {
  const { blobs } = world.database;
  const stopping = await start();
  try {
    await create(stopping, 'first', 'x');
    await create(stopping, 'second', '');
    // From now on the database refuses the second's head, and nothing else.
    await blobs.createIndex({ size: 1 }, { name: 'one_of_a_size', unique: true });
    await insert(stopping, 'second', 'y');
  } finally {
    await stopping.close();
  }
  assert.is(await headOf('second'), 1);
  await blobs.dropIndex('one_of_a_size');
  const other = await start();
  try {
    await eventually('its head is written', async () => (await headOf('second')) === 2);
  } finally {
    await other.close();
  }
});

test('G3: an older head is written at the first look at its blob', async () => {
  const [writing, other] = [await start(), await start()];
  try {
    await create(writing, 'older', '');
    await insert(writing, 'older', 'x');
    await eventually('its head is written', async () => (await headOf('older')) === 2);
    await world.database.blobs.updateOne({ _id: 'older' }, { $set: { version: 1, content_version: 1, size: 0 } });
    await other.documents.getBlob(ann, 'older', { withContent: false });
    await eventually('it is written again', async () => (await headOf('older')) === 2);
  } finally {
    await Promise.all([writing.close(), other.close()]);
  }
});

/** The log, whose answers get lost from `isDeaf` on: an insert is made, and nobody is told. */
class DeafLog extends CommitLog {
  isDeaf = false;

  override async insert(commits: readonly Commit[]): ReturnType<CommitLog['insert']> {
    const told = await super.insert(commits);
    return this.isDeaf ? { results: commits.map(() => 'unknown') } : told;
  }
}

function firstOf(blobId: string): UnnumberedCommit {
  const now = new Date();
  const genesis = { contentType: 'text/plain', parentIds: [], rootId: blobId, depth: 0, createdBy: 'user', labels: {} };
  const draft = {
    userId: 'ann',
    operation: 'create' as const,
    patch: { kind: 'create' as const, bytes: 0 },
    updates: [],
    base: { fromVersion: 0, extras: [] },
    chainLength: 1,
    newClients: [],
    genesis,
    createdAt: now,
  };
  const facts = { owner: 'ann', contentType: 'text/plain', rootId: blobId, appliedAt: now };
  return { blobId, firstSeq: 1, lastSeq: 1, drafts: [draft], ...facts };
}

test('G5: a process that stops while a commit of it may still land leaves it to others', async () => {
  const id = '5'.repeat(16);
  const { database } = world;
  const log = new DeafLog(database);
  const leases = new Committers(database.db);
  const connection = await EventConnection.open({ url: world.parts.url('nats'), name: 'test', logger });
  const failpoints = new Failpoints();
  const publisher = new EventPublisher({
    committerId: id,
    connection,
    writer: new StreamWriter(connection),
    outbox: new CommitOutlines(database),
    committers: leases,
    failpoints,
    logger,
  });
  const committer = new Committer({ id, log, database, listeners: [publisher], failpoints, logger });
  try {
    await publisher.start();
    await committer.commit(firstOf('known'), 1, Date.now());
    await eventually('it is told of', () => committer.isSettled);
    log.isDeaf = true;
    const unknown = committer.commit(firstOf('unknown'), 1, Date.now()).then(
      () => 'committed',
      (error: { reason: string }) => error.reason,
    );
    committer.stop();
    assert.is(await unknown, 'STORAGE_UNAVAILABLE');
    await publisher.drain(10_000);
    await publisher.close({ isComplete: committer.isSettled });
    // Lapsed is what lies before now, in milliseconds.
    await eventually('it is for others to sweep', async () => {
      const lapsed = await leases.lapsed();
      return lapsed.some(({ name, low }) => name === id && low === 1);
    });
  } finally {
    await publisher.close({ isComplete: true });
    await connection.close();
  }
});

test('G7: a call that does not end takes no more than the share of the doors, and the lease is ended all the same', async () => {
  const settings = { STUDIO_LOG_LEVEL: 'silent', STUDIO_PORT: '0', STUDIO_GRPC_PORT: '0' };
  const temporal = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };
  const config = readConfig({ ...world.parts.environment, ...settings, ...temporal });
  const { database } = world;
  const entries = database.db.collection<{ _id: string; lease_until: Date }>('committers');
  const living = async (): Promise<string[]> =>
    (await entries.find({ lease_until: { $gt: new Date() } }).toArray()).map(({ _id }) => _id);
  let said = '';
  const listening = pino({ level: 'warn' }, { write: (line) => void (said += line) });
  const server = await startServe(config, listening, { doorsMs: 100 });
  const [own] = await living();
  const token = await signToken(world.parts.jwtSecret, { userId: 'ann', ttlSeconds: 600 });
  const call = async (method: string, path: string, body: object): Promise<number> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const url = `http://127.0.0.1:${server.port}/api/v1/studio/blobs${path}`;
    return (await fetch(url, { method, headers, body: JSON.stringify(body) })).status;
  };
  try {
    assert.is(await call('POST', '', { id: 'stuck', text: 'x', contentType: 'text/plain' }), 201);
    // From now on the database takes no second commit of a blob of that root; what it says leaves the outcome unknown.
    const only = { name: 'one_of_a_root', unique: true, partialFilterExpression: { root_id: 'stuck' } };
    await database.commits.createIndex({ root_id: 1 }, only);
    const stuck = call('PATCH', '/stuck', { text: 'xy' }).catch(() => 0);
    await eventually('it is tried again', () => said.includes('commit outcome unknown'));
    const startedMs = performance.now();
    await server.stop();
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < DOORS_DRAIN_MS_MAX, `${tookMs} ms`);
    assert.is(await stuck, 503);
    // What may still land is for others.
    await eventually('its lease has ended', async () => !(await living()).includes(String(own)), 1_000);
    assert.ok(await entries.findOne({ _id: own }));
  } finally {
    await database.commits.dropIndex('one_of_a_root');
  }
});

test('G5: a sweep removes nobody whose lease was renewed, and who was removed is made anew to be abandoned', async () => {
  const leases = new Committers(world.database.db);
  const entries = world.database.db.collection<{ _id: string; low: number }>('committers');
  await leases.renew('cut-off', 3);
  await leases.removeLapsed('cut-off');
  assert.is((await entries.findOne({ _id: 'cut-off' }))?.low, 3);
  await leases.abandon('cut-off', 3);
  await eventually('it has lapsed', async () => (await leases.lapsed()).some(({ name }) => name === 'cut-off'));
  await leases.removeLapsed('cut-off');
  assert.is(await entries.findOne({ _id: 'cut-off' }), null);
  await leases.abandon('cut-off', 4);
  assert.is((await entries.findOne({ _id: 'cut-off' }))?.low, 4);
  await leases.remove('cut-off');
});

test.run();
