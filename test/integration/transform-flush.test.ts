/** Several outputs of one provider that come to the same flush. */
import * as assert from 'uvu/assert';
import { Intent, type Settled } from '../../src/documents/commits/intent.ts';
import { contentHash } from '../../src/domain/content/canonical.ts';
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

test.run();
