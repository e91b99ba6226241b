/** Live documents as a cache: one load for all who ask, bounded in memory, and a failed load is never an empty document. */
import * as assert from 'uvu/assert';
import { StudioError } from '../../src/errors.ts';
import { BASE_DOCUMENTS_IDLE_MS_MAX, LIVE_COMPARE_MS, ROOM_LOADING_BYTES } from '../../src/limits.ts';
import { startCutProxy } from '../harness/cut-proxy.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { insertion, openRooms, type RoomsWorld } from './rooms-world.ts';

const test = suite('rooms as a cache', { timeoutMs: 60_000 });
const MEGABYTE = 1024 * 1024;
let parts: TestParts;
const worlds: RoomsWorld[] = [];

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
});
test.after(() => parts.stop());
test.after(async () => void (await Promise.all(worlds.map((world) => world.close()))));

async function open(options: Parameters<typeof openRooms>[1]): Promise<RoomsWorld> {
  const world = await openRooms(parts, options);
  worlds.push(world);
  return world;
}

test('a thousand who ask at once share one load', async () => {
  const writer = await open({ memoryBytesMax: 64 * MEGABYTE });
  await writer.createText('shared', 'the one text');
  const reader = await open({ memoryBytesMax: 64 * MEGABYTE });
  const texts = await Promise.all(Array.from({ length: 1_000 }, () => reader.readText('shared')));
  assert.equal([...new Set(texts)], ['the one text']);
  assert.is(reader.loadsOf('shared'), 1);
});

test('G7: the least recently used documents make place, and come back whole', async () => {
  const world = await open({ memoryBytesMax: 4 * MEGABYTE });
  const text = (index: number): string => `${index} `.repeat(100_000);
  for (let index = 0; index < 40; index++) await world.createText(`large-${index}`, text(index));
  assert.ok(world.rooms.memoryBytes < 4 * MEGABYTE, `${world.rooms.memoryBytes} bytes`);
  for (const index of [0, 39, 7]) assert.is(await world.readText(`large-${index}`), text(index));
  assert.is(world.loadsOf('large-0'), 2, 'it had made place');
  assert.is(world.loadsOf('large-39'), 1, 'it was used last');
});

test('G7: documents at past versions count among them, make place for them, and go when nobody uses them', async () => {
  const world = await open({ memoryBytesMax: 8 * MEGABYTE });
  const editPast = async (id: string): Promise<void> => {
    await world.createText(id, 'x'.repeat(1_000_000));
    await world.rooms.with(id, (room) => room.submit(insertion('later ')));
    await world.rooms.with(id, (room) => room.submit(insertion('past ', undefined, 1)));
  };
  await editPast('past-1');
  assert.ok(world.bases.memoryBytes > 1_000_000, `${world.bases.memoryBytes} bytes`);
  assert.ok(world.rooms.memoryBytes > 3_000_000, `${world.rooms.memoryBytes} bytes`);
  for (const id of ['past-2', 'past-3', 'past-4', 'past-5']) await editPast(id);
  assert.ok(world.rooms.memoryBytes < 8 * MEGABYTE, `${world.rooms.memoryBytes} bytes`);
  assert.ok(world.bases.memoryBytes > 1_000_000, 'what was used last stays');
  world.bases.dropIdle(performance.now() + BASE_DOCUMENTS_IDLE_MS_MAX + 1);
  assert.is(world.bases.memoryBytes, 0);
});

test('G7: with all of them in use a new one is refused, clearly, until one is let go', async () => {
  const world = await open({ memoryBytesMax: 2 * MEGABYTE });
  const text = 'x'.repeat(400_000);
  await world.createText('held', text);
  await world.createText('waiting', 'small');
  const room = await world.rooms.hold('held');
  const other = await world.rooms.hold('waiting');
  assert.ok(world.rooms.memoryBytes > 400_000 && world.rooms.memoryBytes < 1_200_000, `${world.rooms.memoryBytes}`);
  // Both the text and the delta that brought it are kept.
  const left = 2 * MEGABYTE - world.rooms.memoryBytes - ROOM_LOADING_BYTES;
  await world.createText('third', 'x'.repeat(left / 2));
  const third = await world.rooms.hold('third');
  try {
    await world.readText('fourth');
    assert.unreachable('there was place');
  } catch (error) {
    assert.instance(error, StudioError);
    assert.is((error as StudioError).reason, 'LIMIT_EXCEEDED');
    assert.is((error as StudioError).metadata['limit'], 'STUDIO_DOCUMENTS_MEMORY_MB');
  }
  assert.is(await world.readText('held'), text, 'what is open is served');
  world.rooms.release(third);
  assert.is(await world.readText('fourth'), '');
  for (const held of [room, other]) world.rooms.release(held);
});

test('G7: one user holds a share of the documents, and nobody else is refused for it', async () => {
  const refused = async (opening: Promise<unknown>, limit: string): Promise<void> => {
    const error = await opening.then(
      () => undefined,
      (error: unknown) => StudioError.from(error),
    );
    assert.equal([error?.reason, error?.metadata['limit']], ['LIMIT_EXCEEDED', limit]);
  };
  const few = await open({ memoryBytesMax: 64 * MEGABYTE, perUserMax: 2 });
  for (const id of ['one', 'two', 'three']) await few.createText(id, id);
  await few.createText('four', 'four', 'bob');
  const [one] = [await few.rooms.holdFor('ada', 'one'), await few.rooms.holdFor('ada', 'two')];
  await refused(few.rooms.holdFor('ada', 'three'), 'ROOMS_HELD_PER_USER_MAX');
  await few.rooms.holdFor('ada', 'two');
  await few.rooms.holdFor('bob', 'four');
  few.rooms.releaseFor('ada', one);
  await few.rooms.holdFor('ada', 'three');
  const small = await open({ memoryBytesMax: 4 * MEGABYTE });
  await small.createText('half', 'x'.repeat(400_000));
  await small.createText('more', 'x'.repeat(400_000));
  await small.createText('others', 'x'.repeat(400_000), 'bob');
  const half = await small.rooms.holdFor('ada', 'half');
  await refused(small.rooms.holdFor('ada', 'more'), 'ROOMS_HELD_BYTES_PER_USER_FRACTION');
  assert.is((await small.rooms.holdFor('bob', 'others')).holders, 1);
  small.rooms.releaseFor('ada', half);
  await small.rooms.holdFor('ada', 'more');
});

test('G8: a blob is loaded for nobody who may not see it, nor is one that does not exist', async () => {
  const writer = await open({ memoryBytesMax: 64 * MEGABYTE });
  await writer.createText('private', 'for ada alone');
  const world = await open({ memoryBytesMax: 64 * MEGABYTE });
  const bob = { userId: 'bob', administrator: false };
  for (const blobId of ['private', 'no-such-blob']) {
    const asking = [
      () => world.rooms.withFor(bob, blobId, async () => undefined),
      () => world.rooms.holdFor('bob', blobId),
    ];
    for (const ask of asking) {
      const error = await ask().then(
        () => undefined,
        (error: unknown) => StudioError.from(error),
      );
      assert.is(error?.reason, 'BLOB_NOT_FOUND');
    }
    assert.is(world.loadsOf(blobId), 0, blobId);
  }
  await world.rooms.withFor({ ...bob, userId: 'ada' }, 'private', async (room) => assert.is(room.state.version, 1));
});

test('G6: a load that fails is an error to all who asked, never an empty document, and is tried anew', async () => {
  const writer = await open({ memoryBytesMax: 64 * MEGABYTE });
  await writer.createText('kept', 'still here');
  const proxy = await startCutProxy(parts.url('mongodb'));
  try {
    const reader = await open({ memoryBytesMax: 64 * MEGABYTE, mongodbUrl: proxy.url });
    proxy.refuse();
    proxy.cutAll();
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => reader.readText('kept')));
    for (const answer of answers) {
      assert.is(answer.status, 'rejected');
      assert.is(answer.status === 'rejected' && (answer.reason as StudioError).reason, 'STORAGE_UNAVAILABLE');
    }
    assert.is(reader.loadsOf('kept'), 1, 'they shared the failed load');
    proxy.accept();
    let text: string | undefined;
    for (const deadline = Date.now() + 20_000; text === undefined && Date.now() < deadline;) {
      text = await reader.readText('kept').catch(() => undefined);
    }
    assert.is(text, 'still here');
    await reader.close();
    worlds.splice(worlds.indexOf(reader), 1);
  } finally {
    await proxy.close();
  }
});

test('G5: what a process was never told of is shown all the same', async () => {
  const reader = await open({ memoryBytesMax: 64 * MEGABYTE });
  await reader.createText('unheard', 'one');
  // It can't tell anybody, and the reader can't know that.
  const mute = await open({ memoryBytesMax: 64 * MEGABYTE, natsUrl: 'nats://127.0.0.1:1' });
  const room = await reader.rooms.hold('unheard');
  const ada = { userId: 'ada', administrator: false };
  const shown: number[] = [];
  const session = { onUpdate: (_update: Uint8Array, version: number) => void shown.push(version), onClose: () => {} };
  room.sessions.join(session, ada, await room.authorize(ada, 'read'));
  await mute.rooms.with('unheard', (other) => other.submit(insertion('two ')));
  assert.equal([reader.isConnected, mute.isConnected, shown], [true, false, []]);
  await eventually('it is shown', () => shown.at(-1) === 2, LIVE_COMPARE_MS * 3);
  assert.is(await reader.readText('unheard'), 'two one');
  room.sessions.leave(session);
  reader.rooms.release(room);
});

test.run();
