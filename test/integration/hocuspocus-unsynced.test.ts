/** What the stock Hocuspocus provider counts as unsynced when it comes back: never nothing while something is not stored. */
import { WebSocketStatus, type HocuspocusProviderWebsocket } from '@hocuspocus/provider';
import * as assert from 'uvu/assert';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { DoorWorld, HeldDocuments } from './door-world.ts';
import { HocuspocusWorld, type RichEditor } from './hocuspocus-world.ts';

const test = suite('hocuspocus unsynced');
const rich = new HocuspocusWorld();
const all: HeldDocuments[] = [];
let inside: DoorWorld;

test.before(async () => {
  inside = await DoorWorld.start();
});
test.after(() => inside.stop());
test.after(() => rich.close());
test.after(() => all.forEach((held) => held.take(Infinity)));

/** Back from offline, with what it typed there on its way to the engine, where it waits. */
async function typedOffline(type: (editor: RichEditor) => number): Promise<{
  readonly id: string;
  readonly held: HeldDocuments;
  readonly editor: RichEditor;
  readonly socket: HocuspocusProviderWebsocket;
  readonly updates: number;
}> {
  const held = new HeldDocuments(inside.engine);
  all.push(held);
  const doors = await inside.doorsWith({}, { documents: held.documents });
  const [id, token] = [await inside.newText('ada', 'there'), await inside.token()];
  const socket = rich.socket(doors.socketAddress);
  const editor = await rich.openSynced(socket, id, { token });
  socket.disconnect();
  await eventually('it is off', () => socket.status === WebSocketStatus.Disconnected);
  // With the answer to the studio's step 1, which holds all of them.
  const updates = type(editor) + 1;
  editor.unsynced.length = 0;
  await rich.goOnline(socket);
  await eventually('all has come', () => held.waiting === updates);
  return { id, held, editor, socket, updates };
}

/** What is sent to the provider behind what it was told before. */
async function isTold(editor: RichEditor): Promise<void> {
  const heard = editor.stateless.length;
  const other = await rich.openSynced(
    editor.provider.configuration.websocketProvider,
    editor.provider.configuration.name,
    {
      token: await inside.token(),
      sessionAwareness: true,
    },
  );
  other.provider.sendStateless('told');
  await eventually('it is told', () => editor.stateless.length > heard);
  other.provider.destroy();
}

test('G1: of what was typed offline and since, nothing is said to be stored before all is', async () => {
  const { id, held, editor, updates } = await typedOffline(({ text }) => {
    for (const word of ['one ', 'two ']) text.insert(0, word);
    text.delete(0, 1);
    return 3;
  });
  held.take(updates - 1);
  await eventually('they are stored', async () => (await inside.textOf(id)) === 'wo one there');
  await isTold(editor);
  assert.ok(editor.provider.hasUnsyncedChanges);
  editor.text.insert(0, 'live ');
  editor.text.insert(0, 'more ');
  await eventually('it has come', () => held.waiting === 3);
  held.take(2);
  await eventually('one of them is stored', async () => (await inside.textOf(id)).startsWith('live '));
  await isTold(editor);
  assert.not.ok(editor.unsynced.includes(0), editor.unsynced.join());
  held.take(1);
  await rich.settled(editor);
  assert.is(await inside.textOf(id), 'more live wo one there');
});

test('G1: the same where offline there were only deletions', async () => {
  const { id, held, editor, updates } = await typedOffline(({ text }) => {
    for (let n = 0; n < 3; n += 1) text.delete(0, 1);
    return 3;
  });
  held.take(1);
  await eventually('one is stored', async () => (await inside.textOf(id)) === 'here');
  await isTold(editor);
  assert.not.ok(editor.unsynced.includes(0), editor.unsynced.join());
  held.take(updates - 1);
  await rich.settled(editor);
  assert.is(await inside.textOf(id), 're');
});

test.run();
