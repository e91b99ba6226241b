/** A blob that keeps changing: each delta is told of, the blob itself now and then, and at the end its newest version. */
import * as assert from 'uvu/assert';
import { EventType } from '../../src/gen/memmie/studio/v1/event_pb.ts';
import { UPDATED_PACE_MS, WATERMARK_EVERY_MS } from '../../src/limits.ts';
import { readEvents } from '../campaign/event-stream.ts';
import { eventually } from '../harness/eventually.ts';
import { connectAs, insertAt, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { openEventWorld, type EventWorld } from './event-world.ts';

const test = suite('events at a pace', { timeoutMs: 120_000 });
const WITHOUT_TEMPORAL = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };
let world: EventWorld;

test.before(async () => {
  world = await openEventWorld();
});
test.after(() => world?.stop());

async function start(): Promise<{ studio: TestStudio; client: StudioClient }> {
  const studio = await startStudio({ parts: world.parts, env: WITHOUT_TEMPORAL });
  return { studio, client: connectAs(studio.address, await studio.token('ann')) };
}

/** Versions in the stream of a blob's events of one kind, in the order they came. */
async function versions(kind: 'blob.updated' | 'delta.applied', blobId: string): Promise<number[]> {
  const events = await readEvents(world.parts.url('nats'));
  return events.filter(({ subject }) => subject === `studio.${kind}.${blobId}`).map(({ version }) => version);
}

test('each delta is told of, the blob at a pace and at last of its newest version', async () => {
  const { studio, client } = await start();
  try {
    await client.blobs.createBlob({ id: 'burst', contentType: 'text/plain' });
    const began = performance.now();
    const edits = 60;
    for (let edit = 0; edit < edits; edit += 1) await insertAt(client, { blobId: 'burst', offset: 0, text: 'x' });
    const tookMs = performance.now() - began;
    const all = Array.from({ length: edits + 1 }, (_none, index) => index + 1);
    await eventually(
      'every delta is told of',
      async () => (await versions('delta.applied', 'burst')).length === all.length,
    );
    assert.equal(
      (await versions('delta.applied', 'burst')).sort((a, b) => a - b),
      all,
    );
    await eventually(
      'the newest version is told of',
      async () => (await versions('blob.updated', 'burst')).at(-1) === edits + 1,
    );
    const updated = await versions('blob.updated', 'burst');
    assert.equal(
      updated,
      [...updated].sort((a, b) => a - b),
    );
    // The first at once, then one in each pace, and after the end what was held and what was still on its way.
    assert.ok(updated.length <= tookMs / UPDATED_PACE_MS + 3, `${updated.length} in ${tookMs} ms`);
  } finally {
    await studio.stop();
  }
});

test('G5: a delta does not wait for what is held of its blob', async () => {
  const { studio, client } = await start();
  const ended = new AbortController();
  try {
    await client.blobs.createBlob({ id: 'awaited', contentType: 'text/plain' });
    let told = 1;
    const watching = (async () => {
      for await (const { event } of client.events.watchEvents({ blobId: 'awaited' }, { signal: ended.signal }))
        if (event?.type === EventType.DELTA_APPLIED) told = Number(event.version);
    })().catch(() => undefined);
    // The watch has begun when it tells of the first.
    await insertAt(client, { blobId: 'awaited', offset: 0, text: 'x' });
    await eventually('the watch has begun', async () => {
      if (told === 1) await insertAt(client, { blobId: 'awaited', offset: 0, text: 'x' });
      return told > 1;
    });
    const edits = 40;
    for (let edit = 0; edit < edits; edit += 1) {
      const { toVersion } = await insertAt(client, { blobId: 'awaited', offset: 0, text: 'x' });
      await eventually('its delta is told of', () => told >= Number(toVersion));
    }
    ended.abort();
    await watching;
    // If deltas went out with what is held, more than half of them would have one beside it.
    const updated = await versions('blob.updated', 'awaited');
    assert.ok(updated.length < edits * 0.4, `${updated.length} beside ${edits} deltas`);
  } finally {
    ended.abort();
    await studio.stop();
  }
});

test('a process that ends tells first what it held back', async () => {
  const { studio, client } = await start();
  await client.blobs.createBlob({ id: 'ended', contentType: 'text/plain' });
  for (let edit = 0; edit < 4; edit += 1) await insertAt(client, { blobId: 'ended', offset: 0, text: 'x' });
  await studio.stop();
  assert.is((await versions('blob.updated', 'ended')).at(-1), 5);
});

test('G5: the mark of a process killed in a burst lies behind what it held back, and another tells of that', async () => {
  const { studio, client } = await start();
  const { blob } = await client.blobs.createBlob({ id: 'killed', contentType: 'text/plain' });
  assert.is(blob?.version, 1n);
  let isOver = false;
  const typing = (async () => {
    while (!isOver) await insertAt(client, { blobId: 'killed', offset: 0, text: 'x' });
  })().catch(() => undefined);
  const leases = world.database.db.collection<{ _id: string; low: number; lease_until: Date }>('committers');
  // One blob, written by one process: the number of a commit is the version it made.
  const markNow = async (): Promise<number> =>
    Math.max(0, ...(await leases.find({ lease_until: { $gt: new Date() } }).toArray()).map(({ low }) => low));
  const first = await markNow();
  await eventually('a mark within the burst', async () => (await markNow()) > first + 5, 4 * WATERMARK_EVERY_MS);
  await studio.kill();
  isOver = true;
  await typing;
  const mark = await markNow();
  const updated = await versions('blob.updated', 'killed');
  assert.ok(mark <= Math.max(...updated), `the mark is at ${mark}, told was ${updated.join(' ')}`);
  const { studio: next, client: reader } = await start();
  try {
    const newest = Number((await reader.blobs.getBlob({ id: 'killed' })).blob?.version);
    await eventually(
      'the newest version is told of',
      async () => (await versions('blob.updated', 'killed')).includes(newest),
      30_000,
    );
  } finally {
    await next.stop();
  }
});

test.run();
