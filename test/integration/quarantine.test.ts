/** Blobs whose history can't be loaded, and a retention policy through the doors of a whole studio. */
import { createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import * as assert from 'uvu/assert';
import { BlobView } from '../../src/gen/memmie/studio/v1/blob_pb.ts';
import { RetentionService } from '../../src/gen/memmie/studio/v1/retention_service_pb.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { QUARANTINE_RETRY_MS_MIN } from '../../src/limits.ts';
import { startCutProxy } from '../harness/cut-proxy.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { allDeltas, connectAs, insertAt, readText, refused } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { requireClean } from './past-world.ts';
import { seedLog } from './seeded-log.ts';

const test = suite('quarantine and retention', { timeoutMs: 120_000 });
const env = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };
const DAY_MS = 86_400_000;
let parts: TestParts;
let database: Database;
let studio: TestStudio;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  database = await openDatabase({ url: parts.url('mongodb'), name: 'studio' });
  studio = await startStudio({ parts, env });
});
test.after(async () => {
  await studio?.stop();
  await database?.close();
  await parts?.stop();
});

const seed = (blobId: string, deltas = 200): ReturnType<typeof seedLog> =>
  seedLog(database, { blobId, owner: 'ann', deltas, seed: 5, sampleEvery: 10 });

const DAMAGES = {
  'a gap': () => database.commits.deleteOne({ blob_id: 'broken', first_seq: { $gt: 50, $lt: 70 } }),
  'a commit of another shape': () =>
    database.commits.updateOne(
      { blob_id: 'broken', first_seq: { $gt: 50, $lt: 70 } },
      { $set: { deltas: 'none' as never } },
    ),
  'an update that is none': () =>
    database.commits.updateOne(
      { blob_id: 'broken', first_seq: { $gt: 50, $lt: 70 } },
      { $set: { 'deltas.0.updates.0': Buffer.from([1, 1, 200, 200, 3, 250, 9, 9, 9]) } },
    ),
};

for (const [name, damage] of Object.entries(DAMAGES)) {
  test(`G6: ${name} quarantines the blob alone: said to its owner, hidden from others, lists still show it`, async () => {
    const ann = connectAs(studio.address, await studio.token('ann'));
    const bob = connectAs(studio.address, await studio.token('bob'));
    await seed('broken');
    await seed('sound');
    const log = await database.commits.find({ blob_id: 'broken' }).toArray();
    await damage();
    const error = await refused(ann.blobs.getBlob({ id: 'broken' }), 'BLOB_QUARANTINED');
    assert.match(error.message, /delta|commit/);
    await refused(insertAt(ann, { blobId: 'broken', offset: 0, text: 'x' }), 'BLOB_QUARANTINED');
    await refused(bob.blobs.getBlob({ id: 'broken' }), 'BLOB_NOT_FOUND');
    await insertAt(ann, { blobId: 'sound', offset: 0, text: 'fine' });
    assert.match(await readText(ann, 'sound'), /^fine/);
    const { blobs } = await ann.blobs.listBlobs({ view: BlobView.FULL });
    assert.equal(blobs.map(({ id }) => id).sort(), ['broken', 'sound']);

    const record = await database.db.collection('quarantine').findOne({ _id: 'broken' as never });
    assert.is(record?.['tries'], 1, 'it is not tried with each call');
    const metrics = await (await fetch(`${studio.address}/metrics`)).text();
    assert.match(metrics, /^studio_quarantined_blobs 1$/m);

    for (const commit of log) await database.commits.replaceOne({ _id: commit._id }, commit, { upsert: true });
    await refused(ann.blobs.getBlob({ id: 'broken' }), 'BLOB_QUARANTINED');
    const waitMs = QUARANTINE_RETRY_MS_MIN + 5_000;
    await eventually('it is tried again after the pause', () => readText(ann, 'broken'), waitMs);
    await eventually(
      'its record is gone',
      async () => (await database.db.collection('quarantine').countDocuments()) === 0,
    );
    for (const id of ['broken', 'sound']) {
      await database.commits.deleteMany({ blob_id: id });
      await database.blobs.deleteOne({ _id: id });
      await database.checkpointIndex.deleteOne({ _id: id });
      await database.checkpoints.deleteMany({ blob_id: id });
    }
    await studio.stop();
    studio = await startStudio({ parts, env });
  });
}

const OUTAGES = { refuses: ['refuse', 'accept'], 'is silent': ['pause', 'resume'] } as const;

for (const [what, [begin, end]] of Object.entries(OUTAGES))
  test(`G6: a database that ${what} quarantines nothing`, async () => {
    const blobId = `patient-${begin}`;
    await seed(blobId);
    const proxy = await startCutProxy(parts.url('mongodb'));
    const cut = await startStudio({ parts, env: { ...env, STUDIO_MONGODB_URL: proxy.url } });
    try {
      const ann = connectAs(cut.address, await cut.token('ann'));
      proxy[begin]();
      await refused(ann.blobs.getBlob({ id: blobId }), 'STORAGE_UNAVAILABLE');
      proxy[end]();
      await eventually('it is read as soon as the database is back', () => readText(ann, blobId));
      assert.is(await database.db.collection('quarantine').countDocuments(), 0);
    } finally {
      await cut.stop();
      await proxy.close();
    }
  });

async function retentionAs(user: string): Promise<Client<typeof RetentionService>> {
  const token = await studio.token(user);
  const transport = createConnectTransport({
    baseUrl: studio.address,
    httpVersion: '2',
    interceptors: [
      (next) => (request) => {
        request.header.set('authorization', `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  return createClient(RetentionService, transport);
}

test('retention through the doors: policy, preview, apply, and what reads and edits then answer', async () => {
  const blobId = 'old';
  const noon = Math.floor(Date.now() / DAY_MS) * DAY_MS - 5 * DAY_MS;
  const log = await seedLog(database, {
    blobId,
    owner: 'ann',
    deltas: 1_000,
    seed: 9,
    sampleEvery: 1,
    breakEvery: 200,
    appliedAt: (lastSeq) => new Date(noon + Math.floor((lastSeq - 1) / 200) * DAY_MS + lastSeq),
  });
  const ann = connectAs(studio.address, await studio.token('ann'));
  const retention = await retentionAs('ann');
  const head = await readText(ann, blobId);
  assert.is(head, log.texts.get(1_000));
  assert.equal((await retention.previewRetention({ blobId })).retention?.ranges, [], 'without a policy all is kept');
  const rule = { thinAfter: { seconds: 86_400n, nanos: 0 }, keepDaily: true };
  await refused(retention.setRetentionPolicy({ rule: { thinAfter: { seconds: 60n, nanos: 0 } } }), 'FIELD_INVALID');
  await refused((await retentionAs('bob')).applyRetention({ blobId }), 'BLOB_NOT_FOUND');
  await retention.setRetentionPolicy({ rule });
  const { policy, effectivePolicy } = await retention.getRetentionPolicy({ blobId });
  assert.is(policy, undefined);
  assert.is(effectivePolicy?.keepDaily, true);
  const foretold = (await retention.previewRetention({ blobId })).retention?.ranges ?? [];
  const shown = foretold[0]?.firstVersion ?? 0n;
  assert.is(await readText(ann, blobId, shown), log.texts.get(Number(shown)), 'read before, and kept in memory');
  const dropped = (await retention.applyRetention({ blobId })).retention?.ranges ?? [];
  assert.ok(foretold.length >= 3);
  assert.equal(dropped, foretold);

  assert.is(await readText(ann, blobId), head);
  for (const version of [1n, 200n, 400n, 600n, 1_000n]) {
    assert.is(await readText(ann, blobId, version), log.texts.get(Number(version)), `version ${version}`);
  }
  for (const { firstVersion, lastVersion } of dropped) {
    const error = await refused(readText(ann, blobId, firstVersion), 'VERSION_THINNED');
    assert.match(error.message, /thinned/);
    assert.is(await readText(ann, blobId, lastVersion), log.texts.get(Number(lastVersion)));
    await refused(insertAt(ann, { blobId, offset: 0, text: 'x', fromVersion: firstVersion }), 'VERSION_THINNED');
    await refused(ann.blobs.nameVersion({ blobId, version: firstVersion, name: `${firstVersion}` }), 'VERSION_THINNED');
    await ann.blobs.nameVersion({ blobId, version: lastVersion, name: `${lastVersion}` });
  }
  const { namedVersions } = await ann.blobs.listNamedVersions({ blobId });
  assert.equal(
    new Set(namedVersions.map(({ version }) => version)),
    new Set(dropped.map((range) => range.lastVersion)),
  );
  const kept = await insertAt(ann, { blobId, offset: 0, text: 'on a kept base ', fromVersion: 400n });
  assert.is(kept.toVersion, 1_001n);
  const gone = (version: number): boolean =>
    dropped.some((range) => Number(range.firstVersion) <= version && version <= Number(range.lastVersion));
  assert.equal(
    (await allDeltas(ann, blobId)).map(({ toVersion }) => Number(toVersion)),
    Array.from({ length: 1_001 }, (_, index) => index + 1).filter((version) => !gone(version)),
  );
  const { alreadyDropped } = await retention.previewRetention({ blobId });
  assert.is(alreadyDropped.length, dropped.length);
  await requireClean(parts, 'studio', [blobId]);
});

test.run();
