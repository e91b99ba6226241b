/** A graph with more blobs than are planned for at once. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { DAG_NODES_MAX } from '../../src/limits.ts';
import { startWorker, type RunningWorker } from '../../src/worker.ts';
import { Planner } from '../../src/workers/planner.ts';
import { Reconciler } from '../../src/workers/reconciler.ts';
import { RootSignals } from '../../src/workers/signals.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { startWorld, type World } from './providers-compose.ts';
import { newScene, reasonOf, textOf, type Scene } from './providers-world.ts';

const test = suite('large graphs', { timeoutMs: 120_000 });
const warnings: string[] = [];
const logger = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) });
const now = (): Date => new Date();
let world: World;
let worker: RunningWorker;

test.before(async () => {
  world = await startWorld({ worker: false });
  worker = await startWorker(world.config, logger);
});
test.after(async () => {
  await worker?.stop();
  await world?.stop();
});

/** Stored heads alone, of blobs that come before all others by id and that no provider takes. */
async function fill(rootId: string, count: number, deleted: boolean, owner?: string): Promise<void> {
  const { blobs } = world.engine.database;
  const root = await blobs.findOne({ _id: rootId });
  assert.ok(root);
  const mark = deleted ? 'deleted' : 'other';
  const documents = Array.from({ length: count }, (_, index) => ({
    ...root,
    user_id: owner ?? root.user_id,
    _id: `-${mark}-${index}-${rootId}`,
    order_key: `0-${mark}-${index}-${rootId}`,
    content_type: 'application/x-other',
    updated_at: new Date(0),
    ...(deleted ? { deleted_at: new Date(0) } : {}),
  }));
  for (let at = 0; at < count; at += 500) await blobs.insertMany(documents.slice(at, at + 500));
}

const newPlanner = (): Planner => {
  const { documents, heads, access, providers, executions: runs } = world.engine;
  return new Planner({ documents, heads, access, providers, runs, logger, now });
};

async function wantedIn(scene: Scene, rootId: string): Promise<string[]> {
  const { ready } = await newPlanner().plan({ rootId, owner: scene.caller.userId, seen: {}, running: [] });
  return ready.map(({ sourceId }) => sourceId);
}

test('deleted blobs take no place in a graph', async () => {
  const scene = newScene(world);
  const source = await scene.create('text', 'text/x-nobody-takes');
  await fill(source.id, DAG_NODES_MAX, true);
  await scene.register({ supportedTypes: ['text/x-nobody-takes'], triggerEvents: ['blob.updated'] });
  await world.engine.database.blobs.updateOne({ _id: source.id }, { $set: { content_version: 2, updated_at: now() } });
  assert.equal(await wantedIn(scene, source.id), [source.id]);
  assert.is((await world.documents.getDag(scene.caller, source.id)).nodes.length, 1);
});

test('G7 G8 what others put below a blob, unseen by its owner, takes nothing from the graph that the owner is shown', async () => {
  const scene = newScene(world);
  const source = await scene.create('text', 'text/x-nobody-takes');
  await fill(source.id, DAG_NODES_MAX, false, 'a-viewer');
  assert.is((await world.documents.getDag(scene.caller, source.id)).nodes.length, 1);
});

test('G7 G9 beyond its size a graph is refused and grows no more, but what is derived in it stays up to date', async () => {
  const scene = newScene(world);
  const provider = await scene.register({ debounce: { quietMs: 1_000, maxWaitMs: 60_000 } });
  const source = await scene.create('one');
  await scene.fresh(source.id, provider);
  const patientType = `${scene.contentType}-patient`;
  const patient = await scene.register({
    supportedTypes: [patientType],
    triggerEvents: ['blob.updated'],
    debounce: { quietMs: 3_600_000, maxWaitMs: 3_600_000 },
  });
  const beside = await scene.create('one', patientType, [source.id]);
  assert.is((await scene.settled((await scene.process(beside.id, patient)).id)).status, 'succeeded');

  await fill(source.id, DAG_NODES_MAX, false);
  assert.is(await reasonOf(world.documents.getDag(scene.caller, source.id)), 'LIMIT_EXCEEDED');
  const late = await scene.register({ workflowId: 'text-statistics' });
  await scene.edit(source.id, 'two');
  await eventually('it is brought up to date', () => scene.fresh(source.id, provider), 60_000);
  assert.is(textOf(await scene.derived(source.id, provider)), 'Expanded:\ntwo');
  await world.quiet(source.id);
  assert.is(await reasonOf(scene.derived(source.id, late)), 'BLOB_NOT_FOUND');
  assert.ok(warnings.some((line) => line.includes(source.id) && line.includes('no more are derived')));

  // No plan would find it by itself: what has to wait is named again, and the reconciler names what events missed.
  await scene.edit(beside.id, 'two');
  const { heads, accessLists, reconciled: mark, providers, executions: runs } = world.engine;
  await eventually('the head has the change', async () => (await heads.get(beside.id))?.version === 2);
  const planner = newPlanner();
  const request = { rootId: source.id, owner: scene.caller.userId, running: [] };
  const first = await planner.plan({ ...request, seen: { [beside.id]: { version: 2 } } });
  const second = await planner.plan({ ...request, seen: first.unconfirmed });
  for (const { wakeAtMs, unconfirmed } of [first, second]) {
    assert.type(wakeAtMs, 'number');
    assert.equal(unconfirmed, { [beside.id]: { version: 2 } });
  }
  const told = new Map<string, readonly string[]>();
  const signals = new RootSignals({ send: async (rootId, _, seen) => void told.set(rootId, Object.keys(seen)) });
  const starter = { start: async () => undefined };
  await new Reconciler({ heads, accessLists, mark, planner, providers, runs, starter, signals, logger, now }).pass();
  assert.ok(told.get(source.id)?.includes(beside.id));
});

test.run();
