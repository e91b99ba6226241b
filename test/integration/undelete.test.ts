/** Deleted blobs come back, and what raced their deletion is there. */
import * as assert from 'uvu/assert';
import { Operation } from '../../src/gen/memmie/studio/v1/operation_pb.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { allDeltas, connectAs, insertAt, readText, refused, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { SyncWorld } from './sync-world.ts';

const test = suite('undelete');
const world = new SyncWorld();
let parts: TestParts;
let studios: TestStudio[] = [];
let ann: StudioClient;
let elsewhere: StudioClient;
let bob: StudioClient;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  const env = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };
  studios = await Promise.all([startStudio({ parts, env }), startStudio({ parts, env })]);
  const [first, second] = studios as [TestStudio, TestStudio];
  ann = connectAs(first.address, await first.token('ann'));
  elsewhere = connectAs(second.address, await second.token('ann'));
  bob = connectAs(first.address, await first.token('bob'));
});
test.after(() => world.close());
test.after(async () => {
  await Promise.all(studios.map((studio) => studio.stop()));
  await parts?.stop();
});

async function textBlob(id: string, text = 'here'): Promise<string> {
  await ann.blobs.createBlob({ id, content: Buffer.from(text), contentType: 'text/plain' });
  return id;
}

async function isListed(client: StudioClient, id: string): Promise<boolean> {
  return (await client.blobs.listBlobs({ pageSize: 500 })).blobs.some((blob) => blob.id === id);
}

test('G1: an undeleted blob is back in the lists when it is answered, takes edits through every process, and has its history', async () => {
  const id = await textBlob('back');
  await ann.blobs.deleteBlob({ id });
  assert.not.ok(await isListed(ann, id));
  await refused(insertAt(elsewhere, { blobId: id, offset: 0, text: 'x' }), 'BLOB_DELETED');
  const { blob, delta } = await ann.blobs.undeleteBlob({ id });
  assert.is(delta?.operation, Operation.UNDELETE);
  assert.is(delta?.toVersion, 3n);
  assert.is(blob?.deletedAt, undefined);
  assert.ok(await isListed(ann, id));
  assert.ok(await isListed(elsewhere, id));
  // At once, through a process that knew the blob as deleted.
  await insertAt(elsewhere, { blobId: id, offset: 0, text: 'still ' });
  assert.is(await readText(ann, id), 'still here');
  assert.equal(
    (await allDeltas(ann, id)).map(({ operation }) => operation),
    [Operation.CREATE, Operation.DELETE, Operation.UNDELETE, Operation.UPDATE],
  );
  await ann.blobs.deleteBlob({ id });
  await elsewhere.blobs.undeleteBlob({ id });
  assert.is((await ann.blobs.getBlob({ id })).blob?.deletedAt, undefined);
});

test('G4: undeleting what is not deleted answers the newest delta; the same request gets its first answer', async () => {
  const id = await textBlob('not-deleted');
  const { delta } = await ann.blobs.undeleteBlob({ id });
  assert.is(delta?.toVersion, 1n);
  const before = (await ann.blobs.getBlob({ id })).blob;
  const idle = await ann.blobs.undeleteBlob({ id, requestId: 'u-0' });
  assert.is(idle.delta?.toVersion, 2n);
  for (const { blob } of [idle, await elsewhere.blobs.getBlob({ id })])
    assert.equal([blob?.version, blob?.updatedAt], [2n, before?.updatedAt]);
  await ann.blobs.deleteBlob({ id });
  const first = await ann.blobs.undeleteBlob({ id, requestId: 'u-1' });
  await ann.blobs.deleteBlob({ id });
  const again = await elsewhere.blobs.undeleteBlob({ id, requestId: 'u-1' });
  assert.is(again.delta?.id, first.delta?.id);
  assert.ok(again.blob?.deletedAt, 'an old answer brings nothing back');
  await Promise.all([ann, elsewhere, ann].map((client) => client.blobs.undeleteBlob({ id, requestId: 'u-2' })));
  await Promise.all([ann, elsewhere, ann].map((client) => client.blobs.undeleteBlob({ id })));
  const undeletes = (await allDeltas(ann, id)).filter(({ operation }) => operation === Operation.UNDELETE);
  assert.is(undeletes.length, 3);
});

test('an edit that raced the deletion stays committed', async () => {
  const id = await textBlob('raced', '');
  const racing = Array.from({ length: 20 }, (_, round) =>
    insertAt(round % 2 ? ann : elsewhere, { blobId: id, offset: 0, text: `[${round}]` }).then(
      () => `[${round}]`,
      () => '',
    ),
  );
  await ann.blobs.deleteBlob({ id });
  const acknowledged = (await Promise.all(racing)).filter(Boolean);
  assert.ok((await ann.blobs.getBlob({ id })).blob?.deletedAt, 'it stays deleted');
  await ann.blobs.undeleteBlob({ id });
  const text = await readText(elsewhere, id);
  for (const edit of acknowledged) assert.ok(text.includes(edit), edit);
  assert.is(text.length, acknowledged.join('').length);
});

test('editors of a blob that came back stay, though its deletion is asked for once more', async () => {
  const id = await textBlob('edited');
  const [studio] = studios as [TestStudio];
  const before = await world.openSynced(studio, id, await studio.token('ann'));
  await ann.blobs.deleteBlob({ id, requestId: 'd-1' });
  await eventually('the editor is told of the deletion', () => before.closed() !== undefined);
  await ann.blobs.undeleteBlob({ id });
  const editor = await world.openSynced(studio, id, await studio.token('ann'));
  const { delta } = await ann.blobs.deleteBlob({ id, requestId: 'd-1' });
  assert.is(delta?.toVersion, 2n);
  editor.text.insert(0, 'still ');
  await eventually('its edit is in', async () => (await readText(ann, id)) === 'still here');
  assert.is(editor.closed(), undefined);
});

test('bad input: unknown, foreign, and stale etags; the blob is as it was', async () => {
  const id = await textBlob('guarded');
  const { blob } = await ann.blobs.getBlob({ id });
  await ann.blobs.deleteBlob({ id });
  await refused(ann.blobs.undeleteBlob({ id: 'no-such-blob' }), 'BLOB_NOT_FOUND');
  await refused(bob.blobs.undeleteBlob({ id }), 'BLOB_NOT_FOUND');
  await refused(ann.blobs.undeleteBlob({ id: 'with space' }), 'FIELD_INVALID');
  await refused(ann.blobs.undeleteBlob({ id, etag: blob?.etag }), 'ETAG_MISMATCH');
  assert.is((await allDeltas(ann, id)).length, 2);
  const { blob: deleted } = await ann.blobs.getBlob({ id });
  await ann.blobs.undeleteBlob({ id, etag: deleted?.etag });
  assert.is((await allDeltas(ann, id)).length, 3);
});

test('over REST', async () => {
  const id = await textBlob('rest-undelete');
  await ann.blobs.deleteBlob({ id });
  const [studio] = studios as [TestStudio];
  const response = await fetch(`${studio.address}/api/v1/studio/blobs/${id}:undelete`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await studio.token('ann')}`, 'Content-Type': 'application/json' },
  });
  assert.is(response.status, 200);
  const body = (await response.json()) as { delta: { operation: string } };
  assert.is(body.delta.operation, 'OPERATION_UNDELETE');
});

test.run();
