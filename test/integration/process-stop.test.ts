/** What a process that ends leaves to others: what it could not write, and what may still land. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { readConfig } from '../../src/config.ts';
import { openEngine, type Engine } from '../../src/engine.ts';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { openEventWorld, type EventWorld } from './event-world.ts';

const test = suite('processes that stop', { timeoutMs: 60_000 });
const logger = pino({ level: 'silent' });
const ann = { userId: 'ann', administrator: false };
let world: EventWorld;

test.before(async () => {
  world = await openEventWorld();
});
test.after(() => world?.stop());

const start = (): Promise<Engine> =>
  openEngine(readConfig({ ...world.parts.environment, STUDIO_LOG_LEVEL: 'silent' }), logger);

async function create(engine: Engine, id: string, text: string): Promise<void> {
  const content = Buffer.from(text);
  await engine.documents.createBlob(ann, { id, content, contentType: 'text/plain', parentIds: [], labels: {} });
}

async function insert(engine: Engine, blobId: string, text: string): Promise<void> {
  const edits = [{ offset: 0, deleteCount: 0, insert: text }];
  await engine.documents.applyDelta(ann, { blobId, patch: { kind: 'text_edits', edits, encoding: 'utf16' } });
}

async function headOf(blobId: string): Promise<number | undefined> {
  return (await new BlobHeads(world.database).versions([blobId])).get(blobId);
}

test('G3: a head that a process could not write when it stopped is written by another', async () => {
  const { blobs } = world.database;
  const stopping = await start();
  try {
    await create(stopping, 'first', 'x');
    await create(stopping, 'second', '');
    // From now on the database refuses the second's head, and nothing else.
    await blobs.createIndex({ size: 1 }, { name: 'one_of_a_size', unique: true });
    await insert(stopping, 'second', 'y');
  } finally {
    await stopping.close();
  }
  assert.is(await headOf('second'), 1);
  await blobs.dropIndex('one_of_a_size');
  const other = await start();
  try {
    await eventually('its head is written', async () => (await headOf('second')) === 2);
  } finally {
    await other.close();
  }
});

test('G3: an older head is written at the first look at its blob', async () => {
  const [writing, other] = [await start(), await start()];
  try {
    await create(writing, 'older', '');
    await insert(writing, 'older', 'x');
    await eventually('its head is written', async () => (await headOf('older')) === 2);
    await world.database.blobs.updateOne({ _id: 'older' }, { $set: { version: 1, content_version: 1, size: 0 } });
    await other.documents.getBlob(ann, 'older', { withContent: false });
    await eventually('it is written again', async () => (await headOf('older')) === 2);
  } finally {
    await Promise.all([writing.close(), other.close()]);
  }
});

test.run();
