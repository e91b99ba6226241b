import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { derivedBlobId } from '../../src/domain/execution-key.ts';
import { QUARANTINE_RETRY_MS_MIN } from '../../src/limits.ts';
import { startWorker, type RunningWorker } from '../../src/worker.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { startWorld, type World } from './providers-compose.ts';
import { bytes, newScene, textOf } from './providers-world.ts';

const test = suite('derivation beside blobs that can’t be loaded', { timeoutMs: 120_000 });
let world: World;
let worker: RunningWorker | undefined;

test.before(async () => {
  world = await startWorld({ worker: false });
});
test.after(async () => {
  await worker?.stop();
  await world?.stop();
});

test('G9 what can be loaded is derived meanwhile, the rest once it can be loaded again', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const root = await scene.create('root', 'text/x-nobodys');
  const [first, ...others] = await Promise.all(
    ['a', 'b', 'c'].map(async (text) => {
      const request = { content: bytes(text), contentType: scene.contentType, parentIds: [root.id], labels: {} };
      return (await world.documents.createBlob(scene.caller, request)).blob;
    }),
  );
  assert.ok(first);
  const { commits, db } = world.engine.database;
  await eventually('its head is stored', () => db.collection('blobs').findOne({ _id: first.id as never }));
  const log = await commits.find({ blob_id: first.id }).toArray();
  await commits.updateMany({ blob_id: first.id }, { $set: { deltas: 'none' as never } });
  worker = await startWorker(world.config, pino({ level: 'silent' }));
  for (const source of others) await scene.fresh(source.id, provider);
  const run = await eventually('the run over it waits', async () => {
    const [execution] = await world.executions({ derived_id: derivedBlobId(first.id, provider.id) });
    return execution?.error && execution;
  });
  assert.is(run.status, 'running');
  assert.is(run.error?.reason, 'BLOB_QUARANTINED');
  for (const commit of log) await commits.replaceOne({ _id: commit._id }, commit);
  await eventually(
    'it is derived after all',
    async () => textOf(await scene.derived(first.id, provider)) === 'Expanded:\na',
    QUARANTINE_RETRY_MS_MIN * 3,
  );
});

test.run();
