/** Runs that ended for a reason that has nothing to do with their inputs, and what becomes of those inputs then. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import type { Blob } from '../../src/domain/blob.ts';
import type { Documents } from '../../src/documents/contract.ts';
import { derivedBlobId, keyOfRun } from '../../src/domain/derivation/execution-key.ts';
import type { Provider } from '../../src/domain/derivation/provider.ts';
import type { RunClaim } from '../../src/domain/derivation/run.ts';
import { START_OVER_MS } from '../../src/limits.ts';
import { StudioError } from '../../src/errors.ts';
import { Registry } from '../../src/providers/registry.ts';
import { startWorker } from '../../src/worker.ts';
import { startPropagation, type WorkerParts } from '../../src/workers/assemble.ts';
import { BUILTINS } from '../../src/workers/builtins/index.ts';
import { TemporalClient } from '../../src/workers/client.ts';
import { Dispatcher } from '../../src/workers/dispatcher.ts';
import { Planner } from '../../src/workers/planner.ts';
import { rootWorkflowId } from '../../src/workers/root-workflow.ts';
import { RootSignals } from '../../src/workers/signals.ts';
import { eventually } from '../harness/eventually.ts';
import { freePort } from '../harness/ports.ts';
import { suite } from '../harness/suite.ts';
import { startWorld, type World } from './providers-compose.ts';
import { newScene, reasonOf, textOf, type Scene } from './providers-world.ts';

const test = suite('runs that came to nothing');
const logger = pino({ level: 'silent' });
let world: World;

test.before(async () => {
  world = await startWorld({ worker: false });
});
test.after(() => world?.stop());

function partsOf({ engine, config, temporalAddress: address }: World): WorkerParts {
  const {
    documents,
    providers,
    executions: runs,
    consumer: events,
    access,
    accessLists,
    heads,
    reconciled: mark,
    failpoints,
  } = engine;
  const temporal = { address, namespace: config.temporalNamespace };
  return { documents, providers, runs, events, access, accessLists, heads, mark, failpoints, temporal, logger };
}

async function withWorker(during: () => Promise<void>): Promise<void> {
  const worker = await startWorker(world.config, logger);
  try {
    await during();
  } finally {
    await worker.stop();
  }
}

function claimOf(scene: Scene, source: Blob, provider: Provider): RunClaim {
  const workflowId = rootWorkflowId(source.rootId, scene.caller.userId);
  return {
    key: keyOfRun(provider, source),
    userId: scene.caller.userId,
    providerId: provider.id,
    providerVersion: provider.version,
    inputs: [{ blobId: source.id, version: source.version }],
    derivedId: derivedBlobId(source.id, provider.id),
    rootId: source.rootId,
    owner: scene.caller.userId,
    holder: workflowId,
    leaseMs: 60_000,
    workflowId,
  };
}

test('G9 a run asked for while Temporal was away, and so cancelled, is made once the blob is planned for', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const source = await scene.create('text');
  const { providers, executions: runs, documents, access } = world.engine;
  const starter = new TemporalClient({ address: `127.0.0.1:${await freePort()}`, namespace: 'default' }, logger);
  const rules = async (): Promise<{ workflowPrefixes: string[]; builtins: typeof BUILTINS }> => ({
    workflowPrefixes: [],
    builtins: BUILTINS,
  });
  const cutOff = new Registry({ providers, runs, documents, access, starter, rules, now: () => new Date() });
  const asked = cutOff.process(scene.caller, { blobId: source.id, providerId: provider.id });
  assert.is(await reasonOf(asked), 'WORKFLOWS_UNAVAILABLE');
  await starter.close();
  assert.is((await runs.get(keyOfRun(provider, source)))?.status, 'cancelled');
  await withWorker(async () => {
    assert.is(textOf(await scene.fresh(source.id, provider)), 'Expanded:\ntext');
  });
});

test('G9 a source deleted between two attempts and undeleted is derived from', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const source = await scene.create('text');
  const { executions: runs } = world.engine;
  const claim = claimOf(scene, source, provider);
  const now = new Date();
  await runs.claim(claim, now);
  await runs.recordFailure(claim.key, 0, { reason: 'PROVIDER_FAILED', message: '' }, now, new Date(now.getTime() + 1));
  await world.documents.deleteBlob(scene.caller, source.id, {});
  await withWorker(async () => {
    await eventually('the run is closed', async () => (await runs.get(claim.key))?.error?.reason === 'SUPERSEDED');
    await world.documents.undeleteBlob(scene.caller, source.id, {});
    assert.is(textOf(await scene.fresh(source.id, provider)), 'Expanded:\ntext');
  });
});

test('G9 what is planned again: whatever ended for a reason that may be over, a while later', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const { executions: runs, documents, heads, access, providers } = world.engine;
  const cases = [
    ['cancelled', 'WORKFLOWS_UNAVAILABLE', true],
    ['skipped', 'SUPERSEDED', true],
    ['skipped', 'BLOB_DELETED', true],
    ['failed', 'BLOB_DELETED', true],
    ['failed', 'BLOB_NOT_FOUND', true],
    ['skipped', 'PROVIDER_INPUT_UNSUPPORTED', true],
    ['skipped', 'PATTERN_UNMATCHED', false],
    ['skipped', 'STALE', false],
    ['failed', 'PROVIDER_FAILED', false],
  ] as const;
  for (const [status, reason, again] of cases) {
    const what = `${status} with ${reason}`;
    const source = await scene.create(what);
    const claim = claimOf(scene, source, provider);
    const endedAt = new Date();
    await runs.claim({ ...claim, requestId: 'asked' }, endedAt);
    await runs.finish(claim.key, { status, error: { reason, message: '' } }, endedAt);
    const planAt = async (at: Date): Promise<{ ready: number; wakeAtMs: number | undefined }> => {
      const planner = new Planner({ documents, heads, access, providers, runs, logger, now: () => at });
      const request = { rootId: source.id, owner: scene.caller.userId, seen: {}, running: [] };
      const { ready, wakeAtMs } = await planner.plan(request);
      return { ready: ready.length, wakeAtMs };
    };
    const due = new Date(endedAt.getTime() + START_OVER_MS);
    assert.equal(await planAt(endedAt), { ready: 0, wakeAtMs: again ? due.getTime() : undefined }, what);
    assert.equal(await planAt(due), { ready: again ? 1 : 0, wakeAtMs: undefined }, what);
    const claimed = await Promise.all([runs.claim(claim, due), runs.claim({ ...claim, holder: 'another' }, due)]);
    assert.equal(
      claimed.map(({ state }) => state).sort(),
      again ? ['claimed', 'waiting'] : ['settled', 'settled'],
      what,
    );
    const run = await runs.get(claim.key);
    assert.equal([run?.status, run?.requestId], [again ? 'running' : status, 'asked'], what);
  }
});

test('G9 an output that comes while there is no room for its blob is committed once there is', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const source = await scene.create('text');
  const { engine } = world;
  let tries = 0;
  const commitTransform: Documents['commitTransform'] = async (request) => {
    if (!request.parentIds.includes(source.id) || tries++ > 0) return engine.documents.commitTransform(request);
    throw new StudioError('LIMIT_EXCEEDED', 'No room.', { limit: 'ROOMS_LOADED_MAX' });
  };
  const documents = Object.assign(Object.create(engine.documents) as Documents, { commitTransform });
  const worker = startPropagation({ ...partsOf(world), documents });
  try {
    assert.is(textOf(await scene.fresh(source.id, provider)), 'Expanded:\ntext');
    assert.is(tries, 2);
  } finally {
    await worker.stop();
  }
});

test('G9 a replay asked for at the moment the run fails is made', async () => {
  const scene = newScene(world);
  const provider = await scene.register({ triggerEvents: [], inputSchema: '{"type":"number"}' });
  const source = await scene.create('text');
  const parts = partsOf(world);
  const ends: string[] = [];
  const setProcessed: WorkerParts['heads']['setProcessed'] = async (blobId, providerId, processed) => {
    // The run has failed by now, and its workflow goes on to its end.
    if (providerId === provider.id && ends.push(processed.status) === 1) await scene.process(source.id, provider);
    await parts.heads.setProcessed(blobId, providerId, processed);
  };
  const heads = new Proxy(parts.heads, {
    get: (all, name: keyof WorkerParts['heads']) => (name === 'setProcessed' ? setProcessed : all[name].bind(all)),
  });
  const worker = startPropagation({ ...parts, heads });
  try {
    const { id } = await scene.process(source.id, provider);
    await eventually('it fails twice', async () => ends.length === 2);
    assert.is((await scene.settled(id)).status, 'failed');
  } finally {
    await worker.stop();
  }
});

test('G9 a stored head that stays behind what has failed already is planned for once, not again and again', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const source = await scene.create('one');
  for (const text of ['two', 'three']) await scene.edit(source.id, text);
  const { executions: runs, heads, database } = world.engine;
  const claim = claimOf(scene, await scene.read(source.id), provider);
  await runs.claim(claim, new Date());
  await runs.finish(claim.key, { status: 'failed', error: { reason: 'PROVIDER_FAILED', message: '' } }, new Date());
  await eventually('the head is stored', async () => (await heads.get(source.id))?.version === 3);
  await database.blobs.updateOne({ _id: source.id }, { $set: { version: 2, content_version: 2 } });
  const worker = startPropagation(partsOf(world));
  const client = new TemporalClient({ address: world.temporalAddress, namespace: 'default' }, logger);
  try {
    // Its events name the third version. Then nobody does.
    for (const seen of [{ [source.id]: { version: 3 } }, {}]) {
      await client.send(source.id, scene.caller.userId, seen);
      await world.quiet(source.id);
    }
    assert.is(await world.countExecutions({ root_id: source.id }), 1);
  } finally {
    await client.close();
    await worker.stop();
  }
});

test('G9 the undeletion of a derived blob is told to its root, though no provider takes its type', async () => {
  const scene = newScene(world);
  await scene.register();
  const told: string[] = [];
  const signals = new RootSignals({ send: async (rootId, owner) => void told.push(`${rootId} ${owner}`) });
  const dispatcher = new Dispatcher(world.engine.providers, signals);
  const event = {
    id: 'delta.blob.updated',
    type: 'blob.updated',
    blobId: 'derived',
    deltaId: 'delta',
    version: 3,
    owner: scene.caller.userId,
    userId: scene.caller.userId,
    contentType: 'text/plain',
    rootId: 'source',
    time: new Date(),
  } as const;
  await dispatcher.handle({ ...event, operation: 'update' });
  assert.equal(told, []);
  await dispatcher.handle({ ...event, operation: 'undelete' });
  assert.equal(told, [`source ${scene.caller.userId}`]);
});

test.run();
