/** What the stream said it had and lost with its process is published again. */
import pino from 'pino';
import * as assert from 'uvu/assert';
import { EventConnection } from '../../src/events/connection.ts';
import { DurableConsumer } from '../../src/events/consumer.ts';
import { readEvents, readStream } from '../campaign/event-stream.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { connectAs, insertAt, reasonOf, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';

const test = suite('events published again');
let parts: TestParts;
let studio: TestStudio;
let client: StudioClient;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  studio = await startStudio({ parts, env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  client = connectAs(studio.address, await studio.token('ann'));
});
test.after(async () => {
  await studio?.stop();
  await parts?.stop();
});

test('G5: events that a killed NATS had acknowledged and lost come again', async () => {
  const logger = pino({ level: 'silent' });
  const connection = await EventConnection.open({ url: parts.url('nats'), name: 'test', logger });
  const kinds = ['blob.created:1', 'blob.updated:6', ...[1, 2, 3, 4, 5, 6].map((seq) => `delta.applied:${seq}`)];
  /** Between the first and the newest version of the blob, which of them `blob.updated` tells of is a matter of its pace. */
  const hasAll = async (): Promise<boolean> => {
    if (!connection.healthy) return false;
    const stored = await readEvents(parts.url('nats'));
    const found = new Set(
      stored.map(({ subject, version }) => `${subject.split('.').slice(1, 3).join('.')}:${version}`),
    );
    return kinds.every((kind) => found.has(kind));
  };
  try {
    await client.blobs.createBlob({ id: 'lost', contentType: 'text/plain' });
    for (let edit = 0; edit < 5; edit += 1) await insertAt(client, { blobId: 'lost', offset: 0, text: 'x' });
    await eventually('all events are in the stream', hasAll);
    await connection.manager().streams.purge('STUDIO');
    assert.equal(await readEvents(parts.url('nats')), []);
    await parts.kill('nats');
    await parts.restart('nats');
    await eventually('all are there again', hasAll);
  } finally {
    await connection.close();
  }
});

test('G5: events that NATS had acknowledged and lost while no studio ran come again', async () => {
  await insertAt(client, { blobId: 'lost', offset: 0, text: 'y' });
  const { version } = (await client.blobs.getBlob({ id: 'lost' })).blob ?? {};
  const isThere = async (): Promise<boolean> => (await readStream(parts.url('nats'))).has(`lost:${version}`);
  await eventually('its event is in the stream', isThere);
  await studio.stop();
  const connection = await EventConnection.open({
    url: parts.url('nats'),
    name: 'test',
    logger: pino({ level: 'silent' }),
  });
  await connection.manager().streams.purge('STUDIO');
  await connection.close();
  await parts.kill('nats');
  await parts.restart('nats');
  studio = await startStudio({ parts, env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  client = connectAs(studio.address, await studio.token('ann'));
  await eventually('it is there again', isThere);
});

test('G5: a stream that is deleted while NATS runs is made anew, and told the last seconds again', async () => {
  const logger = pino({ level: 'silent' });
  const connection = await EventConnection.open({ url: parts.url('nats'), name: 'test', logger });
  const consuming = new AbortController();
  const handled: string[] = [];
  const consumer = new DurableConsumer(connection, logger).run({
    durable: 'again',
    types: ['delta.applied'],
    inFlightMax: 10,
    handle: async ({ blobId, version }) => void handled.push(`${blobId}:${version}`),
    signal: consuming.signal,
  });
  let shown = 0;
  const ended = (async () => {
    for await (const { event } of client.events.watchEvents({})) shown += event ? 1 : 0;
    return 'ended';
  })().catch(reasonOf);
  try {
    await client.blobs.createBlob({ id: 'gone', contentType: 'text/plain' });
    await eventually('its events are handled', () => handled.includes('gone:1'));
    await eventually('events are shown', async () => {
      if (shown === 0) await insertAt(client, { blobId: 'lost', offset: 0, text: 'x' });
      return shown > 0;
    });
    handled.length = 0;
    await connection.manager().streams.delete('STUDIO');
    await insertAt(client, { blobId: 'gone', offset: 0, text: 'x' });
    await eventually('all are in the new stream', async () => {
      const found = await readStream(parts.url('nats'));
      return found.has('gone:1') && found.has('gone:2');
    });
    await eventually('they are handled', () => handled.includes('gone:1') && handled.includes('gone:2'));
    assert.is(await ended, 'EVENTS_UNAVAILABLE');
    assert.is((await fetch(`${studio.address}/readyz`)).status, 200);
  } finally {
    consuming.abort();
    await consumer;
    await connection.close();
  }
});

test.run();
