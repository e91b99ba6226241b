/** Editors that may only read, of both protocols, and how that changes while they are connected. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { eventually } from '../harness/eventually.ts';
import { readText, type StudioClient } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import { AccessWorld, createText, Role } from './access-world.ts';
import { HocuspocusWorld } from './hocuspocus-world.ts';
import { permissionDeniedMessage, step1Message, updateMessage } from './sync-messages.ts';
import { SyncWorld } from './sync-world.ts';
import type { TestStudio } from '../harness/studio.ts';

const test = suite('sync readers');
const editors = new SyncWorld();
const rich = new HocuspocusWorld();
let world: AccessWorld;
let studio: TestStudio;
let ada: StudioClient;
let token: string;

test.before(async () => {
  world = await AccessWorld.start();
  studio = await world.studio();
  ada = await world.connect(studio, 'ada');
  token = await studio.token('bob');
});
test.after(() => world.stop());
test.after(() => rich.close());
test.after(() => editors.close());

async function shared(role: Role): Promise<string> {
  const id = await createText(ada, 'theirs');
  await ada.access.grantAccess({ blobId: id, userId: 'bob', role });
  return id;
}

test('G8: Hocuspocus: a reader has its scope, is refused each update, and reads on', async () => {
  const id = await shared(Role.VIEWER);
  const editor = rich.open(rich.socket(studio.socketAddress), id, { token });
  await eventually('it is synced', () => editor.provider.synced);
  assert.is(editor.provider.authorizedScope, 'readonly');
  await eventually('an empty answer is acknowledged', () => !editor.provider.hasUnsyncedChanges);
  editor.text.insert(0, 'mine, not ');
  await ada.blobs.updateBlob({ id, content: Buffer.from('theirs again') });
  await eventually('it reads on', () => editor.text.toJSON() === 'mine, not theirs again');
  assert.ok(editor.provider.hasUnsyncedChanges);
  assert.is(await readText(ada, id), 'theirs again');
  assert.equal([editor.ended, editor.denied], [[], []]);
});

test('G8: Hocuspocus: one that is made a writer is told so, and its refused edits are asked for and acknowledged', async () => {
  const id = await shared(Role.VIEWER);
  const editor = rich.open(rich.socket(studio.socketAddress), id, { token });
  await eventually('it is synced', () => editor.provider.synced && !editor.provider.hasUnsyncedChanges);
  for (const letter of 'cba') editor.text.insert(0, letter);
  await eventually('it has unsynced changes', () => editor.provider.unsyncedChanges === 3);
  await ada.access.grantAccess({ blobId: id, userId: 'bob', role: Role.EDITOR });
  await eventually('its scope changes', () => editor.provider.authorizedScope === 'read-write');
  await rich.settled(editor);
  assert.is(await readText(ada, id), 'abctheirs');
  await ada.access.grantAccess({ blobId: id, userId: 'bob', role: Role.VIEWER });
  await eventually('and back', () => editor.provider.authorizedScope === 'readonly');
  editor.text.insert(0, 'no ');
  const other = rich.open(rich.socket(studio.socketAddress), id, { token });
  await eventually('another reads', () => other.text.toJSON() === 'abctheirs');
  assert.is(editor.provider.unsyncedChanges, 1);
});

test('G8: Hocuspocus: a reader that comes back with deletions of others’ is not told they are stored', async () => {
  const id = await shared(Role.VIEWER);
  const doc = new Y.Doc();
  const first = editors.openEditor(studio, id, token, doc);
  await eventually('it has the text', () => first.text.length === 6);
  first.provider.disconnect();
  doc.getText('content').delete(0, 3);
  const editor = rich.open(rich.socket(studio.socketAddress), id, { token, doc });
  await eventually('it is synced', () => editor.provider.synced);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok(editor.provider.hasUnsyncedChanges);
  assert.is(await readText(ada, id), 'theirs');
});

test('G8: Hocuspocus: one whose access is taken away is told and ended, the socket goes on', async () => {
  const [id, other] = await Promise.all([shared(Role.EDITOR), shared(Role.EDITOR)]);
  const socket = rich.socket(studio.socketAddress);
  const [editor, beside] = [
    await rich.openSynced(socket, id, { token }),
    await rich.openSynced(socket, other, { token }),
  ];
  await ada.access.revokeAccess({ blobId: id, userId: 'bob' });
  await eventually('it ends', () => editor.ended.length > 0);
  beside.text.insert(0, 'still ');
  await rich.settled(beside);
  assert.is(await readText(ada, other), 'still theirs');
});

test('G8: y-websocket: a reader is refused by a message, and its socket stays open for reading', async () => {
  const id = await shared(Role.VIEWER);
  const { socket, messages } = await editors.openSocket(studio, `/sync/${id}?token=${token}`);
  socket.send(step1Message(Y.encodeStateVector(new Y.Doc())));
  const doc = new Y.Doc();
  doc.getText('content').insert(0, 'mine');
  socket.send(updateMessage(Y.encodeStateAsUpdate(doc)));
  const denied = permissionDeniedMessage('ACCESS_DENIED: You may read this blob, not change it.');
  await eventually('it is refused', () => messages.some((message) => Buffer.from(message).equals(Buffer.from(denied))));
  await ada.blobs.updateBlob({ id, content: Buffer.from('theirs, still') });
  await eventually('it reads on', () => messages.some((message) => Buffer.from(message).includes(', still')));
  assert.is(await readText(ada, id), 'theirs, still');
});

test.run();
