/** G4: updates of labels that are sent again. */
import * as assert from 'uvu/assert';
import { LABEL_REQUESTS_KEPT_MAX, STREAM_META_AGE_MS_MAX } from '../../src/limits.ts';
import { Role } from '../../src/gen/memmie/studio/v1/access_pb.ts';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { connectAs, insertAt, readText, refused, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';

const test = suite('repeated labels');
let parts: TestParts;
let studio: TestStudio;
let database: Database;
let heads: BlobHeads;
let ann: StudioClient;
let bob: StudioClient;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  studio = await startStudio({ parts, env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  database = await openDatabase({ url: parts.url('mongodb'), name: 'studio' });
  heads = new BlobHeads(database);
  ann = connectAs(studio.address, await studio.token('ann'));
  bob = connectAs(studio.address, await studio.token('bob'));
});
test.after(async () => {
  await database?.close();
  await studio?.stop();
  await parts?.stop();
});

const labelled = (stage: string): { values: { stage: string } } => ({ values: { stage } });

async function create(id: string): Promise<string> {
  const { blob } = await ann.blobs.createBlob({ id, contentType: 'text/plain', content: Buffer.from('first') });
  await ann.access.grantAccess({ blobId: id, userId: 'bob', role: Role.EDITOR });
  return blob?.etag ?? '';
}

async function stageOf(id: string): Promise<string | undefined> {
  return (await ann.blobs.getBlob({ id })).blob?.labels['stage'];
}

test('G4: a repeat does not set labels again that somebody has set anew since', async () => {
  const id = 'set-anew';
  await create(id);
  const request = { id, labels: labelled('draft'), requestId: 'r' };
  await ann.blobs.updateBlob(request);
  await bob.blobs.updateBlob({ id, labels: labelled('final'), requestId: 'r' });
  const again = await ann.blobs.updateBlob(request);
  assert.is(again.blob?.labels['stage'], 'final');
  await ann.blobs.deleteBlob({ id });
  await ann.blobs.updateBlob(request);
  await refused(ann.blobs.updateBlob({ ...request, requestId: 'other' }), 'BLOB_DELETED');
  assert.is(await stageOf(id), 'final');
});

test('G4: labels set under an etag are answered the same again, and no other request passes with it', async () => {
  const id = 'under-etag';
  const etag = await create(id);
  const request = { id, etag, labels: labelled('draft'), requestId: 'r' };
  const first = await ann.blobs.updateBlob(request);
  const again = await ann.blobs.updateBlob(request);
  assert.equal([again.blob?.etag, again.delta], [first.blob?.etag, undefined]);
  await refused(ann.blobs.updateBlob({ ...request, requestId: 'other' }), 'ETAG_MISMATCH');
  await refused(bob.blobs.updateBlob(request), 'ETAG_MISMATCH');
  // The labels are those of the etag; what has changed is the content.
  const second = await ann.blobs.updateBlob({ id, content: Buffer.from('second') });
  assert.is(second.blob?.etag.split('.')[1], first.blob?.etag.split('.')[1]);
  const stale = { id, etag: first.blob?.etag, labels: labelled('late'), requestId: 'late' };
  await refused(ann.blobs.updateBlob(stale), 'ETAG_MISMATCH');
  assert.is(await stageOf(id), 'draft');
});

test('G4: of many copies of one request sent at once all are answered alike', async () => {
  const id = 'at-once';
  const etag = await create(id);
  for (const content of [undefined, Buffer.from('first')]) {
    const now = (await ann.blobs.getBlob({ id })).blob?.etag ?? etag;
    const request = { id, etag: now, content, labels: labelled('draft'), requestId: `r-${content?.length}` };
    const answers = await Promise.all(Array.from({ length: 8 }, () => ann.blobs.updateBlob(request)));
    assert.is(new Set(answers.map(({ blob }) => blob?.etag)).size, 1);
  }
});

test('G4: content whose labels were refused is not answered as if they had been set', async () => {
  const id = 'half-done';
  const etag = await create(id);
  const request = { id, etag, content: Buffer.from('second'), requestId: 'r' };
  // As if another change of labels had come between the two.
  await ann.blobs.updateBlob(request);
  await heads.setLabels(id, { stage: 'final' }, {});
  const whole = { ...request, labels: labelled('draft') };
  for (let time = 0; time < 2; time++) await refused(ann.blobs.updateBlob(whole), 'ETAG_MISMATCH');
  assert.is(await stageOf(id), 'final');
});

test('G4: labels that an answer was lost before are set by the repeat, under the etag’s labels', async () => {
  const id = 'cut-off';
  const etag = await create(id);
  const request = { id, etag, content: Buffer.from('second'), requestId: 'r' };
  // As if the process had ended between the two.
  const { delta } = await ann.blobs.updateBlob(request);
  const again = await ann.blobs.updateBlob({ ...request, labels: labelled('draft') });
  assert.equal([again.delta?.id, again.blob?.labels['stage']], [delta?.id, 'draft']);
});

test('G4: content that was nothing new when the labels were set is not written over what came since', async () => {
  const id = 'nothing-new';
  const etag = await create(id);
  const request = { id, etag, content: Buffer.from('first'), labels: labelled('draft'), requestId: 'r' };
  const first = await ann.blobs.updateBlob(request);
  assert.equal([first.blob?.version, first.blob?.contentVersion], [2n, 1n]);
  await ann.blobs.updateBlob(request);
  await bob.blobs.updateBlob({ id, content: Buffer.from('second') });
  for (const repeat of [request, { ...request, etag: '' }]) await ann.blobs.updateBlob(repeat);
  assert.is(await readText(ann, id), 'second');
});

test('G7: as many requests as the limit says are kept with the labels, the newest', async () => {
  const id = 'many';
  await create(id);
  const send = (number: number): Promise<unknown> =>
    ann.blobs.updateBlob({ id, labels: labelled(`${number}`), requestId: `r-${number}` });
  for (let number = 0; number <= LABEL_REQUESTS_KEPT_MAX; number++) await send(number);
  const stored = await database.blobs.findOne({ _id: id });
  assert.is(stored?.label_requests?.length, LABEL_REQUESTS_KEPT_MAX);
  await send(1);
  assert.is(await stageOf(id), `${LABEL_REQUESTS_KEPT_MAX}`);
});

test('labels that BSON takes for its own are labels like any other, and no name has control characters', async () => {
  const labels = { _bsontype: 'Long', toJSON: 'x', $set: 'y', 'a.b': 'z', '%00': 'w', __proto__x: 'v' };
  await ann.blobs.createBlob({ id: 'odd-labels', contentType: 'text/plain', labels });
  await insertAt(ann, { blobId: 'odd-labels', offset: 0, text: 'kept' });
  const { blob } = await ann.blobs.getBlob({ id: 'odd-labels' });
  assert.equal({ ...blob?.labels }, labels);
  await ann.blobs.updateBlob({ id: 'odd-labels', labels: { values: { _bsontype: 'again' } } });
  const { blobs } = await ann.blobs.listBlobs({ labels: { _bsontype: 'again' } });
  assert.equal(
    blobs.map(({ id }) => id),
    ['odd-labels'],
  );
  for (const key of ['a\u0000b', '\n', '\u007f']) {
    const bad = { [key]: 'x' };
    await refused(ann.blobs.createBlob({ id: 'bad-labels', contentType: 'text/plain', labels: bad }), 'FIELD_INVALID');
    await refused(ann.blobs.updateBlob({ id: 'odd-labels', labels: { values: bad } }), 'FIELD_INVALID');
  }
  await insertAt(ann, { blobId: 'odd-labels', offset: 0, text: 'still ' });
  assert.is(await readText(ann, 'odd-labels'), 'still kept');
});

test('the answer to a change has labels and etag as they are, whoever set them meanwhile', async () => {
  const id = 'elsewhere';
  await create(id);
  // As another process does.
  const setElsewhere = (stage: string) => heads.setLabels(id, { stage }, { expected: undefined, request: undefined });
  const edit = { blobId: id, patch: { case: 'content', value: Buffer.from('second') } } as const;
  for (const [index, change] of [
    () => ann.deltas.applyDelta(edit),
    () => ann.blobs.updateBlob({ id, content: Buffer.from('third') }),
    () => ann.blobs.revertBlob({ blobId: id, target: { case: 'toVersion', value: 1n } }),
    () => ann.blobs.deleteBlob({ id }),
    () => ann.blobs.undeleteBlob({ id }),
  ].entries()) {
    await setElsewhere(`stage ${index}`);
    const { blob } = await change();
    assert.is(blob?.labels['stage'], `stage ${index}`);
    assert.is(blob?.etag, (await ann.blobs.getBlob({ id })).blob?.etag);
  }
  const { blob } = await ann.deltas.applyDelta(edit);
  await ann.blobs.updateBlob({ id, etag: blob?.etag, labels: labelled('checked') });
  assert.is(await stageOf(id), 'checked');
});

test('the answers of a stream have labels of a second before at the oldest, however many are on their way', async () => {
  const id = 'streamed';
  await create(id);
  let isOver = false;
  const edits = [{ offset: 0, insert: 'x' }];
  async function* changes(): AsyncIterable<{ reference: bigint; delta: object }> {
    for (let number = 1n; !isOver; number += 1n) {
      yield { reference: number, delta: { blobId: id, patch: { case: 'textEdits', value: { edits } } } };
      if (number % 32n === 0n) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  const began = performance.now();
  let setAtMs = Infinity;
  let asked = 0;
  for await (const { outcome } of ann.deltas.applyDeltas(changes())) {
    const now = performance.now();
    if (asked === 0 && now - began > 300) {
      asked = now;
      // By a process of its own: no studio is told.
      void heads.setLabels(id, { stage: 'set' }, {}).then(() => (setAtMs = performance.now()));
    }
    if (now - setAtMs < 2 * STREAM_META_AGE_MS_MAX) continue;
    assert.is(outcome.case, 'applied');
    assert.is(outcome.case === 'applied' ? outcome.value.blob?.labels['stage'] : '', 'set');
    isOver = true;
  }
  assert.ok(isOver);
});

test.run();
