/** Reverts in all their forms, on real parts: always a new delta, and what others did meanwhile is there. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Operation } from '../../src/gen/memmie/studio/v1/operation_pb.ts';
import type { Delta } from '../../src/gen/memmie/studio/v1/delta_pb.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { seeded } from '../harness/random.ts';
import { allDeltas, connectAs, insertAt, readText, refused, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';

const test = suite('revert');
let parts: TestParts;
let studios: TestStudio[] = [];
let ann: StudioClient;
let elsewhere: StudioClient;
let bob: StudioClient;
let made = 0;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  const env = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };
  studios = await Promise.all([startStudio({ parts, env }), startStudio({ parts, env })]);
  const [first, second] = studios as [TestStudio, TestStudio];
  ann = connectAs(first.address, await first.token('ann'));
  elsewhere = connectAs(second.address, await second.token('ann'));
  bob = connectAs(first.address, await first.token('bob'));
});
test.after(async () => {
  await Promise.all(studios.map((studio) => studio.stop()));
  await parts?.stop();
});

async function blobOf(contentType: string, content: string | Uint8Array): Promise<string> {
  const id = `blob-${++made}`;
  await ann.blobs.createBlob({ id, contentType, content: Buffer.from(content) });
  return id;
}

async function put(id: string, content: string | Uint8Array, fromVersion?: bigint): Promise<Delta> {
  const { delta } = await ann.blobs.updateBlob({ id, content: Buffer.from(content), fromVersion });
  return delta as Delta;
}

async function toVersion(blobId: string, version: number, fromVersion?: bigint): Promise<Delta> {
  const target = { case: 'toVersion', value: BigInt(version) } as const;
  return (await ann.blobs.revertBlob({ blobId, target, fromVersion })).delta as Delta;
}

async function ofDeltas(blobId: string, ...ids: string[]): Promise<Delta> {
  return (await ann.blobs.revertBlob({ blobId, target: { case: 'deltas', value: { ids } } })).delta as Delta;
}

for (const [contentType, versions] of [
  ['text/plain', ['one two', 'one three two', '', 'four']],
  ['application/json', ['{"a":{"b":[1,2,3]}}', '{"a":{"b":[3],"c":1}}', '[]', '{"a":{"b":[1,3]}}']],
  ['application/octet-stream', ['first bytes', 'second bytes', '', 'fourth']],
] as const) {
  test(`to a version of ${contentType}: a new delta, the content again, and nothing the second time`, async () => {
    const id = await blobOf(contentType, versions[0]);
    for (const content of versions.slice(1)) await put(id, content);
    for (const version of [2, 1, 3, 4, 1]) {
      const before = (await allDeltas(ann, id)).length;
      const delta = await toVersion(id, version);
      assert.is(delta.operation, Operation.REVERT);
      assert.is(Number(delta.toVersion), before + 1);
      assert.is(await readText(ann, id), await readText(ann, id, BigInt(version)), `version ${version}`);
      assert.is(await readText(elsewhere, id), versions[version - 1]);
      const again = await toVersion(id, version);
      assert.is(again.id, delta.id, 'the newest delta answers');
      assert.is((await allDeltas(ann, id)).length, before + 1);
    }
  });
}

test('to a version of rich and opaque documents', async () => {
  for (const contentType of ['application/vnd.studio.prosemirror+yjs', 'application/vnd.yjs']) {
    const id = await blobOf(contentType, '');
    const doc = new Y.Doc();
    doc.clientID = 4_000_000_001;
    const paragraph = new Y.XmlElement('paragraph');
    const push = async (edit: () => void): Promise<void> => {
      const known = Y.encodeStateVector(doc);
      doc.transact(edit);
      const value = Y.encodeStateAsUpdate(doc, known);
      await ann.deltas.applyDelta({ blobId: id, patch: { case: 'yjsUpdate', value } });
    };
    await push(() => doc.getXmlFragment('default').insert(0, [paragraph]));
    await push(() => paragraph.insert(0, [new Y.XmlText('words')]));
    await push(() => paragraph.setAttribute('level', '1'));
    await push(() => doc.getXmlFragment('default').delete(0, 1));
    for (const version of [4, 2, 3, 1]) {
      assert.is((await toVersion(id, version)).operation, Operation.REVERT);
      assert.is(await readText(elsewhere, id), await readText(ann, id, BigInt(version)), `${contentType} ${version}`);
    }
  }
});

test('as of the base: edits and keys that came since survive, through both doors', async () => {
  const id = await blobOf('text/plain', 'base');
  await put(id, 'base changed');
  await insertAt(elsewhere, { blobId: id, offset: 0, text: '[since] ' });
  const delta = await toVersion(id, 1, 2n);
  assert.is(await readText(ann, id), '[since] base');
  assert.is((await toVersion(id, 1, 2n)).id, delta.id, 'undone already, seen from the head');
  await insertAt(ann, { blobId: id, offset: 8, text: 'more ' });
  const head = (await ann.blobs.getBlob({ id })).blob?.version ?? 0n;
  await insertAt(elsewhere, { blobId: id, offset: 0, text: '> ' });
  const { delta: other } = await ann.deltas.applyDelta({
    blobId: id,
    fromVersion: head,
    patch: { case: 'revertToVersion', value: 3n },
  });
  assert.is(other?.operation, Operation.REVERT);
  assert.is(await readText(ann, id), '> [since] base changed');
  // The caller's chain goes on from what its revert made.
  await insertAt(ann, { blobId: id, offset: 8, text: '!', fromVersion: head, previousDelta: other?.id });
  assert.is(await readText(elsewhere, id), '> [since] !base changed');

  const json = await blobOf('application/json', '{"k":1,"l":1,"m":1}');
  await put(json, '{"k":2,"l":2,"m":2}');
  await put(json, '{"k":2,"l":3}');
  await toVersion(json, 1, 2n);
  assert.is(await readText(elsewhere, json), '{"k":1,"l":3}', 'a key set or removed since stays so');
});

test('of single deltas: what they inserted goes, what they deleted comes back, others stay; a revert can be reverted', async () => {
  const id = await blobOf('text/plain', 'The quick brown fox');
  const slow = await put(id, 'The slow brown fox');
  const red = await put(id, 'The slow red fox');
  const dog = await put(id, 'The slow red fox and dog');
  const revert = await ofDeltas(id, slow.id, dog.id);
  assert.equal(revert.reverts, [slow.id, dog.id]);
  assert.is(await readText(ann, id), 'The quick red fox');
  assert.is((await ofDeltas(id, slow.id)).id, revert.id, 'undone already');
  const rest = await ofDeltas(id, slow.id, red.id);
  assert.equal(rest.reverts, [red.id]);
  assert.is(await readText(elsewhere, id), 'The quick brown fox');
  await ofDeltas(id, revert.id);
  assert.is(await readText(ann, id), 'The slow brown fox and dog');
  const once = await ofDeltas(id, slow.id);
  assert.is(await readText(ann, id), 'The quick brown fox and dog');
  await ofDeltas(id, once.id, rest.id);
  assert.is(await readText(elsewhere, id), 'The slow red fox and dog');
});

test('of single deltas: keys set or removed by others since stay', async () => {
  const id = await blobOf('application/json', '{"a":1,"b":1,"c":1,"d":{"x":1}}');
  const all = await put(id, '{"a":2,"b":2,"c":2}');
  await put(id, '{"a":3,"c":2}');
  await ofDeltas(id, all.id);
  assert.is(await readText(ann, id), '{"a":3,"c":1,"d":{"x":1}}');
});

test('of what a reverted deletion had cut apart nothing is left behind', async () => {
  const id = await blobOf('text/plain', '..');
  const typed = await insertAt(ann, { blobId: id, offset: 1, text: 'hello' });
  const cut = await put(id, '.ho.');
  await ofDeltas(id, cut.id);
  assert.is(await readText(ann, id), '.hello.');
  await ofDeltas(id, typed.id);
  assert.is(await readText(elsewhere, id), '..');
});

test("of an author's deltas in a range of versions", async () => {
  const id = await blobOf('text/plain', 'start');
  await insertAt(ann, { blobId: id, offset: 5, text: ' one' });
  await insertAt(elsewhere, { blobId: id, offset: 9, text: ' two' });
  await insertAt(ann, { blobId: id, offset: 13, text: ' three' });
  const author = (first: bigint, last: bigint, fromVersion?: bigint): Promise<{ delta?: Delta }> =>
    ann.blobs.revertBlob({
      blobId: id,
      fromVersion,
      target: { case: 'author', value: { userId: 'ann', versions: { first, last } } },
    });
  const { delta } = await author(2n, 3n);
  assert.is(await readText(ann, id), 'start three');
  assert.is(delta?.reverts.length, 2);
  assert.is((await author(2n, 3n)).delta?.id, delta?.id);
  await author(4n, 100n, 3n);
  assert.is(await readText(ann, id), 'start three', 'what came after the base is not reverted');
  await author(4n, 4n);
  assert.is(await readText(elsewhere, id), 'start');
  const nobody = await ann.blobs.revertBlob({ blobId: id, target: { case: 'author', value: { userId: 'nobody' } } });
  assert.is(nobody.delta?.toVersion, 6n);
});

test(
  'G2 G4: the same revert through two processes at once, among edits: undone once, and nothing else lost',
  seeded(async (random) => {
    for (let round = 0; round < 8; round++) {
      const id = await blobOf('text/plain', '0123456789');
      const target = await put(id, '012abc789');
      const requestId = random.chance(0.5) ? `revert-${round}` : undefined;
      const texts = Array.from({ length: 12 }, (_, index) => `<${index}>`);
      const revert = (client: StudioClient): Promise<unknown> =>
        client.blobs.revertBlob({ blobId: id, requestId, target: { case: 'deltas', value: { ids: [target.id] } } });
      const edit = (client: StudioClient, text: string): Promise<unknown> =>
        insertAt(client, { blobId: id, offset: random.int(0, 3), text, fromVersion: 2n });
      await Promise.all([
        ...texts.map((text, index) => edit(index % 2 ? ann : elsewhere, text)),
        revert(ann),
        revert(elsewhere),
        toVersion(id, 1, 2n),
        revert(elsewhere),
      ]);
      const text = await readText(ann, id);
      assert.is(await readText(elsewhere, id), text);
      for (const inserted of texts) assert.ok(text.includes(inserted), `${inserted} in ${text}`);
      assert.is(text.replace(/<\d+>/g, ''), '0123456789');
      const deltas = await allDeltas(ann, id);
      assert.is(deltas.filter(({ operation }) => operation === Operation.REVERT).length, 1);
      assert.is(deltas.length, 15);
    }
  }),
);

test('G4: a revert sent again gets its first answer, whatever came since', async () => {
  const id = await blobOf('text/plain', 'a');
  await put(id, 'b');
  const request = { blobId: id, target: { case: 'toVersion', value: 1n }, requestId: 'r-1' } as const;
  const first = await ann.blobs.revertBlob(request);
  await put(id, 'c');
  assert.is((await elsewhere.blobs.revertBlob(request)).delta?.id, first.delta?.id);
  assert.is(await readText(ann, id), 'c');
});

test('G4: a revert that found nothing to undo stays so, and stands in the way of none', async () => {
  const id = await blobOf('text/plain', 'one');
  await insertAt(ann, { blobId: id, offset: 3, text: ' two' });
  const deletion = await put(id, 'one');
  const request = { blobId: id, target: { case: 'toVersion', value: 1n }, requestId: 'r-1' } as const;
  const { delta } = await ann.blobs.revertBlob(request);
  assert.equal([delta?.toVersion, delta?.operation, delta?.reverts], [4n, Operation.REVERT, []]);
  // Neither it nor what it might have undone counts as undone.
  assert.is((await ofDeltas(id, delta?.id ?? '')).toVersion, 4n);
  await ofDeltas(id, deletion.id);
  assert.is(await readText(ann, id), 'one two');
  assert.is((await elsewhere.blobs.revertBlob(request)).delta?.id, delta?.id);
  assert.is(await readText(ann, id), 'one two');
});

test('bad input: each is refused with its reason, and the blob is as it was', async () => {
  const id = await blobOf('text/plain', 'a');
  const other = await blobOf('text/plain', 'other');
  const foreign = await put(other, 'x');
  await put(id, 'b');
  const { blob } = await ann.blobs.getBlob({ id });
  await put(id, 'c');
  const revert = (
    target: Parameters<StudioClient['blobs']['revertBlob']>[0]['target'],
    more: { fromVersion?: bigint; etag?: string } = {},
  ): Promise<unknown> => ann.blobs.revertBlob({ blobId: id, target, ...more });
  await refused(revert(undefined), 'FIELD_INVALID');
  await refused(revert({ case: 'toVersion', value: 0n }), 'FIELD_INVALID');
  await refused(revert({ case: 'toVersion', value: 4n }), 'VERSION_NOT_FOUND');
  await refused(revert({ case: 'toVersion', value: 3n }, { fromVersion: 2n }), 'FIELD_INVALID');
  await refused(revert({ case: 'toVersion', value: 1n }, { fromVersion: 4n }), 'BASE_VERSION_UNKNOWN');
  await refused(revert({ case: 'toVersion', value: 1n }, { fromVersion: 0n }), 'BASE_VERSION_UNKNOWN');
  await refused(revert({ case: 'toVersion', value: 1n }, { etag: blob?.etag }), 'ETAG_MISMATCH');
  await refused(revert({ case: 'deltas', value: { ids: [] } }), 'FIELD_INVALID');
  await refused(revert({ case: 'deltas', value: { ids: ['nonsense'] } }), 'DELTA_NOT_FOUND');
  await refused(revert({ case: 'deltas', value: { ids: [foreign.id] } }), 'DELTA_NOT_FOUND');
  const many = Array.from({ length: 101 }, () => foreign.id);
  await refused(revert({ case: 'deltas', value: { ids: many } }), 'LIMIT_EXCEEDED');
  const author = (first: bigint, last: bigint): Promise<unknown> =>
    revert({ case: 'author', value: { userId: 'ann', versions: { first, last } } });
  await refused(author(2n, 1n), 'FIELD_INVALID');
  await refused(author(0n, 1n), 'FIELD_INVALID');
  await refused(author(9n, 10n), 'VERSION_NOT_FOUND');
  const target = { case: 'toVersion', value: 1n } as const;
  await refused(bob.blobs.revertBlob({ blobId: id, target }), 'BLOB_NOT_FOUND');
  await refused(ann.blobs.revertBlob({ blobId: 'no-such-blob', target }), 'BLOB_NOT_FOUND');
  await refused(
    ann.deltas.applyDelta({ blobId: id, patch: { case: 'revertToVersion', value: 9n } }),
    'VERSION_NOT_FOUND',
  );
  assert.is(await readText(ann, id), 'c');
  assert.is((await allDeltas(ann, id)).length, 3);
  await ann.blobs.deleteBlob({ id });
  await refused(revert(target), 'BLOB_DELETED');
  assert.is((await allDeltas(ann, id)).length, 4);
});

test('restoring more than a blob may hold is refused', async () => {
  const id = await blobOf('text/plain', 'x'.repeat(5 * 1024 * 1024));
  const emptied = await put(id, '');
  await put(id, 'y'.repeat(5 * 1024 * 1024));
  await refused(
    ann.blobs.revertBlob({ blobId: id, target: { case: 'deltas', value: { ids: [emptied.id] } } }),
    'CONTENT_TOO_LARGE',
  );
  assert.is((await ann.blobs.getBlob({ id })).blob?.version, 3n);
  await toVersion(id, 1);
  assert.is((await readText(ann, id)).length, 5 * 1024 * 1024);
});

test('over REST', async () => {
  const id = await blobOf('text/plain', 'a');
  await put(id, 'b');
  const [studio] = studios as [TestStudio];
  const response = await fetch(`${studio.address}/api/v1/studio/blobs/${id}:revert`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await studio.token('ann')}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ to_version: 1 }),
  });
  assert.is(response.status, 200);
  assert.is(await readText(ann, id), 'a');
});

test.run();
