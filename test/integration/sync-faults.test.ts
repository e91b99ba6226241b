/** /sync/<blob_id> when an editor, its network or the studio misbehaves. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Role, type StudioClient } from '../../clients/node/src/index.ts';
import { TOKEN_CLOCK_TOLERANCE_SECONDS } from '../../src/limits.ts';
import { step1Message, updateMessage } from './sync-messages.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { seeded } from '../harness/random.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { HocuspocusWorld } from './hocuspocus-world.ts';
import { createText, readText, SyncWorld } from './sync-world.ts';

const test = suite('sync faults');
const world = new SyncWorld();
const rich = new HocuspocusWorld();
let parts: TestParts;
let here: TestStudio;
let there: TestStudio;
let client: StudioClient;
let token: string;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true, temporal: true });
  [here, there] = await Promise.all([startStudio({ parts }), startStudio({ parts })]);
  client = await world.client(here, 'ada');
  token = await here.token('ada');
});
test.after(() => parts.stop());
test.after(async () => void (await Promise.all([here.stop(), there.stop()])));
test.after(() => rich.close());
test.after(() => world.close());

const ofKind = (messages: readonly Uint8Array[], step: number): Uint8Array[] =>
  messages.filter((message) => message[0] === 0 && message[1] === step);

test('G8: a page of another origin may not open a socket', async () => {
  const id = await createText(client, 'x');
  const path = `/sync/${id}?token=${token}`;
  await world.openSocket(here, path, { origin: here.address });
  let refusal = '';
  await world
    .openSocket(here, path, { origin: 'https://evil.example' })
    .catch((error: Error) => (refusal = error.message));
  assert.match(refusal, '403');
});

test('G8: an open editor ends when its token does', async () => {
  const id = await createText(client, 'x');
  const brief = await here.token('ada', { ttlSeconds: 2 - TOKEN_CLOCK_TOLERANCE_SECONDS });
  const editor = await world.openSynced(here, id, brief);
  const closed = await eventually('it ends', editor.closed);
  assert.is(closed.code, 4401);
  assert.ok(closed.reason.startsWith('TOKEN_EXPIRED'), closed.reason);
});

test('a deleted blob ends its editors, on every process', async () => {
  const id = await createText(client, 'x');
  const [near, far] = await Promise.all([here, there].map((studio) => world.openSynced(studio, id, token)));
  await client.blobs.deleteBlob({ id });
  for (const editor of [near, far]) {
    const closed = await eventually('it ends', () => editor?.closed());
    assert.is(closed.code, 4410);
  }
});

test('G6: an update that depends on what the studio lacks is asked for, and then kept', async () => {
  const id = await createText(client, '');
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  doc.getText('content').insert(0, 'one');
  doc.getText('content').insert(3, 'two');
  const { socket, messages } = await world.openSocket(here, `/sync/${id}?token=${token}`);
  socket.send(updateMessage(updates[1] ?? new Uint8Array()));
  await eventually('it is asked again', () => ofKind(messages, 0).length === 2);
  assert.is(await readText(client, id), '');
  const answer = updateMessage(Y.encodeStateAsUpdate(doc));
  answer[1] = 1;
  socket.send(answer);
  await eventually('both are kept', async () => (await readText(client, id)) === 'onetwo');
  assert.is(socket.readyState, socket.OPEN);
});

test('G6: one that cannot say what is missing is told so, instead of typing into nothing', async () => {
  const id = await createText(client, '');
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  doc.getText('content').insert(0, 'one');
  doc.getText('content').insert(3, 'two');
  const lacking = updates[1] ?? new Uint8Array();
  const { socket, messages, closed } = await world.openSocket(here, `/sync/${id}?token=${token}`);
  const answer = updateMessage(lacking);
  answer[1] = 1;
  for (let asked = 1; socket.readyState === socket.OPEN && asked < 20; asked += 1) {
    socket.send(answer);
    await eventually('it asks, or ends', () => socket.readyState !== socket.OPEN || ofKind(messages, 0).length > asked);
  }
  const { code, reason } = await closed;
  assert.is(code, 4509);
  assert.match(reason, 'UPDATE_DEPENDS_ON_MISSING');
  assert.is(await readText(client, id), '');
});

test('G1: the answer to a step 1 says that what was sent before it is stored', async () => {
  const id = await createText(client, '');
  const doc = new Y.Doc();
  doc.getText('content').insert(0, 'kept');
  const { socket, messages } = await world.openSocket(here, `/sync/${id}?token=${token}`);
  socket.send(updateMessage(Y.encodeStateAsUpdate(doc)));
  socket.send(step1Message(Y.encodeStateVector(doc)));
  await eventually('it answers', () => ofKind(messages, 1).length === 1);
  const reader = await world.client(there, 'ada');
  assert.is(await readText(reader, id), 'kept');
});

test('an editor with nothing of its own gets the state once', async () => {
  const id = await createText(client, 'the state');
  const { socket, messages } = await world.openSocket(here, `/sync/${id}?token=${token}`);
  socket.send(step1Message(Y.encodeStateVector(new Y.Doc())));
  await eventually('it answers', () => ofKind(messages, 1).length === 1);
  await client.deltas.applyDelta({ blobId: id, patch: { case: 'content', value: Buffer.from('the state.') } });
  await eventually('the change arrives', () => ofKind(messages, 2).length === 1);
  const holding = messages.filter((message) => Buffer.from(message).includes('the state'));
  assert.is(holding.length, 1);
});

test(
  'garbage ends the connection that sent it, and nothing else',
  seeded(async (random) => {
    const id = await createText(client, 'safe');
    const bystander = await world.openSynced(here, id, token);
    for (let round = 0; round < 40; round += 1) {
      const { socket, closed } = await world.openSocket(here, `/sync/${id}?token=${token}`);
      const garbage = random.bytes(random.int(0, 60));
      if (random.chance(0.3)) socket.send(garbage);
      else socket.send(updateMessage(random.chance(0.5) ? garbage : Uint8Array.of(1, ...garbage)));
      socket.close();
      await closed;
    }
    bystander.text.insert(4, ' and sound');
    await eventually('the text is whole', async () => (await readText(client, id)) === 'safe and sound');
    assert.ok(bystander.provider.wsconnected);
  }),
);

test('a refused update ends its editor for good, with the reason', async () => {
  const id = await createText(client, 'x');
  const doc = new Y.Doc();
  doc.getMap('other').set('k', 1);
  const editor = world.openEditor(here, id, token, doc);
  const closed = await eventually('it ends', editor.closed);
  assert.is(closed.code, 4400);
  assert.ok(closed.reason.startsWith('UPDATE_ROOT_FORBIDDEN'), closed.reason);
  assert.is(await readText(client, id), 'x');
});

test('an editor that brings what another user typed and has not stored comes back until they have', async () => {
  const id = await createText(client, '');
  await client.access.grantAccess({ blobId: id, userId: 'bob', role: Role.EDITOR });
  const ada = await world.openSynced(here, id, token);
  ada.text.insert(0, 'one ');
  await eventually('it is stored', async () => (await readText(client, id)) === 'one ');
  ada.provider.disconnect();
  ada.text.insert(4, 'two ');
  const bobs = await here.token('bob');
  const docs = ['stock ', 'rich '].map((own) => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(ada.doc));
    doc.getText('content').insert(8, own);
    return doc;
  });
  const stock = world.openEditor(here, id, bobs, docs[0]);
  const codes: (number | undefined)[] = [];
  stock.provider.on('connection-close', (event) => codes.push(event?.code));
  const socket = rich.socket(here.socketAddress);
  let disconnects = 0;
  socket.on('disconnect', () => (disconnects += 1));
  const other = rich.open(socket, id, { token: bobs, doc: docs[1] });
  await eventually('both came back', () => codes.length > 1 && disconnects > 1);
  assert.equal([...new Set(codes)], [4509]);
  assert.equal([other.denied, stock.closed()], [[], undefined]);
  ada.provider.connect();
  await eventually('all is stored', async () => {
    const text = await readText(client, id);
    return ['one two ', 'stock ', 'rich '].every((part) => text.includes(part));
  });
  await rich.settled(other);
  const foreign = await world.openSocket(here, `/sync/${id}?token=${bobs}`);
  const before = Y.encodeStateVector(ada.doc);
  ada.provider.disconnect();
  ada.text.insert(0, 'not his');
  foreign.socket.send(updateMessage(Y.encodeStateAsUpdate(ada.doc, before)));
  assert.is((await foreign.closed).code, 4409, 'what he says he typed is refused');
});

test('G1: a studio told to stop keeps what was typed, and its editors find another', async () => {
  const id = await createText(client, '');
  const leaving = await startStudio({ parts });
  const editor = await world.openSynced(leaving, id, token);
  let code: number | undefined;
  editor.provider.on('connection-close', (event) => (code ??= event?.code));
  for (let n = 0; n < 20; n += 1) editor.text.insert(n, String(n % 10));
  assert.is(await leaving.stop(), 0);
  await eventually('it is told to come back', () => code === 1012);
  assert.ok(editor.provider.shouldConnect);
  editor.provider.serverUrl = `${there.socketAddress}/sync`;
  await eventually('it is back', () => editor.provider.synced);
  await eventually('all is stored', async () => (await readText(client, id)) === editor.text.toJSON());
  assert.is(editor.text.length, 20);
});

test.run();
