/** What the stream said it had and lost with its process is published again. */
import pino from 'pino';
import * as assert from 'uvu/assert';
import { EventConnection } from '../../src/events/connection.ts';
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
  const inStream = async (): Promise<number> => {
    if (!connection.healthy) return 0;
    return (await connection.manager().streams.info('STUDIO')).state.messages;
  };
  try {
    await client.blobs.createBlob({ id: 'lost', contentType: 'text/plain' });
    for (let edit = 0; edit < 5; edit += 1) await insertAt(client, { blobId: 'lost', offset: 0, text: 'x' });
    // Two events each: of the blob and of the delta.
    await eventually('all events are in the stream', async () => (await inStream()) === 12);
    await connection.manager().streams.purge('STUDIO');
    assert.is(await inStream(), 0);
    await parts.kill('nats');
    await parts.restart('nats');
    await eventually('all are there again', async () => (await inStream()) === 12);
  } finally {
    await connection.close();
  }
});

test.run();
