/** What the stream said it had and lost with its process is published again. */
import pino from 'pino';
import * as assert from 'uvu/assert';
import { EventConnection } from '../../src/events/connection.ts';
import { readEvents } from '../campaign/event-stream.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { connectAs, insertAt, type StudioClient } from '../harness/studio-client.ts';
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

test.run();
