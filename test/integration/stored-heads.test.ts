/** Stored heads, which lists are read from, where writing them fails or several do it. */
import * as assert from 'uvu/assert';
import type { DerivedHead } from '../../src/storage/blobs.ts';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { connectAs } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';

const test = suite('stored heads');
let parts: TestParts;
let studio: TestStudio;
let database: Database;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  const env = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };
  studio = await startStudio({ parts, env, failpoints: 'head.before_write=error@1' });
  database = await openDatabase({ url: parts.url('mongodb'), name: 'heads' });
});
test.after(async () => {
  await database?.close();
  await studio?.stop();
  await parts?.stop();
});

test('a head whose first write failed is written by itself, nobody having to touch the blob again', async () => {
  const ann = connectAs(studio.address, await studio.token('ann'));
  const failed = await ann.blobs.createBlob({ id: 'late', contentType: 'text/plain' }).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(failed, 'its caller is told');
  await eventually('it is listed', async () => (await ann.blobs.listBlobs({})).blobs.length === 1);
});

test('G3: of two who write a head that is not there, the one who knows more decides, whoever is first', async () => {
  const heads = new BlobHeads(database);
  const head = (id: string, version: number): DerivedHead => ({
    id,
    owner: 'ann',
    genesis: { contentType: 'text/plain', parentIds: [], rootId: id, depth: 0, createdBy: 'user', labels: {} },
    version,
    contentVersion: version,
    size: version,
    createdAt: new Date(0),
    updatedAt: new Date(version),
  });
  for (let round = 0; round < 50; round++) {
    const id = `raced-${round}`;
    const writers = [
      heads.insert(head(id, 1)),
      heads.advance([head(id, 3)]),
      heads.advance([head(id, 2)]),
      heads.advance([head(id, 4)]),
    ];
    await Promise.all(writers);
    assert.is((await heads.get(id))?.version, 4, id);
  }
});

test.run();
