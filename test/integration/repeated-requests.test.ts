/** G4: requests that are sent again, after more others than memory keeps. */
import * as assert from 'uvu/assert';
import { FLUSH_DELTAS_MAX, ROOM_RECENT_REQUESTS_MAX } from '../../src/limits.ts';
import { Role } from '../../src/gen/memmie/studio/v1/access_pb.ts';
import { type Delta, OffsetEncoding } from '../../src/gen/memmie/studio/v1/delta_pb.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { connectAs, readText, refused, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';

const test = suite('repeated requests', { timeoutMs: 120_000 });
let parts: TestParts;
let studio: TestStudio;
let ann: StudioClient;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  studio = await startStudio({ parts, env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  ann = connectAs(studio.address, await studio.token('ann'));
});
test.after(async () => {
  await studio?.stop();
  await parts?.stop();
});

async function* appends(blobId: string, numbers: Iterable<number>): AsyncIterable<object> {
  for (const number of numbers) {
    const edits = [{ offset: 0, deleteCount: 0, insert: 'x' }];
    const patch = { case: 'textEdits' as const, value: { encoding: OffsetEncoding.UTF16, edits } };
    yield { reference: BigInt(number), delta: { blobId, requestId: `request-${number}`, patch } };
  }
}

async function send(blobId: string, numbers: Iterable<number>): Promise<Map<number, bigint>> {
  const versions = new Map<number, bigint>();
  for await (const { reference, outcome } of ann.deltas.applyDeltas(appends(blobId, numbers))) {
    assert.is(outcome.case, 'applied');
    if (outcome.case === 'applied') versions.set(Number(reference), outcome.value.delta?.toVersion ?? 0n);
  }
  return versions;
}

test('G4: old requests of many commits, sent again together with newer ones, all get their first answers', async () => {
  const blobId = 'many-requests';
  await ann.blobs.createBlob({ id: blobId, contentType: 'text/plain' });
  const count = 3 * ROOM_RECENT_REQUESTS_MAX;
  const first = await send(
    blobId,
    Array.from({ length: count }, (_, index) => index),
  );
  assert.is((await readText(ann, blobId)).length, count);
  // From the oldest to the newest, far more commits of large flushes than memory keeps the requests of.
  const again: number[] = [];
  for (let number = count - 1; number >= 0; number -= FLUSH_DELTAS_MAX / 4) again.push(number);
  const repeated = await send(blobId, again);
  for (const number of again) assert.is(repeated.get(number), first.get(number), `request ${number}`);
  assert.is((await readText(ann, blobId)).length, count);
});

test('G4: a request whose first answer has to be looked up waits for the database, as one that is new does', async () => {
  const blobId = 'looked-up';
  await ann.blobs.createBlob({ id: blobId, contentType: 'text/plain' });
  const count = ROOM_RECENT_REQUESTS_MAX + 1;
  const first = await send(
    blobId,
    Array.from({ length: count }, (_, index) => index),
  );
  await parts.kill('mongodb');
  const answered = send(blobId, [0, count]);
  // Longer than the driver looks for a server.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await parts.restart('mongodb');
  const versions = await answered;
  assert.is(versions.get(0), first.get(0));
  assert.is(versions.get(count), BigInt(count) + 2n);
});

test('G4: a creation sent again is answered as the first time, though its parent may not be read any more', async () => {
  const bob = connectAs(studio.address, await studio.token('bob'));
  await bob.blobs.createBlob({ id: 'parent', contentType: 'text/plain' });
  await bob.access.grantAccess({ blobId: 'parent', userId: 'ann', role: Role.VIEWER });
  const request = { contentType: 'text/plain', content: Buffer.from('x'), parentIds: ['parent'], requestId: 'make' };
  const first = await ann.blobs.createBlob(request);
  await bob.access.revokeAccess({ blobId: 'parent', userId: 'ann' });
  const again = await ann.blobs.createBlob(request);
  assert.equal([again.blob?.id, again.delta?.id], [first.blob?.id, first.delta?.id]);
  await refused(ann.blobs.createBlob({ ...request, requestId: 'another' }), 'PARENT_NOT_FOUND');
});

test('G4: a request that named an etag gets its first answer though the etag is old by then', async () => {
  const id = 'etags';
  await ann.blobs.createBlob({ id, contentType: 'text/plain', content: Buffer.from('first') });
  const etagNow = async (): Promise<string> => (await ann.blobs.getBlob({ id })).blob?.etag ?? '';
  const calls: ((request: { id: string; etag: string; requestId: string }) => Promise<{ delta?: { id: string } }>)[] = [
    (request) => ann.blobs.updateBlob({ ...request, content: Buffer.from('second'), labels: { values: { a: 'b' } } }),
    ({ id: blobId, ...request }) =>
      ann.blobs.revertBlob({ ...request, blobId, target: { case: 'toVersion', value: 1n } }),
    (request) => ann.blobs.deleteBlob(request),
    (request) => ann.blobs.undeleteBlob(request),
  ];
  for (const [index, call] of calls.entries()) {
    const request = { id, etag: await etagNow(), requestId: `etag-${index}` };
    const first = await call(request);
    const again = await call(request);
    assert.ok(first.delta?.id);
    assert.is(again.delta?.id, first.delta?.id, request.requestId);
    await refused(call({ ...request, requestId: `other-${index}` }), 'ETAG_MISMATCH');
  }
  assert.is((await ann.blobs.getBlob({ id })).blob?.version, 5n);
});

test('G4: what came to nothing comes to nothing when it is sent again later, through a process that starts then too', async () => {
  const content = Buffer.from('A');
  const text = { case: 'content', value: content } as const;
  const target = { case: 'author', value: { userId: 'nobody' } } as const;
  const requestId = 'nothing';
  type Call = (client: StudioClient, id: string) => Promise<{ delta?: Delta; deltas?: Delta[] }>;
  const apply: Call = ({ deltas }, blobId) => deltas.applyDelta({ blobId, requestId, patch: text });
  const calls: Record<string, Call> = {
    apply,
    batch: ({ deltas }, blobId) =>
      deltas.batchApplyDeltas({ blobId, requestId, patches: [{ patch: text }, { patch: text }] }),
    update: ({ blobs }, id) => blobs.updateBlob({ id, requestId, content, labels: { values: {} } }),
    revert: ({ blobs }, blobId) => blobs.revertBlob({ blobId, requestId, target }),
    undelete: ({ blobs }, id) => blobs.undeleteBlob({ id, requestId }),
  };
  const first = new Map<string, Delta | undefined>();
  for (const [id, call] of Object.entries(calls)) {
    await ann.blobs.createBlob({ id, contentType: 'text/plain', content });
    // At once too: both get the one delta.
    const [{ delta, deltas }, twin] = await Promise.all([call(ann, id), call(ann, id)]);
    first.set(id, delta ?? deltas?.[0]);
    assert.equal([twin.delta?.id, twin.deltas?.length], [delta?.id, deltas && 1], id);
    const { blob } = await ann.blobs.getBlob({ id });
    assert.equal([first.get(id)?.toVersion, blob?.version, blob?.contentVersion], [2n, 2n, 1n], id);
    if (id !== 'undelete') await ann.blobs.updateBlob({ id, content: Buffer.from('B') });
  }
  await ann.blobs.deleteBlob({ id: 'undelete' });
  const late = await startStudio({ parts, env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  try {
    const client = connectAs(late.address, await late.token('ann'));
    for (const [id, call] of Object.entries(calls)) {
      const { delta, deltas } = await call(client, id);
      assert.equal([(delta ?? deltas?.[0])?.id, deltas?.length], [first.get(id)?.id, deltas && 1], id);
      const { blob } = await ann.blobs.getBlob({ id });
      assert.equal([blob?.version, blob?.deletedAt !== undefined], [3n, id === 'undelete'], id);
      assert.is(Buffer.from(blob?.content ?? []).toString(), id === 'undelete' ? 'A' : 'B', id);
    }
    // Two processes that are asked at the same time agree.
    await ann.blobs.createBlob({ id: 'both', contentType: 'text/plain', content });
    const answers = await Promise.all([ann, client, ann, client].map((one) => apply(one, 'both')));
    assert.equal(
      answers.map(({ delta }) => delta?.toVersion),
      [2n, 2n, 2n, 2n],
    );
  } finally {
    await late.stop();
  }
});

test('labels set since the etag was checked are not written over', async () => {
  const id = 'labelled';
  await ann.blobs.createBlob({ id, contentType: 'text/plain' });
  for (let round = 0; round < 40; round++) {
    const etag = (await ann.blobs.getBlob({ id })).blob?.etag;
    const content = Buffer.from(`round ${round}`);
    const [checked] = await Promise.allSettled([
      ann.blobs.updateBlob({ id, etag, content, labels: { values: { by: 'checked' } } }),
      ann.blobs.updateBlob({ id, labels: { values: { by: 'unchecked' } } }),
    ]);
    if (checked.status === 'rejected') continue;
    // Had the other one been first, the etag would have been an old one.
    assert.is((await ann.blobs.getBlob({ id })).blob?.labels['by'], 'unchecked', `round ${round}`);
  }
});

test.run();
