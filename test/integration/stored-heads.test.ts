/** Stored heads, which lists are read from, where writing them fails or several do it. */
import { setTimeout as pause } from 'node:timers/promises';
import pino from 'pino';
import * as assert from 'uvu/assert';
import { HeadWriter } from '../../src/documents/commits/head-writer.ts';
import { Failpoints } from '../../src/failpoints.ts';
import { HEAD_PACE_MS, HEADS_REWRITTEN_PER_SECOND_MAX } from '../../src/limits.ts';
import type { DerivedHead } from '../../src/storage/blobs.ts';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { connectAs } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';

const HOUR_MS = 3_600_000;
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

test('what is noted of a newer version stays where that is asked for', async () => {
  const heads = new BlobHeads(database);
  await heads.insert(head('noted', 9));
  const note = (version: number, unlessNewer: boolean): Promise<void> => {
    const inputs = [{ blobId: 'noted', version }];
    return heads.setProcessed(
      'noted',
      'p',
      { executionId: `e${version}`, inputs, at: new Date(), status: 'succeeded' },
      { unlessNewer },
    );
  };
  const noted = async (): Promise<unknown> => (await heads.get('noted'))?.processedBy['p']?.executionId;
  await note(5, true);
  assert.is(await noted(), 'e5');
  await note(4, true);
  assert.is(await noted(), 'e5');
  await note(7, true);
  assert.is(await noted(), 'e7');
  await note(2, false);
  assert.is(await noted(), 'e2');
});

/** As BlobHeads, and counts what is written. */
class CountedHeads extends BlobHeads {
  written = 0;

  override advance(heads: readonly DerivedHead[]): Promise<void> {
    this.written += heads.length;
    return super.advance(heads);
  }
}

test('G7: however many blobs go on changing, their heads take the database no more than their share', async () => {
  const heads = new CountedHeads(database);
  const writer = new HeadWriter({ heads, failpoints: new Failpoints(''), logger: pino({ level: 'silent' }) });
  const blobs = Array.from({ length: HEADS_REWRITTEN_PER_SECOND_MAX * 2 }, (_none, index) => {
    const blob = { blobId: `busy-${index}`, version: 0, head: () => head(blob.blobId, blob.version) };
    return blob;
  });
  const change = (): void => {
    for (const blob of blobs) {
      blob.version += 1;
      writer.mark(blob);
    }
  };
  const storedVersions = async (): Promise<number[]> =>
    (await heads.getMany(blobs.map((blob) => blob.head().id))).map(({ version }) => version);
  try {
    change();
    await eventually(
      'the first change of each is in its head',
      async () => (await storedVersions()).length === blobs.length,
    );
    const writtenAtFirst = heads.written;
    const began = performance.now();
    while (performance.now() - began < HEAD_PACE_MS * 3) {
      change();
      await pause(HEAD_PACE_MS / 20);
    }
    const seconds = (performance.now() - began) / 1_000;
    const rewritten = heads.written - writtenAtFirst;
    assert.ok(rewritten > 0, 'they are rewritten while they change');
    // A round more than what the time is worth.
    assert.ok(rewritten <= HEADS_REWRITTEN_PER_SECOND_MAX * (seconds + 0.1), `${rewritten} in ${seconds} s`);
    const last = blobs[0]?.version;
    await eventually('all are right once it is over', async () => (await storedVersions()).every((at) => at === last));
  } finally {
    await writer.close();
  }
});

test('G3: a head that cannot be made keeps no other from being written, and is left to the sweep', async () => {
  const heads = new BlobHeads(database);
  const writer = new HeadWriter({ heads, failpoints: new Failpoints(''), logger: pino({ level: 'silent' }) });
  const broken = {
    blobId: 'unmade',
    head: (): DerivedHead => {
      throw new RangeError('too much');
    },
  };
  const whole = { blobId: 'made', head: () => head('made', 1) };
  writer.mark(broken);
  writer.mark(whole);
  await eventually('the other is written', async () => (await heads.get('made'))?.version === 1);
  writer.mark(broken);
  writer.retire(broken);
  assert.not(await writer.close(), 'not all is written');
});

test('G3: a head is written as soon where the clock of the day steps back', async () => {
  const heads = new BlobHeads(database);
  const writer = new HeadWriter({ heads, failpoints: new Failpoints(''), logger: pino({ level: 'silent' }) });
  const blob = { blobId: 'stepped', version: 1, head: () => head('stepped', blob.version) };
  const isStored = async (): Promise<boolean> => (await heads.get('stepped'))?.version === blob.version;
  const clock = Date.now;
  try {
    writer.mark(blob);
    await eventually('it is written', isStored);
    Date.now = () => clock() - HOUR_MS;
    blob.version = 2;
    writer.mark(blob);
    await eventually('it is written again', isStored);
  } finally {
    Date.now = clock;
    await writer.close();
  }
});

function head(id: string, version: number): DerivedHead {
  return {
    id,
    owner: 'ann',
    genesis: { contentType: 'text/plain', parentIds: [], rootId: id, depth: 0, createdBy: 'user', labels: {} },
    version,
    contentVersion: version,
    size: version,
    createdAt: new Date(0),
    updatedAt: new Date(version),
  };
}

test.run();
