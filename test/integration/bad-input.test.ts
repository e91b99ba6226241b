/** Every way to be refused: the right code and reason, and the blob is as it was. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { ProviderType, TriggerEvent } from '../../src/gen/memmie/studio/v1/provider_pb.ts';
import { OffsetEncoding } from '../../src/gen/memmie/studio/v1/delta_pb.ts';
import { Role } from '../../src/gen/memmie/studio/v1/access_pb.ts';
import { CHAIN_RANGES_MAX, CONTENT_BYTES_MAX } from '../../src/limits.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { allDeltas, connectAs, insertAt, readText, refused, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { writeHistory, type WrittenChange } from './history-world.ts';

const test = suite('bad input');
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

/** A fresh text blob, and a check that nothing of it changed. */
async function textBlob(text: string): Promise<{ id: string; unchanged: () => Promise<void> }> {
  const id = `blob-${++made}`;
  await ann.blobs.createBlob({ id, content: Buffer.from(text), contentType: 'text/plain' });
  return { id, unchanged: () => requireUnchanged(id) };
}

const before = new Map<string, { text: string; deltas: number }>();

async function remember(id: string): Promise<void> {
  before.set(id, { text: await readText(ann, id), deltas: (await allDeltas(ann, id)).length });
}

async function requireUnchanged(id: string): Promise<void> {
  const known = before.get(id);
  assert.ok(known, 'remember() first');
  assert.is(await readText(ann, id), known?.text);
  assert.is((await allDeltas(ann, id)).length, known?.deltas);
}

function push(client: StudioClient, blobId: string, update: Uint8Array): Promise<unknown> {
  return client.deltas.applyDelta({ blobId, patch: { case: 'yjsUpdate', value: update } });
}

/** The blob as a Y.Doc, built of its deltas, as an editor would hold it. */
async function docOf(blobId: string): Promise<Y.Doc> {
  const doc = new Y.Doc();
  for (const { id } of await allDeltas(ann, blobId)) {
    const { delta } = await ann.deltas.getDelta({ id });
    for (const update of delta?.updates ?? []) Y.applyUpdate(doc, update);
  }
  return doc;
}

/** The update that `edit` makes on a copy of `doc`. */
function updateOf(doc: Y.Doc, clientId: number, edit: (doc: Y.Doc) => void): Uint8Array {
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  copy.clientID = clientId;
  const known = Y.encodeStateVector(copy);
  edit(copy);
  return Y.encodeStateAsUpdate(copy, known);
}

test('unknown and foreign blobs read the same on every call', async () => {
  const { id } = await textBlob('mine');
  await remember(id);
  for (const [client, blobId] of [
    [ann, 'no-such-blob'],
    [bob, id],
  ] as const) {
    await refused(client.blobs.getBlob({ id: blobId }), 'BLOB_NOT_FOUND');
    await refused(client.blobs.updateBlob({ id: blobId, content: Buffer.from('x') }), 'BLOB_NOT_FOUND');
    await refused(client.blobs.deleteBlob({ id: blobId }), 'BLOB_NOT_FOUND');
    await refused(client.blobs.listVersions({ blobId }), 'BLOB_NOT_FOUND');
    await refused(insertAt(client, { blobId, offset: 0, text: 'x' }), 'BLOB_NOT_FOUND');
    await refused(client.deltas.listDeltas({ blobId }), 'BLOB_NOT_FOUND');
    await refused(client.dag.getDag({ blobId }), 'BLOB_NOT_FOUND');
    await refused(client.dag.listChildren({ blobId }), 'BLOB_NOT_FOUND');
    await refused(
      client.blobs.createBlob({ content: Buffer.from('x'), contentType: 'text/plain', parentIds: [blobId] }),
      'PARENT_NOT_FOUND',
    );
  }
  const [delta] = await allDeltas(ann, id);
  await refused(bob.deltas.getDelta({ id: delta?.id ?? '' }), 'DELTA_NOT_FOUND');
  await refused(ann.deltas.getDelta({ id: 'no-such-delta' }), 'DELTA_NOT_FOUND');
  await refused(
    bob.blobs.createBlob({ id, content: Buffer.from('x'), contentType: 'text/plain' }),
    'BLOB_ALREADY_EXISTS',
  );
  await requireUnchanged(id);
});

test('a version or a base that is not yet; an old base is none of these and merges', async () => {
  const { id } = await textBlob('abc');
  await insertAt(ann, { blobId: id, offset: 3, text: 'd' });
  await remember(id);
  await refused(ann.blobs.getBlob({ id, version: 3n }), 'VERSION_NOT_FOUND');
  await refused(insertAt(ann, { blobId: id, offset: 0, text: 'x', fromVersion: 3n }), 'BASE_VERSION_UNKNOWN');
  await refused(insertAt(ann, { blobId: id, offset: 0, text: 'x', fromVersion: 0n }), 'BASE_VERSION_UNKNOWN');
  await requireUnchanged(id);
  await insertAt(ann, { blobId: id, offset: 3, text: '!', fromVersion: 1n });
  assert.match(await readText(ann, id), /^abc(d!|!d)$/);
});

test('previous_delta: unknown, of another blob, of another caller', async () => {
  const { id } = await textBlob('abc');
  const other = await textBlob('other');
  const elsewhere = await insertAt(ann, { blobId: other.id, offset: 0, text: 'x' });
  await remember(id);
  const edit = { blobId: id, offset: 0, text: 'x', fromVersion: 1n };
  await refused(insertAt(ann, { ...edit, previousDelta: 'nonsense' }), 'PREVIOUS_DELTA_UNKNOWN');
  await refused(
    insertAt(ann, { ...edit, previousDelta: '0198c5a2-0000-7000-8000-000000000000-0' }),
    'PREVIOUS_DELTA_UNKNOWN',
  );
  await refused(insertAt(ann, { ...edit, previousDelta: elsewhere.id }), 'PREVIOUS_DELTA_UNKNOWN');
  await ann.access.grantAccess({ blobId: id, userId: 'bob', role: Role.EDITOR });
  const [anns] = await allDeltas(ann, id);
  await refused(insertAt(bob, { ...edit, previousDelta: anns?.id }), 'PREVIOUS_DELTA_FOREIGN');
  await requireUnchanged(id);
});

test('a chain of more separate runs than one may have; from a newer version it goes on', async () => {
  const id = 'chain';
  const length = 2 * CHAIN_RANGES_MAX + 3;
  // Bob's between hers keep her deltas apart: versions 3, 5, 7 and so on.
  const runs = Array.from({ length: CHAIN_RANGES_MAX }, (_none, run) => ({ first: 2 * run + 3, last: 2 * run + 3 }));
  const database = await openDatabase({ url: parts.url('mongodb'), name: 'studio' });
  const changes = Array.from({ length }, (_none, index): WrittenChange => ({
    by: index % 2 === 0 ? 'ann' : 'bob',
    at: new Date(),
    base: index === length - 1 ? { fromVersion: 1, extras: runs } : undefined,
    edit: (doc) => doc.getText('content').insert(0, 'x'),
  }));
  await writeHistory(database, id, 'text/plain', changes);
  await database.close();
  await remember(id);
  const newest = (await allDeltas(ann, id)).at(-1);
  assert.is(newest?.base?.extras.length, CHAIN_RANGES_MAX);
  const edit = { blobId: id, offset: 0, text: 'x', previousDelta: newest?.id };
  await refused(insertAt(ann, { ...edit, fromVersion: 1n }), 'CHAIN_TOO_LONG');
  await requireUnchanged(id);
  await insertAt(ann, { ...edit, fromVersion: newest?.toVersion });
});

test('edits outside the text, and offsets that split a character, in every encoding', async () => {
  const { id } = await textBlob('a😀é');
  await remember(id);
  const edit = (encoding: OffsetEncoding, offset: number, deleteCount: number, insert = ''): Promise<unknown> =>
    ann.deltas.applyDelta({
      blobId: id,
      patch: { case: 'textEdits', value: { encoding, edits: [{ offset, deleteCount, insert }] } },
    });
  for (const [encoding, length] of [
    [OffsetEncoding.CODE_POINTS, 3],
    [OffsetEncoding.UTF16, 4],
    [OffsetEncoding.UTF8, 7],
  ] as const) {
    await refused(edit(encoding, length + 1, 0, 'x'), 'EDIT_OUT_OF_RANGE');
    await refused(edit(encoding, 0, length + 1), 'EDIT_OUT_OF_RANGE');
    await refused(edit(encoding, 4_294_967_295, 4_294_967_295), 'EDIT_OUT_OF_RANGE');
  }
  await refused(edit(OffsetEncoding.UTF16, 2, 0, 'x'), 'EDIT_SPLITS_CHARACTER');
  await refused(edit(OffsetEncoding.UTF16, 1, 1), 'EDIT_SPLITS_CHARACTER');
  await refused(edit(OffsetEncoding.UTF8, 3, 0, 'x'), 'EDIT_SPLITS_CHARACTER');
  await refused(edit(OffsetEncoding.UTF8, 5, 1), 'EDIT_SPLITS_CHARACTER');
  // The second of two edits is wrong: the first must not be in either.
  const two = {
    encoding: OffsetEncoding.UTF16,
    edits: [
      { offset: 0, insert: 'ok' },
      { offset: 99, insert: 'x' },
    ],
  };
  await refused(ann.deltas.applyDelta({ blobId: id, patch: { case: 'textEdits', value: two } }), 'EDIT_OUT_OF_RANGE');
  await requireUnchanged(id);
});

test('G6: garbage, truncated, and dependent Yjs updates', async () => {
  const { id } = await textBlob('hello world');
  await remember(id);
  const doc = await docOf(id);
  const good = updateOf(doc, 4_000_000_001, (copy) => copy.getText('content').insert(5, ' there, you'));
  await refused(push(ann, id, Buffer.from('not a Yjs update at all')), 'UPDATE_MALFORMED');
  await refused(push(ann, id, good.subarray(0, good.length - 3)), 'UPDATE_MALFORMED');
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  copy.clientID = 4_000_000_002;
  copy.getText('content').insert(0, 'first ');
  const seen = Y.encodeStateVector(copy);
  copy.getText('content').insert(0, 'second ');
  const dependent = Y.encodeStateAsUpdate(copy, seen);
  await refused(push(ann, id, dependent), 'UPDATE_DEPENDS_ON_MISSING', { missing: '4000000002:0' });
  const stranger = new Y.Doc();
  stranger.clientID = 4_000_000_003;
  stranger.getText('content').insert(0, 'elsewhere');
  const known = Y.encodeStateVector(stranger);
  stranger.getText('content').delete(0, 4);
  await refused(push(ann, id, Y.encodeStateAsUpdate(stranger, known)), 'UPDATE_DELETES_UNKNOWN');
  await requireUnchanged(id);
});

test('G6: a change that follows one made on more than from_version includes', async () => {
  const { id } = await textBlob('abc');
  await insertAt(ann, { blobId: id, offset: 0, text: 'XY' });
  const value = updateOf(await docOf(id), 4_000_000_009, (doc) => doc.getText('content').insert(1, '!'));
  const { delta } = await ann.deltas.applyDelta({ blobId: id, fromVersion: 1n, patch: { case: 'yjsUpdate', value } });
  await remember(id);
  const edit = { blobId: id, offset: 1, text: '?', previousDelta: delta?.id };
  for (let times = 0; times < 2; times++)
    await refused(insertAt(ann, { ...edit, fromVersion: 1n }), 'UPDATE_DEPENDS_ON_MISSING');
  await requireUnchanged(id);
  await insertAt(ann, { ...edit, fromVersion: 2n });
  assert.is(await readText(ann, id), 'X?!Yabc');
});

test("another's client id, and a client id's range with other content", async () => {
  const { id } = await textBlob('hello');
  const minted = [...Y.decodeStateVector(Y.encodeStateVector(await docOf(id))).keys()][0] ?? 0;
  const doc = await docOf(id);
  await remember(id);
  // The id that the server minted for the creation.
  const stolen = updateOf(doc, minted, (copy) => copy.getText('content').insert(0, 'x'));
  await refused(push(ann, id, stolen), 'CLIENT_ID_FOREIGN');
  await requireUnchanged(id);
  await push(
    ann,
    id,
    updateOf(doc, 4_000_000_004, (copy) => copy.getText('content').insert(0, 'one')),
  );
  await remember(id);
  await refused(
    push(
      ann,
      id,
      updateOf(doc, 4_000_000_004, (copy) => copy.getText('content').insert(0, 'two')),
    ),
    'CLIENT_ID_REUSED',
  );
  await requireUnchanged(id);
});

test('the wrong root, and content that does not belong into a text', async () => {
  const { id } = await textBlob('hello');
  await remember(id);
  const doc = await docOf(id);
  await refused(
    push(
      ann,
      id,
      updateOf(doc, 4_000_000_005, (copy) => copy.getText('elsewhere').insert(0, 'x')),
    ),
    'UPDATE_ROOT_FORBIDDEN',
  );
  await refused(
    push(
      ann,
      id,
      updateOf(doc, 4_000_000_006, (copy) => copy.getText('content').insertEmbed(0, { image: 'x' })),
    ),
    'UPDATE_CONTENT_FORBIDDEN',
  );
  await refused(
    push(
      ann,
      id,
      updateOf(doc, 4_000_000_007, (copy) => copy.getText('content').insertEmbed(0, new Y.Map())),
    ),
    'UPDATE_CONTENT_FORBIDDEN',
  );
  await requireUnchanged(id);
});

test('content that is too large, of an unknown type, or not what its type says', async () => {
  const create = (contentType: string, content: Uint8Array): Promise<unknown> =>
    ann.blobs.createBlob({ id: 'never-made', contentType, content });
  await refused(create('nonsense', Buffer.from('x')), 'CONTENT_TYPE_UNSUPPORTED');
  await refused(create('text/plain; charset=latin1', Buffer.from('x')), 'CONTENT_TYPE_UNSUPPORTED');
  await refused(create('application/json', Buffer.from('{"a":')), 'CONTENT_INVALID');
  await refused(create('text/plain', Buffer.from([0xff, 0xfe])), 'CONTENT_INVALID');
  await refused(ann.blobs.getBlob({ id: 'never-made' }), 'BLOB_NOT_FOUND');
  const { id } = await textBlob('x'.repeat(CONTENT_BYTES_MAX - 10));
  await refused(insertAt(ann, { blobId: id, offset: 0, text: 'y'.repeat(11) }), 'CONTENT_TOO_LARGE');
  assert.is(Number((await ann.blobs.getBlob({ id })).blob?.version), 1);
  // One that only deletes makes it smaller, however full it is and however many bytes the deletions take.
  await insertAt(ann, { blobId: id, offset: 0, text: 'y'.repeat(10) });
  const doc = await docOf(id);
  await push(
    ann,
    id,
    updateOf(doc, 4_000_000_008, (copy) => {
      for (let at = 0; at < 1_000; at += 1) copy.getText('content').delete(at, 1);
    }),
  );
  assert.is((await readText(ann, id)).length, CONTENT_BYTES_MAX - 1_000);
});

test('a patch of a form that the type does not take', async () => {
  await ann.blobs.createBlob({ id: 'json-1', contentType: 'application/json', content: Buffer.from('{"a":1}') });
  await remember('json-1');
  await refused(insertAt(ann, { blobId: 'json-1', offset: 0, text: 'x' }), 'PATCH_UNSUPPORTED');
  const { id } = await textBlob('text');
  await refused(ann.deltas.applyDelta({ blobId: id, patch: { case: 'jsonPatch', value: '[]' } }), 'PATCH_UNSUPPORTED');
  await requireUnchanged('json-1');
});

test('page tokens of another query, and made-up ones', async () => {
  const [a, b] = [await textBlob('a'), await textBlob('b')];
  for (const { id } of [a, b]) for (let i = 0; i < 3; i++) await insertAt(ann, { blobId: id, offset: 0, text: 'x' });
  const { nextPageToken } = await ann.deltas.listDeltas({ blobId: a.id, pageSize: 1 });
  assert.is(
    (await ann.deltas.listDeltas({ blobId: a.id, pageSize: 1, pageToken: nextPageToken })).deltas[0]?.toVersion,
    2n,
  );
  await refused(ann.deltas.listDeltas({ blobId: b.id, pageSize: 1, pageToken: nextPageToken }), 'PAGE_TOKEN_INVALID');
  await refused(ann.blobs.listBlobs({ pageToken: nextPageToken }), 'PAGE_TOKEN_INVALID');
  await refused(ann.blobs.listBlobs({ pageToken: 'made up' }), 'PAGE_TOKEN_INVALID');
  const blobs = await ann.blobs.listBlobs({ pageSize: 1 });
  await refused(bob.blobs.listBlobs({ pageSize: 1, pageToken: blobs.nextPageToken }), 'PAGE_TOKEN_INVALID');
});

test('cursors that are made up', async () => {
  const read = async (): Promise<void> => {
    for await (const event of ann.events.watchEvents({ cursor: 'made-up' })) assert.unreachable(event.event?.id);
  };
  await refused(read(), 'CURSOR_INVALID');
});

test('providers: wrong schema, bad pattern, forbidden queue, unknown built-in, scope', async () => {
  const good = {
    name: 'p',
    type: ProviderType.BUILTIN,
    workflowId: 'expander',
    triggerEvents: [TriggerEvent.BLOB_CREATED],
  };
  await refused(ann.providers.registerProvider({ ...good, inputSchema: '{"type": "no-such-type"}' }), 'SCHEMA_INVALID');
  await refused(ann.providers.registerProvider({ ...good, outputSchema: 'not json' }), 'SCHEMA_INVALID');
  await refused(ann.providers.registerProvider({ ...good, triggerPatterns: ['(unclosed'] }), 'PATTERN_INVALID');
  await refused(ann.providers.registerProvider({ ...good, workflowId: 'no-such-builtin' }), 'PROVIDER_INVALID');
  const workflow = { ...good, type: ProviderType.WORKFLOW, workflowId: 'expand-workflow' };
  await refused(ann.providers.registerProvider({ ...workflow, taskQueue: 'studio-propagation' }), 'WORKFLOW_FORBIDDEN');
  await refused(ann.providers.getProvider({ id: 'no-such-provider' }), 'PROVIDER_NOT_FOUND');
  const { provider } = await ann.providers.registerProvider(good);
  await refused(bob.providers.getProvider({ id: provider?.id ?? '' }), 'PROVIDER_NOT_FOUND');
  await refused(ann.providers.getExecution({ id: 'no-such-execution' }), 'EXECUTION_NOT_FOUND');
  const { id } = await textBlob('x');
  await refused(bob.providers.processBlob({ blobId: id, providerId: provider?.id ?? '' }), 'PROVIDER_NOT_FOUND');
  const { provider: bobs } = await bob.providers.registerProvider(good);
  await refused(bob.providers.processBlob({ blobId: id, providerId: bobs?.id ?? '' }), 'BLOB_NOT_FOUND');
  await remember(id);
  await refused(ann.providers.processBlob({ blobId: id, providerId: provider?.id ?? '' }), 'WORKFLOWS_UNAVAILABLE');
  await requireUnchanged(id);
});

test('fields that break their rules', async () => {
  const content = Buffer.from('x');
  await refused(ann.blobs.createBlob({ id: 'with space', content, contentType: 'text/plain' }), 'FIELD_INVALID');
  await refused(ann.blobs.createBlob({ id: 'a'.repeat(65), content, contentType: 'text/plain' }), 'FIELD_INVALID');
  await refused(ann.blobs.getBlob({ id: 'a.b' }), 'FIELD_INVALID');
  await refused(ann.blobs.listBlobs({ pageSize: -1 }), 'FIELD_INVALID');
  await refused(ann.deltas.applyDelta({ blobId: 'x' }), 'FIELD_INVALID');
});

test('a deleted blob takes no more edits, and stays readable', async () => {
  const { id } = await textBlob('gone');
  await ann.blobs.deleteBlob({ id });
  await refused(insertAt(ann, { blobId: id, offset: 0, text: 'x' }), 'BLOB_DELETED');
  await refused(ann.blobs.deleteBlob({ id }), 'BLOB_DELETED');
  const { blob } = await ann.blobs.getBlob({ id });
  assert.ok(blob?.deletedAt);
  const listed = await ann.blobs.listBlobs({ pageSize: 500 });
  assert.not.ok(listed.blobs.some((one) => one.id === id));
});

test('an etag that is not the current one', async () => {
  const { id } = await textBlob('v1');
  const { blob } = await ann.blobs.getBlob({ id });
  await ann.blobs.updateBlob({ id, content: Buffer.from('v2'), etag: blob?.etag });
  await remember(id);
  await refused(ann.blobs.updateBlob({ id, content: Buffer.from('v3'), etag: blob?.etag }), 'ETAG_MISMATCH');
  await refused(ann.blobs.deleteBlob({ id, etag: blob?.etag }), 'ETAG_MISMATCH');
  await requireUnchanged(id);
});

test.run();
