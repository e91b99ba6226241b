/** Several outputs of one provider that come to the same flush. */
import * as assert from 'uvu/assert';
import { Intent, type Settled } from '../../src/documents/commits/intent.ts';
import { contentHash } from '../../src/domain/content/canonical.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { openRooms, type RoomsWorld } from './rooms-world.ts';

const test = suite('transforms in one flush', { timeoutMs: 60_000 });
let parts: TestParts;
let world: RoomsWorld;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  world = await openRooms(parts, { memoryBytesMax: 64 * 1024 * 1024 });
});
test.after(async () => {
  await world?.close();
  await parts?.stop();
});

/** The outputs of these input versions, sent at once behind a change that keeps the room busy. */
async function transform(
  blobId: string,
  outputs: readonly (readonly [input: number, text: string])[],
): Promise<Settled[]> {
  for (const [, text] of outputs) await world.contents.put(contentHash(Buffer.from(text)), Buffer.from(text));
  return world.rooms.with(blobId, async (room) => {
    const same = Buffer.from(room.state.doc.getText('content').toJSON());
    const work = { kind: 'patch', patch: { kind: 'content', content: same } } as const;
    const busy = room.submit(new Intent({ userId: 'ada', work, bytes: 0 }));
    const settled = outputs.map(([version, text]) => {
      const content = Buffer.from(text);
      const derivation = {
        providerId: 'provider',
        providerVersion: 1,
        executionKey: `key-${version}`,
        inputs: [{ blobId: 'source', version }],
        outputHash: contentHash(content),
      };
      const output = { kind: 'transform', content, derivation } as const;
      return room.submit(
        new Intent({ userId: 'ada', providerId: 'provider', work: output, bytes: content.byteLength }),
      );
    });
    await busy;
    return Promise.all(settled);
  });
}

test('G9: an output of older inputs does not follow the newer one it came with', async () => {
  await world.createText('stale', 'one\n');
  const [newer, older] = await transform('stale', [
    [3, 'one\nthree\n'],
    [2, 'one\ntwo\n'],
  ]);
  assert.ok(newer?.delta);
  assert.is(older?.delta, undefined, 'it is stale');
  assert.is(await world.readText('stale'), 'one\nthree\n');
});

test('each output is merged against the one before it, though that is in the same flush', async () => {
  await world.createText('merged', 'one\n');
  await transform('merged', [[1, 'one\n']]);
  await transform('merged', [
    [2, 'one\ntwo\n'],
    [3, 'one\ntwo\nthree\n'],
    [4, 'three\n'],
  ]);
  assert.is(await world.readText('merged'), 'three\n');
});

test("G6 people's edits stay where the previous output is missing or damaged, and that is counted", async () => {
  const database = await openDatabase({ url: parts.url('mongodb'), name: 'rooms' });
  const { contents } = database;
  for (const [blobId, damage] of [
    ['missing', () => contents.deleteOne({ _id: hashOf('missing\n') })],
    ['damaged', () => contents.updateOne({ _id: hashOf('damaged\n') }, { $set: { bytes: Buffer.from('other') } })],
  ] as const) {
    await world.createText(blobId, '');
    await transform(blobId, [[1, `${blobId}\n`]]);
    await damage();
    // Nobody has changed it: it is the previous output itself.
    await transform(blobId, [[2, `${blobId} and more\n`]]);
    assert.is(await world.readText(blobId), `${blobId} and more\n`);
    await world.rooms.with(blobId, async (room) => {
      const patch = { kind: 'content', content: Buffer.from('mine\n') } as const;
      await room.submit(new Intent({ userId: 'ada', work: { kind: 'patch', patch }, bytes: 0 }));
    });
    await contents.deleteOne({ _id: hashOf(`${blobId} and more\n`) });
    const [settled] = await transform(blobId, [[3, 'theirs\n']]);
    assert.is(await world.readText(blobId), 'mine\n');
    assert.is(settled?.delta?.skippedHunks, 1);
  }
  await database.close();
});

function hashOf(text: string): string {
  return contentHash(Buffer.from(text));
}

test.run();
