/** Changes that a door refuses leave nothing behind: the blob, its log and the providers are as they were. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Role } from '../../src/gen/memmie/studio/v1/access_pb.ts';
import { ProviderType } from '../../src/gen/memmie/studio/v1/provider_pb.ts';
import { CHAIN_DELTAS_MAX, CONTENT_BYTES_MAX, UPDATE_BYTES_MAX } from '../../src/limits.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { allDeltas, connectAs, insertAt, readText, refused, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { writeHistory } from './history-world.ts';

const test = suite('refused changes');
const TOO_LARGE = Buffer.alloc(CONTENT_BYTES_MAX + 1, 'x');
let parts: TestParts;
let studio: TestStudio;
let ann: StudioClient;
let bob: StudioClient;
let made = 0;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  studio = await startStudio({ parts, env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  ann = connectAs(studio.address, await studio.token('ann'));
  bob = connectAs(studio.address, await studio.token('bob'));
});
test.after(async () => {
  await studio?.stop();
  await parts?.stop();
});

async function newText(text: string): Promise<string> {
  const id = `text-${++made}`;
  await ann.blobs.createBlob({ id, content: Buffer.from(text), contentType: 'text/plain' });
  return id;
}

/** Runs what is refused, and compares text and deltas before and after. */
async function unchanged(id: string, run: () => Promise<unknown>): Promise<void> {
  const look = async (): Promise<unknown> => [await readText(ann, id), (await allDeltas(ann, id)).map((one) => one.id)];
  const before = await look();
  await run();
  assert.equal(await look(), before);
}

const push = (client: StudioClient, blobId: string, value: Uint8Array): Promise<unknown> =>
  client.deltas.applyDelta({ blobId, patch: { case: 'yjsUpdate', value } });

test('content and updates beyond their bytes', async () => {
  const content = TOO_LARGE;
  await refused(ann.blobs.createBlob({ id: 'never-made', content, contentType: 'text/plain' }), 'CONTENT_TOO_LARGE');
  await refused(ann.blobs.getBlob({ id: 'never-made' }), 'BLOB_NOT_FOUND');
  const id = await newText('hello');
  await unchanged(id, async () => {
    await refused(ann.blobs.updateBlob({ id, content }), 'CONTENT_TOO_LARGE');
    await refused(
      ann.deltas.applyDelta({ blobId: id, patch: { case: 'content', value: content } }),
      'CONTENT_TOO_LARGE',
    );
    await refused(push(ann, id, new Uint8Array(UPDATE_BYTES_MAX + 1)), 'UPDATE_TOO_COMPLEX');
  });
});

test('a chain of as many deltas as one may have; from a newer version another begins', async () => {
  const id = 'long-chain';
  const database = await openDatabase({ url: parts.url('mongodb'), name: 'studio' });
  const edit = (doc: Y.Doc): void => doc.getText('content').insert(0, 'x');
  const at = new Date();
  await writeHistory(database, id, 'text/plain', [
    { by: 'ann', at, edit },
    { by: 'ann', at, edit },
  ]);
  await database.commits.updateOne(
    { blob_id: id, first_seq: 2 },
    { $set: { 'deltas.0.chain_length': CHAIN_DELTAS_MAX } },
  );
  await database.close();
  const previousDelta = (await allDeltas(ann, id)).at(-1)?.id;
  const next = { blobId: id, offset: 0, text: 'y', fromVersion: 1n };
  await unchanged(id, async () => {
    await refused(insertAt(ann, { ...next, previousDelta }), 'CHAIN_TOO_LONG');
  });
  await insertAt(ann, { ...next, fromVersion: 2n });
});

test("another user's client id", async () => {
  const id = await newText('hello');
  await ann.access.grantAccess({ blobId: id, userId: 'bob', role: Role.EDITOR });
  const doc = new Y.Doc();
  for (const { id: deltaId } of await allDeltas(ann, id))
    for (const update of (await ann.deltas.getDelta({ id: deltaId })).delta?.updates ?? []) Y.applyUpdate(doc, update);
  doc.clientID = 4_000_000_001;
  const known = Y.encodeStateVector(doc);
  doc.getText('content').insert(0, 'anns ');
  await push(ann, id, Y.encodeStateAsUpdate(doc, known));
  const later = Y.encodeStateVector(doc);
  doc.getText('content').insert(0, 'not bobs ');
  await unchanged(id, async () => {
    await refused(push(bob, id, Y.encodeStateAsUpdate(doc, later)), 'CLIENT_ID_FOREIGN');
  });
});

test('a patch of a form that text does not take, and any patch of a deleted blob', async () => {
  const id = await newText('text');
  await unchanged(id, async () => {
    for (const form of ['jsonPatch', 'mergePatch'] as const)
      await refused(ann.deltas.applyDelta({ blobId: id, patch: { case: form, value: '[]' } }), 'PATCH_UNSUPPORTED');
  });
  await ann.blobs.deleteBlob({ id });
  await unchanged(id, async () => {
    await refused(insertAt(ann, { blobId: id, offset: 0, text: 'x' }), 'BLOB_DELETED');
    await refused(ann.blobs.updateBlob({ id, content: Buffer.from('x') }), 'BLOB_DELETED');
    await refused(ann.blobs.deleteBlob({ id }), 'BLOB_DELETED');
  });
});

test('children: a page token of another parent, of another user, and a made-up one', async () => {
  const [one, other] = [await newText('one'), await newText('other')];
  await ann.access.grantAccess({ blobId: one, userId: 'bob', role: Role.VIEWER });
  for (let n = 0; n < 2; n++) {
    const content = Buffer.from('x');
    await ann.blobs.createBlob({ id: `child-${n}`, parentIds: [one], content, contentType: 'text/plain' });
  }
  const { blobs: children, nextPageToken: pageToken } = await ann.dag.listChildren({ blobId: one, pageSize: 1 });
  assert.is(children.length, 1);
  await refused(ann.dag.listChildren({ blobId: other, pageToken }), 'PAGE_TOKEN_INVALID');
  await refused(bob.dag.listChildren({ blobId: one, pageToken }), 'PAGE_TOKEN_INVALID');
  await refused(ann.dag.listChildren({ blobId: one, pageToken: 'made up' }), 'PAGE_TOKEN_INVALID');
  assert.is((await ann.dag.listChildren({ blobId: one, pageToken })).blobs.length, 1);
});

test('a refused registration registers nothing', async () => {
  const good = { name: 'p', type: ProviderType.BUILTIN, workflowId: 'expander' };
  await refused(ann.providers.registerProvider({ ...good, inputSchema: '{"type": "no-such"}' }), 'SCHEMA_INVALID');
  await refused(ann.providers.registerProvider({ ...good, triggerPatterns: ['(unclosed'] }), 'PATTERN_INVALID');
  const workflow = { ...good, type: ProviderType.WORKFLOW, workflowId: 'expand-workflow' };
  await refused(ann.providers.registerProvider({ ...workflow, taskQueue: 'studio-propagation' }), 'WORKFLOW_FORBIDDEN');
  assert.equal((await ann.providers.listProviders({})).providers, []);
});

test.run();
