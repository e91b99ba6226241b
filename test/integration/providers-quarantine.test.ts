import { pino } from 'pino';
import * as assert from 'uvu/assert';
import type { Blob } from '../../src/domain/blob.ts';
import { contentHash } from '../../src/domain/content/canonical.ts';
import { derivedBlobId } from '../../src/domain/derivation/execution-key.ts';
import { openEngine } from '../../src/engine.ts';
import { QUARANTINE_RETRY_MS_MIN } from '../../src/limits.ts';
import { startWorker, type RunningWorker } from '../../src/worker.ts';
import { Planner } from '../../src/workers/planner.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { startWorld, type World } from './providers-compose.ts';
import { bytes, newScene, textOf, type Scene } from './providers-world.ts';

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

// No worker runs yet: the plan is asked for.
test('G9 one with a debounced provider holds up nothing else of its root', async () => {
  const scene = newScene(world);
  const patientType = `${scene.contentType}-patient`;
  const patient = await scene.register({
    supportedTypes: [patientType],
    debounce: { quietMs: 1, maxWaitMs: 1 },
  });
  const provider = await scene.register();
  const root = await scene.create('root', 'text/x-nobodys');
  const broken = await scene.create('a', patientType, [root.id]);
  const fine = await scene.create('b', scene.contentType, [root.id]);
  const made = derivedBlobId(broken.id, patient.id);
  await world.documents.commitTransform({
    blobId: made,
    ownerId: scene.caller.userId,
    parentIds: [broken.id],
    contentType: 'text/plain',
    content: bytes('a'),
    derivation: {
      providerId: patient.id,
      providerVersion: patient.version,
      inputs: [{ blobId: broken.id, version: 1 }],
      executionKey: made,
      outputHash: contentHash(bytes('a')),
    },
  });
  await scene.edit(broken.id, 'a2');
  const { commits, db } = world.engine.database;
  const head = { _id: broken.id as never, version: 2 };
  await eventually('the head is stored', async () => (await db.collection('blobs').countDocuments(head)) === 1);
  await commits.updateMany({ blob_id: broken.id }, { $set: { deltas: 'none' as never } });

  // An engine that has none of them open.
  const engine = await openEngine(world.config, pino({ level: 'silent' }));
  const { documents, heads, access, providers, executions: runs } = engine;
  const parts = { documents, heads, access, providers, runs, logger: pino({ level: 'silent' }), now: () => new Date() };
  try {
    // With and without a version seen that the heads do not show.
    for (const seen of [{}, { [broken.id]: { version: 3 } }]) {
      const { ready } = await new Planner(parts).plan({
        rootId: root.id,
        owner: scene.caller.userId,
        seen,
        running: [],
      });
      const ids = ready.map(({ sourceId, providerId }) => `${sourceId} ${providerId}`).sort();
      assert.equal(ids, [`${broken.id} ${patient.id}`, `${fine.id} ${provider.id}`].sort());
    }
  } finally {
    await engine.close();
  }
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
  // Below a blob that was shared, in a root that its owner may not read: its head is found all the same.
  const host = newScene(world);
  const hidden = await host.create('hidden', 'text/x-nobodys');
  const below = async (of: Scene, parentId: string): Promise<Blob> => {
    const request = { content: bytes('d'), contentType: of.contentType, parentIds: [parentId], labels: {} };
    return (await world.documents.createBlob(of.caller, request)).blob;
  };
  const shared = await below(host, hidden.id);
  await world.engine.sharing.grant(host.caller, { blobId: shared.id, userId: scene.caller.userId, role: 'viewer' });
  const guest = await below(scene, shared.id);
  const broken = [first.id, guest.id];
  const { commits, db } = world.engine.database;
  const heads = { _id: { $in: broken as never[] } };
  await eventually('the heads are stored', async () => (await db.collection('blobs').countDocuments(heads)) === 2);
  const log = await commits.find({ blob_id: { $in: broken } }).toArray();
  await commits.updateMany({ blob_id: { $in: broken } }, { $set: { deltas: 'none' as never } });
  worker = await startWorker(world.config, pino({ level: 'silent' }));
  for (const source of others) await scene.fresh(source.id, provider);
  for (const id of broken) {
    const run = await eventually('the run over it waits', async () => {
      const [execution] = await world.executions({ derived_id: derivedBlobId(id, provider.id) });
      return execution?.error && execution;
    });
    assert.is(run.status, 'running');
    assert.is(run.error?.reason, 'BLOB_QUARANTINED');
  }
  for (const commit of log) await commits.replaceOne({ _id: commit._id }, commit);
  await eventually(
    'it is derived after all',
    async () => textOf(await scene.derived(first.id, provider)) === 'Expanded:\na',
    QUARANTINE_RETRY_MS_MIN * 3,
  );
});

test.run();
