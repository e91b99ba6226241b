/** A live document follows what other processes commit, at whatever moment it hears of it. */
import * as assert from 'uvu/assert';
import { setImmediate as turn } from 'node:timers/promises';
import * as Y from 'yjs';
import { Intent, type Work } from '../../src/documents/commits/intent.ts';
import type { Room } from '../../src/documents/rooms/room.ts';
import { StudioError } from '../../src/errors.ts';
import { COMMIT_RETRY_MS_MAX, ROOM_REMOTE_BYTES_MAX, TRIAL_FROM_BYTES } from '../../src/limits.ts';
import { startCutProxy, type CutProxy } from '../harness/cut-proxy.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { insertion, openRooms, type RoomsWorld } from './rooms-world.ts';

const test = suite('rooms and other processes');
const MB = 1024 * 1024;
const MEMORY_BYTES = 64 * MB;
/** More than pass between the answer to the last change of a flush and the end of the loop that flushed it. */
const MICROTASKS = 12;
let parts: TestParts;
/** Before the reader's database. */
let proxy: CutProxy;
const worlds: RoomsWorld[] = [];

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  // Nothing announces their commits: each learns of the other's only from the log, and from what is handed to it here.
  proxy = await startCutProxy(parts.url('mongodb'));
  worlds.push(await openRooms(parts, { memoryBytesMax: MEMORY_BYTES }));
  worlds.push(await openRooms(parts, { memoryBytesMax: MEMORY_BYTES, mongodbUrl: proxy.url }));
});
test.after(async () => {
  await Promise.all(worlds.map((world) => world.close()));
  await proxy?.close();
  await parts?.stop();
});

function intent(work: Work): Intent {
  return new Intent({ userId: 'ada', work, bytes: 0 });
}

/** A flush that comes to nothing, for which the log is not asked. */
function nothing(): Intent {
  const session = { onUpdate: () => undefined, onClose: () => undefined };
  return intent({ kind: 'push', update: Uint8Array.of(0, 0), session, separate: false });
}

async function worldsWith(blobId: string): Promise<{ writer: RoomsWorld; reader: RoomsWorld }> {
  const [writer, reader] = worlds;
  if (!writer || !reader) throw new Error('There are no worlds.');
  await writer.createText(blobId, 'a');
  await reader.readText(blobId);
  await writer.rooms.with(blobId, async (room) => {
    await room.submit(insertion('b')).then(() => room.submit(insertion('c')));
  });
  return { writer, reader };
}

/** In a flush that commits nothing, and in each moment of it: a commit is heard of that is not the last in the log. */
async function hearInEveryMoment(name: string, then: (room: Room, after: string) => Promise<void>): Promise<void> {
  for (let microtasks = 0; microtasks <= MICROTASKS; microtasks++) {
    const blobId = `${name}-${microtasks}`;
    const { writer, reader } = await worldsWith(blobId);
    const heard = await writer.log.commitAt(blobId, 2);
    if (!heard) throw new Error('There is no second version.');
    await reader.rooms.with(blobId, async (room) => {
      await room.submit(nothing());
      for (let passed = 0; passed < microtasks; passed++) await Promise.resolve();
      room.onRemote(heard);
      await then(room, `after ${microtasks} microtasks`);
    });
  }
}

test('G3: what it hears of in any moment of a flush is shown at once', () =>
  hearInEveryMoment('heard', async (room, after) => {
    await turn();
    assert.is(room.state.version, 2, after);
  }));

test('G5: a hole in the seqs is noticed by the commit behind it, and filled from the log', async () => {
  const { writer, reader } = await worldsWith('hole');
  const heard = await writer.log.commitAt('hole', 3);
  if (!heard) throw new Error('There is no third version.');
  await reader.rooms.with('hole', async (room) => {
    assert.is(room.state.version, 1);
    room.onRemote(heard);
    // Nobody is in the document, so nothing else looks at the log.
    await eventually('the second and the third are shown', () => room.state.version === 3);
  });
});

test('G3: a refresh brings all there is in the log, not only what it has heard of', () =>
  hearInEveryMoment('refreshed', async (room, after) => {
    await room.refresh();
    assert.is(room.state.version, 3, after);
  }));

test('G7: commits that it hears of before their time take no more than their share, and are in the log all the same', async () => {
  const { writer, reader } = await worldsWith('early');
  const heard = await writer.log.commitAt('early', 2);
  if (!heard) throw new Error('There is no second version.');
  await reader.rooms.with('early', async (room) => {
    const before = room.memoryBytes;
    for (let seq = 1_000; seq < 1_020; seq++) {
      const deltas = heard.deltas.map((delta) => ({ ...delta, updates: [new Uint8Array(MB)] }));
      room.onRemote({ ...heard, firstSeq: seq, lastSeq: seq, deltas });
    }
    await room.refresh();
    const grown = room.memoryBytes - before;
    assert.ok(grown > MB && grown < ROOM_REMOTE_BYTES_MAX + MB, `${grown} bytes more`);

    await writer.rooms.with('early', (there) => there.submit(insertion('d')));
    const next = await writer.log.commitAt('early', 4);
    if (!next) throw new Error('There is no fourth version.');
    const flushed = room.submit(nothing());
    // During the flush, and there is no place for it any more.
    room.onRemote({ ...next, deltas: next.deltas.map((delta) => ({ ...delta, updates: [new Uint8Array(MB)] })) });
    await flushed;
    await eventually('it is shown', () => room.state.version === 4);
  });
});

test('G2: what seems to be there already is looked for on the newest head', async () => {
  const { writer, reader } = await worldsWith('nothing-to-do');
  const content = (text: string): Intent =>
    intent({ kind: 'patch', patch: { kind: 'content', content: Buffer.from(text) } });
  const { version } = await reader.rooms.with('nothing-to-do', (room) => room.submit(content('a')));
  assert.is(version, 4, 'it is the last one who wrote');
  await writer.rooms.with('nothing-to-do', (room) => room.refresh());
  assert.is(await writer.readText('nothing-to-do'), 'a');
  await writer.rooms.with('nothing-to-do', (room) => room.submit(intent({ kind: 'delete' })));
  await reader.rooms.with('nothing-to-do', (room) => room.submit(intent({ kind: 'undelete' })));
  await writer.rooms.with('nothing-to-do', async (room) => {
    await room.refresh();
    assert.is(room.state.facts.deletedAt, undefined);
  });
});

test('G4: what seems to be there already is looked for anew after a look at the log that failed half way', async () => {
  const { writer, reader } = await worldsWith('half-way');
  const heard = await writer.log.readRange('half-way', 2);
  await reader.rooms.with('half-way', async (room) => {
    const look = { command: 'find', collection: 'commits' };
    // The driver tries a read once more by itself.
    const failed = Promise.all([proxy.dropRequest(look), proxy.dropRequest(look)]);
    const settled = room.submit(intent({ kind: 'patch', patch: { kind: 'content', content: Buffer.from('a') } }));
    // In its flush, which finds nothing to do on the first version.
    for (const commit of heard) room.onRemote(commit);
    await failed;
    assert.is((await settled).version, 4);
    assert.is(room.state.doc.getText('content').toJSON(), 'a');
  });
});

test('G7: a read behind a change that the database does not answer is told so in the end', async () => {
  const reader = worlds[1];
  if (!reader) throw new Error('There is no reader.');
  // Nobody else writes it, so that the change leaves at once.
  await reader.createText('unanswered', 'a');
  await reader.rooms.with('unanswered', async (room) => {
    await room.submit(insertion('-'));
    proxy.pause();
    const written = room.submit(insertion('d'));
    await turn();
    let told = '';
    room.refresh().catch((error: unknown) => (told = StudioError.from(error).reason));
    room.tidy(performance.now() + COMMIT_RETRY_MS_MAX - 1_000);
    await turn();
    assert.is(told, '', 'not at once');
    room.tidy(performance.now() + COMMIT_RETRY_MS_MAX);
    await turn();
    proxy.resume();
    assert.is(told, 'STORAGE_UNAVAILABLE');
    await written.catch(() => undefined);
    await room.refresh();
    assert.is(room.state.doc.getText('content').toJSON(), 'd-a');
  });
});

test('G2: what seems impossible is tried on the newest head', async () => {
  const { reader } = await worldsWith('possible');
  await reader.rooms.with('possible', (room) =>
    room.submit(
      intent({
        kind: 'patch',
        patch: { kind: 'text_edits', encoding: 'utf16', edits: [{ offset: 3, deleteCount: 0, insert: '!' }] },
      }),
    ),
  );
  assert.is(await reader.readText('possible'), 'cba!');
});

test('G2: a large update that seems to build on nothing is tried on the newest head', async () => {
  const { writer, reader } = await worldsWith('large');
  const doc = new Y.Doc();
  Y.applyUpdate(
    doc,
    await writer.rooms.with('large', (room) => Promise.resolve(Y.encodeStateAsUpdate(room.state.doc))),
  );
  const before = Y.encodeStateVector(doc);
  doc.getText('content').insert(0, 'x'.repeat(TRIAL_FROM_BYTES));
  const update = Y.encodeStateAsUpdate(doc, before);
  const session = { onUpdate: () => undefined, onClose: () => undefined };
  await reader.rooms.with('large', async (room) => {
    assert.is(room.state.version, 1);
    const { version } = await room.submit(intent({ kind: 'push', update, session, separate: false }));
    assert.is(version, 4);
    const unknown = new Y.Doc();
    unknown.getText('content').insert(0, 'never sent');
    const known = Y.encodeStateVector(unknown);
    unknown.getText('content').insert(1, 'x'.repeat(TRIAL_FROM_BYTES));
    const missing = Y.encodeStateAsUpdate(unknown, known);
    const refusal = room.submit(intent({ kind: 'push', update: missing, session, separate: false }));
    assert.is(await refusal.catch((error: unknown) => StudioError.from(error).reason), 'UPDATE_DEPENDS_ON_MISSING');
  });
  assert.is((await reader.readText('large')).length, 3 + TRIAL_FROM_BYTES);
});

test.run();
