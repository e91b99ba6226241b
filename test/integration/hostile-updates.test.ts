/** Updates that would freeze a process, against a whole studio: refused, and nobody else waits for it. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { OffsetEncoding } from '../../src/gen/memmie/studio/v1/delta_pb.ts';
import { TRIAL_FROM_BYTES } from '../../src/limits.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { connectAs, insertAt, readText, refused, type StudioClient } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import { fan, typed } from '../unit/guard/bombs.ts';
import { string, write } from '../unit/guard/updates.ts';
import { SyncWorld } from './sync-world.ts';

const test = suite('hostile updates', { timeoutMs: 60_000 });
const world = new SyncWorld();
let parts: TestParts;
let studio: TestStudio;
let ada: StudioClient;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true, temporal: true });
  studio = await startStudio({ parts });
  ada = connectAs(studio.address, await studio.token('ada'));
});
test.after(() => parts.stop());
test.after(async () => void (await studio.stop()));
test.after(() => world.close());

async function createText(id: string, text = ''): Promise<string> {
  await ada.blobs.createBlob({ id, contentType: 'text/plain', content: Buffer.from(text) });
  return id;
}

const push = (blobId: string, update: Uint8Array): Promise<unknown> =>
  ada.deltas.applyDelta({ blobId, patch: { case: 'yjsUpdate', value: Uint8Array.from(update) } });

test('G7: while a bomb is tried, its blob and others go on, and it is refused with its limit', async () => {
  const [target, other] = [await createText('target'), await createText('other')];
  await push(target, write([{ client: 1, clock: 0, structs: [string('a'.repeat(40_000), { parent: 'content' })] }]));
  const bomb = fan(40_000);
  assert.ok(bomb.byteLength > TRIAL_FROM_BYTES);
  let isOver = false;
  const refusal = refused(push(target, bomb), 'UPDATE_TOO_COMPLEX').finally(() => (isOver = true));
  const times: number[] = [];
  let edits = 0;
  while (!isOver && edits < 500) {
    const started = performance.now();
    await insertAt(ada, { blobId: edits % 2 === 0 ? target : other, offset: 0, text: 'b' });
    times.push(performance.now() - started);
    edits += 1;
  }
  const error = await refusal;
  assert.match(error.message, /too much|too long/);
  assert.ok(edits > 20, `${edits} edits meanwhile`);
  times.sort((a, b) => a - b);
  assert.ok(
    (times[Math.floor(times.length * 0.9)] ?? 0) < 1_000,
    `90 % within ${times[Math.floor(times.length * 0.9)]} ms`,
  );
  const text = await readText(ada, target);
  assert.ok(/^b+a{40000}$/.test(text), 'the bomb left nothing');
  assert.ok((await fetch(`${studio.address}/healthz`)).ok);
});

test('G7: a batch with a large update is tried whole, and stands or falls whole', async () => {
  const id = await createText('batch', 'begin');
  const batch = (update: Uint8Array): Promise<unknown> =>
    ada.deltas.batchApplyDeltas({
      blobId: id,
      patches: [
        { patch: { case: 'textEdits', value: { encoding: OffsetEncoding.UTF16, edits: [{ insert: 'at the ' }] } } },
        { patch: { case: 'yjsUpdate', value: Uint8Array.from(update) } },
      ],
    });
  const last = { client: 9, clock: 30_000, structs: [string('!', { origin: [8, 3] })] };
  await refused(batch(write([last])), 'UPDATE_DEPENDS_ON_MISSING');
  assert.is(await readText(ada, id), 'begin');
  const large = typed(30_000, 9, { parent: 'content' });
  assert.ok(large.byteLength > TRIAL_FROM_BYTES);
  await batch(large);
  assert.is((await readText(ada, id)).replace(/t{30000}/, ''), 'at the begin');
  const text = { client: 1, clock: 0, structs: [string('a'.repeat(3_000), { parent: 'content' })] };
  await push(id, write([text]));
  const before = await readText(ada, id);
  // Small: that it must be tried is found out when the edit before it has been made.
  const small = fan(800, 10);
  assert.ok(small.byteLength < TRIAL_FROM_BYTES);
  await batch(small);
  const after = await readText(ada, id);
  assert.is(after.length, before.length + 'at the '.length + 800);
  await refused(batch(fan(2_000, 11)), 'UPDATE_TOO_COMPLEX', { limit: 'INTEGRATION_MS_MIN' });
  assert.is(await readText(ada, id), after);
});

test('an editor that brings a large document goes on typing behind it, in order', async () => {
  const id = await createText('offline');
  const doc = new Y.Doc();
  Y.applyUpdate(doc, typed(60_000, doc.clientID, { parent: 'content' }));
  const editor = await world.openSynced(studio, id, await studio.token('ada'), doc);
  for (let index = 0; index < 50; index++) editor.text.insert(editor.text.length, String(index % 10));
  const expected = editor.text.toJSON();
  for (let tries = 0; tries < 200 && (await readText(ada, id)) !== expected; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.is((await readText(ada, id)).length, expected.length);
  assert.is(await readText(ada, id), expected);
  assert.is(editor.closed(), undefined);
});

test('G7: content of an opaque document is tried as the update it is, at its creation and later', async () => {
  const contentType = 'application/vnd.yjs';
  const text = write([{ client: 1, clock: 0, structs: [string('a'.repeat(40_000), { parent: 'content' })] }]);
  const bomb = Y.mergeUpdates([text, fan(40_000)]);
  await refused(ada.blobs.createBlob({ id: 'opaque-bomb', contentType, content: bomb }), 'UPDATE_TOO_COMPLEX');
  await refused(ada.blobs.getBlob({ id: 'opaque-bomb' }), 'BLOB_NOT_FOUND');
  const doc = new Y.Doc();
  doc.getText('notes').insert(0, 'n'.repeat(2 * TRIAL_FROM_BYTES));
  const content = Y.encodeStateAsUpdate(doc);
  const { blob } = await ada.blobs.createBlob({ id: 'opaque-large', contentType, content });
  assert.is(blob?.version, 1n);
  await refused(
    ada.deltas.applyDelta({ blobId: 'opaque-large', patch: { case: 'content', value: bomb } }),
    'UPDATE_TOO_COMPLEX',
  );
  assert.is((await ada.blobs.getBlob({ id: 'opaque-large' })).blob?.version, 1n);
});

test.run();
