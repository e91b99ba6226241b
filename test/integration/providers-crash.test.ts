import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { derivedBlobId } from '../../src/domain/derivation/execution-key.ts';
import type { Provider } from '../../src/domain/derivation/provider.ts';
import { startWorker } from '../../src/worker.ts';
import { TemporalClient } from '../../src/workers/client.ts';
import { Planner } from '../../src/workers/planner.ts';
import { Reconciler } from '../../src/workers/reconciler.ts';
import { RootSignals } from '../../src/workers/signals.ts';
import { eventually } from '../harness/eventually.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { startWorld, type World } from './providers-compose.ts';
import { newScene, textOf, type Scene } from './providers-world.ts';

const test = suite('derivation after crashes', { timeoutMs: 120_000 });
const logger = pino({ level: 'silent' });
let world: World;
const workers = new Set<TestStudio>();

test.before(async () => {
  world = await startWorld({ worker: false });
});
test.after(async () => {
  await Promise.all([...workers].map((worker) => worker.stop()));
  await world?.stop();
});

async function startWorkerProcess(failpoints = ''): Promise<TestStudio> {
  const worker = await startStudio({ parts: world.parts, command: 'worker', failpoints });
  workers.add(worker);
  return worker;
}

async function stopWorkerProcess(worker: TestStudio): Promise<void> {
  workers.delete(worker);
  await worker.stop();
}

async function transformsOf(scene: Scene, sourceId: string, provider: Provider): Promise<number> {
  const page = { afterVersion: 0, newestFirst: false, pageSize: 50, pageToken: '' };
  const blobId = derivedBlobId(sourceId, provider.id);
  return (await world.documents.listDeltas(scene.caller, { blobId, ...page })).items.length;
}

for (const failpoint of ['worker.before_commit', 'worker.after_commit']) {
  test(`G9 a worker killed at ${failpoint}: the run has one effect and one execution`, async () => {
    const scene = newScene(world);
    const provider = await scene.register();
    const doomed = await startWorkerProcess(`${failpoint}=kill`);
    const source = await scene.create('text');
    assert.is((await doomed.exited).signal, 'SIGKILL');
    workers.delete(doomed);
    assert.equal(
      (await world.executions({ root_id: source.id })).map((execution) => execution.status),
      ['running'],
    );
    const worker = await startWorkerProcess();
    assert.is(textOf(await scene.fresh(source.id, provider)), 'Expanded:\ntext');
    await world.quiet(source.id);
    assert.is(await transformsOf(scene, source.id, provider), 1);
    const executions = await world.executions({ root_id: source.id });
    assert.equal(
      executions.map(({ status, attempts, output }) => ({ status, attempts, output })),
      [{ status: 'succeeded', attempts: 1, output: { blobId: derivedBlobId(source.id, provider.id), version: 1 } }],
    );
    await stopWorkerProcess(worker);
  });
}

test('G9 workers killed again and again during a burst: the derived blob ends fresh, each execution ran once', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const source = await scene.create('start');
  let worker = await startWorkerProcess();
  for (let edit = 1; edit <= 60; edit++) {
    await scene.edit(source.id, `edit ${edit}`);
    if (edit % 20 === 0) {
      workers.delete(worker);
      await worker.kill();
      worker = await startWorkerProcess();
    }
  }
  assert.is(textOf(await scene.fresh(source.id, provider)), 'Expanded:\nedit 60');
  await world.quiet(source.id);
  const executions = await world.executions({ root_id: source.id });
  const succeeded = executions.filter((execution) => execution.status === 'succeeded');
  assert.is(succeeded.length, await transformsOf(scene, source.id, provider));
  assert.ok(executions.every((execution) => execution.status !== 'running' && execution.status !== 'failed'));
  await stopWorkerProcess(worker);
});

test('G9 Temporal killed during a burst, and a worker that was there before it: ends fresh', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const worker = await startWorker(world.config, logger);
  const source = await scene.create('start');
  await scene.fresh(source.id, provider);
  await world.parts.kill('temporal');
  for (let edit = 1; edit <= 10; edit++) await scene.edit(source.id, `edit ${edit}`);
  await world.parts.restart('temporal');
  await eventually(
    'the last edit is derived',
    async () => textOf(await scene.derived(source.id, provider)).endsWith('edit 10'),
    60_000,
  );
  await worker.stop();
});

test('G9 an event that never came: the reconciler finds what it would have started', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const { engine } = world;
  const { providers, executions: runs, documents, access, accessLists, heads, reconciled: mark } = engine;
  const client = new TemporalClient({ address: world.temporalAddress, namespace: 'default' }, logger);
  const now = (): Date => new Date();
  const planner = new Planner({ documents, heads, access, providers, runs, logger, now });
  const signals = new RootSignals(client);
  const newReconciler = (): Reconciler =>
    new Reconciler({ heads, accessLists, mark, planner, providers, runs, starter: client, signals, logger, now });
  const { streams } = engine.connection.manager();
  const published = async (): Promise<number> => (await streams.info('STUDIO')).state.last_seq;
  const before = await published();
  const source = await scene.create('unheard');
  // blob.created and delta.applied; only then is the loss a loss.
  await eventually('both events are in the stream', async () => (await published()) >= before + 2);
  await streams.purge('STUDIO');
  const worker = await startWorker(world.config, logger);
  const reconciler = newReconciler();
  await eventually(
    'the reconciler finds it',
    async () => (await reconciler.pass()) > 0 || (await scene.derived(source.id, provider)).version > 0,
  );
  assert.is(textOf(await scene.fresh(source.id, provider)), 'Expanded:\nunheard');
  await world.quiet(source.id, { areEventsLost: true });
  assert.is(await newReconciler().pass(), 0);
  await worker.stop();
  await client.close();
});

test.run();
