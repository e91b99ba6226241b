/** Changes that come to more than one command or one document of the database holds. */
import * as assert from 'uvu/assert';
import { CONTENT_BYTES_MAX } from '../../src/limits.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { connectAs, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';

const MB = 1024 * 1024;
const test = suite('large commits', { timeoutMs: 120_000 });
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

test('G1: many large blobs at once, more than one insert command holds, are all committed', async () => {
  const content = Buffer.alloc(7 * MB, 'large ');
  const ids = Array.from({ length: 8 }, (_, index) => `large-${index}`);
  await Promise.all(ids.map((id) => ann.blobs.createBlob({ id, contentType: 'text/plain', content })));
  for (const id of ids) assert.is((await ann.blobs.getBlob({ id })).blob?.size, BigInt(content.byteLength));
});

test('the largest content that a blob may be created with may also be what it is changed to', async () => {
  const id = 'largest';
  await ann.blobs.createBlob({ id, contentType: 'text/plain' });
  await ann.blobs.updateBlob({ id, content: Buffer.alloc(CONTENT_BYTES_MAX, 'b') });
  assert.is((await ann.blobs.getBlob({ id })).blob?.size, BigInt(CONTENT_BYTES_MAX));
});

test('G7: small changes that come to more than one document holds are committed all the same', async () => {
  const id = 'moved';
  const content = Buffer.from(JSON.stringify({ k0: 'x'.repeat(5 * MB) }));
  await ann.blobs.createBlob({ id, contentType: 'application/json', content });
  const moves = Array.from({ length: 8 }, (_, index) =>
    JSON.stringify([{ op: 'move', from: `/k${index}`, path: `/k${index + 1}` }]),
  );
  // Asked for at once, so that they share a flush.
  await Promise.all(
    moves.map((patch) => ann.deltas.applyDelta({ blobId: id, patch: { case: 'jsonPatch', value: patch } })),
  );
  const { blob } = await ann.blobs.getBlob({ id });
  assert.is(blob?.version, 9n);
  assert.equal(Object.keys(JSON.parse(Buffer.from(blob?.content ?? []).toString()) as object), ['k8']);
});

test.run();
