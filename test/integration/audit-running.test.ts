/** The audit beside a studio at work, and of blobs of which something can't be read at all. */
import * as assert from 'uvu/assert';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { ORIGINS_BLOCK_VERSIONS } from '../../src/limits.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { connectAs, insertAt, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { audit, openHistory, requireClean } from './past-world.ts';
import { seedLog } from './seeded-log.ts';

const test = suite('audit beside a studio');
const DATABASE = 'studio';
let parts: TestParts;
let database: Database;
let studio: TestStudio;
let client: StudioClient;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  database = await openDatabase({ url: parts.url('mongodb'), name: DATABASE });
  studio = await startStudio({ parts, env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  client = connectAs(studio.address, await studio.token('ann'));
});
test.after(async () => {
  await database?.close();
  await studio?.stop();
  await parts?.stop();
});

const setFirst = (blobId: string, fields: Record<string, unknown>): Promise<unknown> =>
  database.commits.updateOne({ blob_id: blobId, first_seq: 1 }, { $set: fields });

test('a blob that is being typed in has no differences, and its head is never written backward', async () => {
  await client.blobs.createBlob({ id: 'typed', contentType: 'text/plain', requestId: 'create-typed' });
  let isTyping = true;
  const typing = (async () => {
    while (isTyping) await insertAt(client, { blobId: 'typed', offset: 0, text: 'x' });
  })();
  try {
    for (let n = 0; n < 3; n++) {
      const { findings, differences } = await audit(parts, DATABASE, { blobIds: ['typed'], repair: true });
      assert.is(differences, 0, JSON.stringify(findings, undefined, 1));
      assert.not(findings.some(({ level }) => level === 'repaired'));
    }
  } finally {
    isTyping = false;
    await typing;
  }
  await requireClean(parts, DATABASE, ['typed']);
  const stored = await database.blobs.findOne({ _id: 'typed' });
  assert.ok(stored);
  const { version, created_at: createdAt, updated_at: updatedAt } = stored;
  const genesis = {
    contentType: 'text/plain',
    parentIds: [],
    rootId: 'typed',
    depth: 0,
    createdBy: 'user',
    labels: {},
  };
  const old = { id: 'typed', owner: 'ann', genesis, version: 1, contentVersion: 1, size: 0, createdAt, updatedAt };
  assert.not(await new BlobHeads(database).restore(old, version - 1), 'another version was found to be wrong');
  assert.equal(await database.blobs.findOne({ _id: 'typed' }), stored);
});

test('what can not be read of one blob is named, and all other blobs are looked at', async () => {
  const broken = ['no-genesis', 'no-parents', 'no-type'];
  for (const id of broken) await client.blobs.createBlob({ id, contentType: 'text/plain', content: Buffer.from('x') });
  const contentType = 'application/octet-stream';
  await client.blobs.createBlob({ id: 'bytes', contentType, content: Buffer.from('x') });
  await seedLog(database, { blobId: 'index', owner: 'ann', deltas: 300, seed: 3, sampleEvery: 300 });
  const past = await openHistory(database);
  await past.maker.makeState('index', 200);
  const commits = await database.commits.find({ blob_id: { $in: broken } }).toArray();
  const contents = await database.contents.find({}).toArray();
  await setFirst('no-genesis', { 'deltas.0.genesis': null });
  await setFirst('no-parents', { 'deltas.0.genesis.parentIds': null });
  await setFirst('no-type', { 'deltas.0.genesis.contentType': 7 });
  await database.contents.updateMany({}, { $unset: { bytes: '' } });
  await database.checkpointIndex.updateOne({ _id: 'index' }, { $unset: { states: '' } });
  const { blobs, findings } = await audit(parts, DATABASE);
  assert.is(blobs, await database.blobs.countDocuments());
  const told = findings.filter(({ level }) => level === 'difference').map(({ blobId, text }) => `${blobId}: ${text}`);
  assert.equal(
    told.map((line) => line.replace(/[0-9a-f]{64}/, '…')),
    [
      'bytes: the bytes with SHA-256 … are missing',
      'index: the index of checkpoints is damaged',
      ...broken.map((id) => `${id}: delta 1 does not say what the blob is`),
    ],
  );
  assert.is((await past.history.load('index')).version, 300, 'it is loaded from the log');
  await past.close();
  assert.is((await audit(parts, DATABASE, { blobIds: ['index'], repair: true })).differences, 0);
  for (const commit of commits) await database.commits.replaceOne({ _id: commit._id }, commit);
  for (const content of contents) await database.contents.replaceOne({ _id: content._id }, content);
  await requireClean(parts, DATABASE);
});

test('what a delta or a head says of itself is named where it can not be so', async () => {
  await client.blobs.createBlob({ id: 'fields', contentType: 'text/plain' });
  const { id: previousDelta } = await insertAt(client, { blobId: 'fields', offset: 0, text: 'a', fromVersion: 1n });
  await insertAt(client, { blobId: 'fields', offset: 1, text: 'b', fromVersion: 1n, previousDelta });
  await client.blobs.revertBlob({ blobId: 'fields', target: { case: 'deltas', value: { ids: [previousDelta] } } });
  await client.blobs.nameVersion({ blobId: 'fields', version: 3n, name: 'three' });
  await requireClean(parts, DATABASE, ['fields']);
  const filter = { blob_id: 'fields' };
  const commits = await database.commits.find(filter).sort({ blob_id: 1, first_seq: 1 }).toArray();
  const head = await database.blobs.findOne({ _id: 'fields' });
  assert.ok(head);
  const set = (seq: number, $set: Record<string, unknown>): Promise<unknown> =>
    database.commits.updateOne({ ...filter, first_seq: seq }, { $set });
  await set(2, { 'deltas.0.behind': -3, 'deltas.0.chain_length': 0, 'deltas.0.patch.hash': 'x' });
  await set(3, { 'deltas.0.previous_delta': `${commits[3]?._id}-0`, 'deltas.0.extras': [9, 2] });
  await set(4, { 'deltas.0.reverts': [previousDelta.replace(/^./, 'z')], applied_at: null });
  const damaged: Record<string, unknown> = { labels: { k: 7 }, meta_version: 'x' };
  await database.blobs.updateOne({ _id: 'fields' }, { $set: damaged });
  const told = async (): Promise<string[]> =>
    (await audit(parts, DATABASE, { blobIds: ['fields'] })).findings
      .filter(({ kind }) => kind !== 'head')
      .map(({ text }) => text);
  assert.equal(await told(), [
    'delta 2: its base is none below it',
    'delta 2: its chain has no such length',
    'delta 2: the hash of its patch is none',
    'delta 3: its base is none below it',
    'delta 3: the delta before it in its chain is not in the log below it',
    'delta 4: its time of commit is none',
    'delta 4: what it reverts is not in the log below it',
    'labels are {"k":7}',
    'meta_version is "x"',
  ]);
  for (const commit of commits) await database.commits.replaceOne({ _id: commit._id }, commit);
  await database.blobs.replaceOne({ _id: 'fields' }, head);
  await database.db.collection('named_versions').updateOne(filter, { $set: { version: 7 } });
  assert.equal(await told(), ['version 7, which has a name, lies beyond the end of the log, 4']);
  await database.db.collection('named_versions').deleteMany(filter);
  await requireClean(parts, DATABASE, ['fields']);
});

test('damaged origins are named, and made anew of the log', async () => {
  const deltas = 3 * ORIGINS_BLOCK_VERSIONS;
  await seedLog(database, { blobId: 'origins', owner: 'ann', deltas, seed: 3, sampleEvery: deltas });
  const before = await client.blobs.getAttribution({ blobId: 'origins', pageSize: 500 });
  const blocks = database.db.collection<{ _id: string; bytes: Uint8Array; after: number }>('origin_blocks');
  const stored = await blocks.find({ blob_id: 'origins' }).sort({ _id: 1 }).toArray();
  assert.is(stored.length, 3);
  await requireClean(parts, DATABASE, ['origins']);
  const set = (index: number, bytes: Uint8Array, rest = {}): Promise<unknown> =>
    blocks.updateOne({ _id: stored[index]?._id ?? '' }, { $set: { bytes }, ...rest });
  const renamed = (index: number): Buffer =>
    Buffer.from(
      Buffer.from(stored[index]?.bytes ?? [])
        .toString('latin1')
        .replace('ann', 'eve'),
      'latin1',
    );
  await set(0, Buffer.from(stored[0]?.bytes ?? []).subarray(0, 2_000));
  await set(1, renamed(1));
  // As blocks were stored once.
  await set(2, renamed(2), { $unset: { hash: '' } });
  const { findings } = await audit(parts, DATABASE, { blobIds: ['origins'] });
  const told = findings.map(({ level, kind, text }) => `${level}: ${kind}: ${text.replace(/\d+\.\.\d+ /, '')}`);
  assert.equal(told.sort(), [
    'difference: attribution: the origins of versions are not those of the log',
    "difference: attribution: the origins of versions can't be read",
    "difference: attribution: the origins of versions can't be read",
  ]);
  await audit(parts, DATABASE, { blobIds: ['origins'], repair: true });
  assert.equal(await blocks.find({ blob_id: 'origins' }).sort({ _id: 1 }).toArray(), stored);
  await requireClean(parts, DATABASE, ['origins']);
  const after = await client.blobs.getAttribution({ blobId: 'origins', pageSize: 500 });
  assert.equal(after.ranges, before.ranges);
});

test.run();
