/** Every form of content and of patch, through the API: gRPC, REST, and a stock editor beside them. */
import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { ContentFormat } from '../../src/gen/memmie/studio/v1/blob_pb.ts';
import type { ApplyDeltaRequest } from '../../src/gen/memmie/studio/v1/delta_service_pb.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { allDeltas, connectAs, readText, refused, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';

const test = suite('forms of content');

const RICH = 'application/vnd.studio.prosemirror+yjs';
const OPAQUE = 'application/vnd.yjs';

let parts: TestParts;
let studios: TestStudio[] = [];
let ann: StudioClient;
let annElsewhere: StudioClient;
let token: string;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  const env = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };
  studios = await Promise.all([startStudio({ parts, env }), startStudio({ parts, env })]);
  const [first, second] = studios as [TestStudio, TestStudio];
  token = await first.token('ann');
  ann = connectAs(first.address, token);
  annElsewhere = connectAs(second.address, token);
});
test.after(async () => {
  for (const studio of studios) await studio.stop();
  await parts?.stop();
});

type Patch = ApplyDeltaRequest['patch'];

function content(value: unknown): Patch {
  return { case: 'content', value: bytes(value) };
}

function bytes(value: unknown): Uint8Array {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

function paragraph(text: string): object {
  return { type: 'paragraph', content: [{ type: 'text', text }] };
}

function rich(...paragraphs: string[]): object {
  return { type: 'doc', content: paragraphs.map(paragraph) };
}

async function read(id: string, contentFormat: ContentFormat): Promise<string> {
  const { blob } = await ann.blobs.getBlob({ id, contentFormat });
  return Buffer.from(blob?.content ?? []).toString('utf8');
}

async function rest(
  path: string,
): Promise<{ status: number; body: { blob?: Record<string, unknown>; reason?: string } }> {
  const response = await fetch(`${studios[0]?.address}/api/v1/studio${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return {
    status: response.status,
    body: (await response.json()) as { blob?: Record<string, unknown>; reason?: string },
  };
}

test('a rich blob is made and replaced from ProseMirror’s JSON, and read in each form', async () => {
  const id = 'rich';
  await ann.blobs.createBlob({ id, contentType: RICH, content: bytes(rich('one two', 'three')) });
  assert.equal(JSON.parse(await read(id, ContentFormat.PROSEMIRROR_JSON)), rich('one two', 'three'));
  // Two make their versions of version 1, through two processes.
  await Promise.all([
    ann.deltas.applyDelta({ blobId: id, fromVersion: 1n, patch: content(rich('one TWO', 'three')) }),
    annElsewhere.blobs.updateBlob({ id, fromVersion: 1n, content: bytes(rich('zero', 'one two', 'three!')) }),
  ]);
  assert.is(await read(id, ContentFormat.PLAIN_TEXT), 'zero\none TWO\nthree!');
  const canonical = '<paragraph>zero</paragraph><paragraph>one TWO</paragraph><paragraph>three!</paragraph>';
  assert.is(await read(id, ContentFormat.CANONICAL), canonical);
  for (const contentFormat of [ContentFormat.UNSPECIFIED, ContentFormat.PLAIN_TEXT]) {
    const { blob } = await ann.blobs.getBlob({ id, contentFormat });
    assert.is(blob?.contentHash, createHash('sha256').update(canonical).digest('hex'));
    assert.is(blob?.size, BigInt(canonical.length));
  }
  // Neither form sent back as it came is a change.
  const before = (await allDeltas(ann, id)).length;
  await ann.deltas.applyDelta({ blobId: id, patch: content(canonical) });
  await ann.deltas.applyDelta({ blobId: id, patch: content(await read(id, ContentFormat.PROSEMIRROR_JSON)) });
  assert.is((await allDeltas(ann, id)).length, before);
  const old = await ann.blobs.getVersion({
    blobId: id,
    point: { case: 'version', value: 1n },
    contentFormat: ContentFormat.PLAIN_TEXT,
  });
  assert.is(Buffer.from(old.blob?.content ?? []).toString(), 'one two\nthree');
  assert.is((await rest(`/blobs/${id}?content_format=plain_text`)).body.blob?.['text'], 'zero\none TWO\nthree!');
  const json = (await rest(`/blobs/${id}/versions/1?content_format=CONTENT_FORMAT_PROSEMIRROR_JSON`)).body.blob?.[
    'text'
  ];
  assert.equal(JSON.parse(json as string), rich('one two', 'three'));
});

test('what is no rich document is refused, and so is a form the type does not have', async () => {
  const id = 'rich-refused';
  await ann.blobs.createBlob({ id, contentType: RICH, content: new Uint8Array() });
  await refused(ann.deltas.applyDelta({ blobId: id, patch: content('<p>x</p>') }), 'CONTENT_INVALID');
  await refused(ann.blobs.updateBlob({ id, content: bytes({ type: 'doc', content: [{}] }) }), 'CONTENT_INVALID');
  await refused(ann.blobs.createBlob({ contentType: RICH, content: bytes('{"type":"page"}') }), 'CONTENT_INVALID');
  const many = `{"type":"doc","content":[${Array(150_000).fill('{"type":"p"}').join(',')}]}`;
  await refused(ann.deltas.applyDelta({ blobId: id, patch: content(many) }), 'CONTENT_TOO_LARGE');
  assert.is(await read(id, ContentFormat.PROSEMIRROR_JSON), '{"type":"doc","content":[]}');
  assert.is((await allDeltas(ann, id)).length, 1);
  await ann.blobs.createBlob({ id: 'json-form', contentType: 'application/json', content: bytes('{}') });
  await refused(
    ann.blobs.getBlob({ id: 'json-form', contentFormat: ContentFormat.PROSEMIRROR_JSON }),
    'CONTENT_FORMAT_UNSUPPORTED',
  );
  const { status, body } = await rest('/blobs/json-form?content_format=plain_text');
  assert.equal([status, body.reason], [400, 'CONTENT_FORMAT_UNSUPPORTED']);
});

test('an opaque blob is made from a Yjs state and merges later states; its client ids are the caller’s', async () => {
  const id = 'opaque';
  const doc = new Y.Doc();
  doc.getMap('state').set('a', 1);
  await ann.blobs.createBlob({ id, contentType: OPAQUE, content: Y.encodeStateAsUpdate(doc) });
  assert.is(await readText(ann, id), '{"state":{"map":{"a":{"value":1}}}}');
  const other = new Y.Doc();
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
  other.getMap('state').set('b', 2);
  doc.getText('note').insert(0, 'hi');
  await ann.deltas.applyDelta({ blobId: id, patch: { case: 'content', value: Y.encodeStateAsUpdate(doc) } });
  await annElsewhere.blobs.updateBlob({ id, content: Y.encodeStateAsUpdate(other) });
  const { blob } = await ann.blobs.getBlob({ id });
  assert.is(blob?.version, 3n);
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(other));
  assert.equal(JSON.parse(Buffer.from(blob?.content ?? []).toString()), {
    note: { list: [{ text: 'hi' }] },
    state: { map: { a: { value: 1 }, b: { value: 2 } } },
  });
  // What is there already is no new delta; nor is the canonical form.
  await ann.deltas.applyDelta({ blobId: id, patch: { case: 'content', value: Y.encodeStateAsUpdate(doc) } });
  await ann.deltas.applyDelta({ blobId: id, patch: { case: 'content', value: blob?.content ?? new Uint8Array() } });
  assert.is((await allDeltas(ann, id)).length, 3);
  await refused(ann.deltas.applyDelta({ blobId: id, patch: content('{"not":"an update"}') }), 'UPDATE_MALFORMED');
  const gap = new Y.Doc();
  gap.getText('t').insert(0, 'a');
  const known = Y.encodeStateVector(gap);
  gap.getText('t').insert(1, 'b');
  await refused(
    ann.blobs.createBlob({ contentType: OPAQUE, content: Y.encodeStateAsUpdate(gap, known) }),
    'UPDATE_DEPENDS_ON_MISSING',
  );
  await refused(ann.blobs.createBlob({ contentType: OPAQUE, content: bytes('garbage') }), 'UPDATE_MALFORMED');
});

test('JSON Patch and merge patch made on an old version merge with what was done since', async () => {
  const id = 'json';
  await ann.blobs.createBlob({
    id,
    contentType: 'application/json',
    content: bytes('{"list":[{"n":1},{"n":2}],"o":{}}'),
  });
  const patch = (value: unknown): Patch => ({ case: 'jsonPatch', value: JSON.stringify(value) });
  await ann.deltas.applyDelta({ blobId: id, patch: patch([{ op: 'remove', path: '/list/0' }]) });
  await annElsewhere.deltas.applyDelta({
    blobId: id,
    fromVersion: 1n,
    patch: patch([
      { op: 'test', path: '/list/1/n', value: 2 },
      { op: 'add', path: '/list/1/x', value: true },
    ]),
  });
  await ann.deltas.applyDelta({
    blobId: id,
    fromVersion: 1n,
    patch: { case: 'mergePatch', value: '{"o":{"k":[1]},"new":null}' },
  });
  assert.is(await readText(annElsewhere, id), '{"list":[{"n":2,"x":true}],"o":{"k":[1]}}');
  await refused(
    ann.deltas.applyDelta({ blobId: id, patch: patch([{ op: 'test', path: '/o', value: {} }]) }),
    'CONTENT_INVALID',
  );
});

test('G3: binary content replaced through two processes at once is the same through both', async () => {
  const id = 'binary';
  await ann.blobs.createBlob({ id, contentType: 'image/png', content: Uint8Array.of(0) });
  for (let round = 1; round <= 10; round++) {
    const { blob: before } = await ann.blobs.getBlob({ id });
    const written = [Uint8Array.of(round, 1), Uint8Array.of(round, 2)] as const;
    await Promise.all([
      ann.blobs.updateBlob({ id, fromVersion: before?.version, content: written[0] }),
      annElsewhere.blobs.updateBlob({ id, fromVersion: before?.version, content: written[1] }),
    ]);
    const [one, other] = await Promise.all(
      [ann, annElsewhere].map(async (client) => (await client.blobs.getBlob({ id })).blob),
    );
    const left = one?.content ?? new Uint8Array();
    assert.equal(left, other?.content);
    assert.is(one?.contentHash, createHash('sha256').update(left).digest('hex'));
    assert.ok(written.some((each) => Buffer.compare(each, left) === 0));
  }
});

test('an edit too large to commit is refused whole, and later edits go on from what was there', async () => {
  const id = 'large';
  await ann.blobs.createBlob({ id, contentType: 'application/json', content: bytes('["start"]') });
  // Its content fits, the update that brings it does not: a number of three characters takes nine bytes there.
  const large = `[${Array<string>(1_800_000).fill('0.1').join(',')}]`;
  await refused(ann.blobs.updateBlob({ id, content: bytes(large) }), 'LIMIT_EXCEEDED');
  await ann.blobs.updateBlob({ id, content: bytes('["start","on"]') });
  assert.is(await readText(annElsewhere, id), '["start","on"]');
});

test.run();
