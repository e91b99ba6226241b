/** Updates of one editor, and changes of one stream, in the order they were made, though large ones are tried first. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { openLiveDocument } from '../../src/documents/rooms/live-document.ts';
import { Intent } from '../../src/documents/commits/intent.ts';
import { TRIAL_FROM_BYTES } from '../../src/limits.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { fan } from '../unit/guard/bombs.ts';
import { string, write } from '../unit/guard/updates.ts';
import { insertion, openRooms, type RoomsWorld } from './rooms-world.ts';

const test = suite('order of pushes', { timeoutMs: 60_000 });
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

test('G6: a large update that builds on one still on its way is tried on what holds it', async () => {
  await world.createText('pasted', '');
  const session = { onUpdate: (): void => undefined, onClose: (): void => undefined };
  const live = await openLiveDocument(world.rooms, { userId: 'ada', administrator: false }, 'pasted', session);
  try {
    const doc = new Y.Doc();
    const updates: Uint8Array[] = [];
    doc.on('update', (update: Uint8Array) => updates.push(update));
    const pasted = 'pasted '.repeat(TRIAL_FROM_BYTES / 4);
    for (const text of ['typed ', pasted, ' typed again', ` ${pasted}`]) {
      doc.getText('content').insert(doc.getText('content').length, text);
    }
    const versions = await Promise.all(updates.map((update) => live.push(update)));
    assert.equal(
      versions.map(({ version }) => version),
      [...versions].map(({ version }) => version).sort((a, b) => a - b),
    );
  } finally {
    live.close();
  }
  assert.is(
    await world.readText('pasted'),
    `typed ${'pasted '.repeat(TRIAL_FROM_BYTES / 4)} typed again ${'pasted '.repeat(TRIAL_FROM_BYTES / 4)}`,
  );
});

/** Typed at the top of a text while offline: little to send, and slow to integrate, which only its flush finds out. */
const PREPENDS = 1_000;

test('G6: what turns out to need a trial is tried before the large update behind it, and both are saved', async () => {
  await world.createText('prepended', '');
  const session = { onUpdate: (): void => undefined, onClose: (): void => undefined };
  const live = await openLiveDocument(world.rooms, { userId: 'ada', administrator: false }, 'prepended', session);
  const doc = new Y.Doc();
  const text = doc.getText('content');
  const updates: Uint8Array[] = [];
  const send = (type: () => void): void => {
    const before = Y.encodeStateVector(doc);
    type();
    updates.push(Y.encodeStateAsUpdate(doc, before));
  };
  send(() => text.insert(0, 'typed '));
  send(() => {
    for (let index = 0; index < PREPENDS; index++) text.insert(0, String(index % 10));
  });
  send(() => text.insert(text.length, 'pasted '.repeat(TRIAL_FROM_BYTES / 4)));
  send(() => text.insert(text.length, 'the end'));
  assert.ok((updates[1]?.byteLength ?? 0) < TRIAL_FROM_BYTES, 'not tried for its size');
  try {
    const versions = await Promise.all(updates.map((update) => live.push(update)));
    const numbers = versions.map(({ version }) => version);
    assert.equal(
      numbers,
      [...numbers].sort((a, b) => a - b),
    );
  } finally {
    live.close();
  }
  assert.is(await world.readText('prepended'), text.toJSON());
});

test('G7: what a stream sent after an update that is tried waits for it, and nobody else does', async () => {
  await world.createText('streamed', '');
  const doc = new Y.Doc();
  doc.getText('content').insert(0, 'x'.repeat(TRIAL_FROM_BYTES));
  const update = Y.encodeStateAsUpdate(doc);
  const patch = { kind: 'yjs_update', update } as const;
  const line = {};
  const large = new Intent({ userId: 'ada', work: { kind: 'patch', patch }, bytes: update.byteLength, line });
  const settled = await world.rooms.with('streamed', (room) =>
    Promise.all([large, insertion('behind ', line), insertion('else ')].map((intent) => room.submit(intent))),
  );
  assert.equal(
    settled.map(({ version }) => version),
    [3, 4, 2],
  );
});

function rawChange(update: Uint8Array): Intent {
  return new Intent({
    userId: 'ada',
    work: { kind: 'patch', patch: { kind: 'yjs_update', update } },
    bytes: update.byteLength,
  });
}

test('G7: an honest small update that comes into one flush with slow ones is tried, and kept', async () => {
  await world.createText('crowded', '');
  const text = write([{ client: 1, clock: 0, structs: [string('a'.repeat(2_000), { parent: 'content' })] }]);
  await world.rooms.with('crowded', (room) => room.submit(rawChange(text)));
  const doc = new Y.Doc();
  Y.applyUpdate(doc, text);
  const known = Y.encodeStateVector(doc);
  // Each of these is quick by itself, also the honest one; the flush finds out that together they are not.
  for (let index = 0; index < 400; index++) doc.getText('content').insert(0, 'h');
  const honest = rawChange(Y.encodeStateAsUpdate(doc, known));
  const slow = [2, 3, 4].map((client) => rawChange(fan(400, client)));
  const results = await world.rooms.with('crowded', (room) =>
    Promise.allSettled([...slow, honest].map((intent) => room.submit(intent))),
  );
  const kept = results.filter(({ status }) => status === 'fulfilled').length;
  assert.is(results.at(-1)?.status, 'fulfilled', honest.trial);
  assert.is(honest.trial, 'passed');
  const now = await world.readText('crowded');
  assert.is(now.replaceAll(/[^h]/g, ''), 'h'.repeat(400));
  assert.is(now.length, 2_000 + kept * 400);
});

test.run();
