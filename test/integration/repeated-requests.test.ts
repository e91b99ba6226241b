/** G4: requests that are sent again, after more others than memory keeps. */
import * as assert from 'uvu/assert';
import { FLUSH_DELTAS_MAX, ROOM_RECENT_REQUESTS_MAX } from '../../src/limits.ts';
import { OffsetEncoding } from '../../src/gen/memmie/studio/v1/delta_pb.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { connectAs, readText, type StudioClient } from '../harness/studio-client.ts';
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

test.run();
