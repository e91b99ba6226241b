/** y-websocket's protocol beyond synchronizing: rooms that are only named, new tokens, what became of an edit. */
import * as encoding from 'lib0/encoding';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { SYNC_MESSAGE_BYTES_MAX, TOKEN_CLOCK_TOLERANCE_SECONDS } from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { step1Message, updateMessage } from './sync-messages.ts';
import { createText, readText, savedNotices, SyncWorld } from './sync-world.ts';
import type { StudioClient } from '../../clients/node/src/index.ts';

const test = suite('sync protocol');
const world = new SyncWorld();
let parts: TestParts;
let here: TestStudio;
/** Makes what is named. */
let making: TestStudio;
let client: StudioClient;
let token: string;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true, temporal: true });
  [here, making] = await Promise.all([
    startStudio({ parts }),
    startStudio({ parts, env: { STUDIO_SYNC_CREATE: 'application/vnd.yjs' } }),
  ]);
  client = await world.client(here, 'ada');
  token = await here.token('ada');
});
test.after(() => parts.stop());
test.after(async () => void (await Promise.all([here.stop(), making.stop()])));
test.after(() => world.close());

const tokenMessage = (given: string): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, 2);
    encoding.writeVarUint(encoder, 0);
    encoding.writeVarString(encoder, given);
  });
const authKind = (messages: readonly Uint8Array[]): number[] =>
  messages.filter(([type]) => type === 2).map(([, kind]) => kind ?? -1);

test('?create= makes the room that is named, once for all who come first, of that type', async () => {
  for (let round = 0; round < 5; round += 1) {
    const name = `named_${Date.now()}_${round}`;
    const editors = await Promise.all(
      [here, making, here, making, here].map((studio) =>
        world.openSynced(studio, name, token, undefined, { create: 'text/markdown' }),
      ),
    );
    for (const [n, { text }] of editors.entries()) text.insert(0, String(n));
    await eventually('all have all', async () => {
      const head = await readText(client, name);
      return head.length === 5 && editors.every(({ text }) => text.toJSON() === head);
    });
    const { blob } = await client.blobs.getBlob({ id: name });
    assert.is(blob?.contentType, 'text/markdown');
  }
});

test('STUDIO_SYNC_CREATE makes rooms of any shape without a parameter; the parameter goes before it', async () => {
  const name = `any-${Date.now()}`;
  const doc = new Y.Doc();
  doc.getMap('settings').set('dark', true);
  doc.getArray('list').push([1]);
  await world.openSynced(making, name, token, doc);
  const other = await world.openSynced(here, name, token);
  await eventually('another sees it', () => other.doc.getMap('settings').get('dark') === true);
  assert.is((await client.blobs.getBlob({ id: name })).blob?.contentType, 'application/vnd.yjs');
  await world.openSynced(making, `${name}-json`, token, undefined, { create: 'application/json' });
  assert.is(await readText(client, `${name}-json`), '{}');
});

test("G8: a room can't be made under another's id, a bad name or a type that is not edited live", async () => {
  const taken = await createText(client, 'ada’s');
  const eve = await here.token('eve');
  const cases: [string, string, string, string, number][] = [
    [taken, eve, 'text/plain', 'BLOB_NOT_FOUND', 4404],
    ['no%20id', token, 'text/plain', 'BLOB_NOT_FOUND', 4404],
    ['team/notes', token, 'text/plain', 'BLOB_NOT_FOUND', 4404],
    ['', token, 'text/plain', 'BLOB_NOT_FOUND', 4404],
    ['derived-notes', token, 'text/plain', 'FIELD_INVALID', 4400],
    ['picture', token, 'image/png', 'CONTENT_TYPE_UNSUPPORTED', 4400],
    ['nonsense', token, 'nonsense', 'CONTENT_TYPE_UNSUPPORTED', 4400],
  ];
  for (const [name, given, create, reason, code] of cases) {
    const editor = world.openEditor(here, name, given, new Y.Doc(), { create });
    const closed = await eventually(`${reason} ends it`, editor.closed);
    assert.equal([closed.code, closed.reason.split(':')[0]], [code, reason]);
    assert.not.ok(editor.provider.shouldConnect);
  }
});

test('G8: a new token over the open socket moves its end; a wrong one changes nothing', async () => {
  const id = await createText(client, 'x');
  const ttlSeconds = 3 - TOKEN_CLOCK_TOLERANCE_SECONDS;
  const path = `/sync/${id}?token=`;
  const renewed = await world.openSocket(here, path + (await here.token('ada', { ttlSeconds })));
  const kept = await world.openSocket(here, path + (await here.token('ada', { ttlSeconds })));
  renewed.socket.send(tokenMessage(await here.token('ada', { ttlSeconds: 3_600 })));
  kept.socket.send(tokenMessage('garbage'));
  kept.socket.send(tokenMessage(await here.token('eve', { ttlSeconds: 3_600 })));
  await eventually('one is granted', () => authKind(renewed.messages).includes(2));
  await eventually('two are denied', () => authKind(kept.messages).filter((kind) => kind === 0).length === 2);
  const { code, reason } = await kept.closed;
  assert.equal([code, reason.split(':')[0]], [4401, 'TOKEN_EXPIRED']);
  assert.is(renewed.socket.readyState, renewed.socket.OPEN);
});

test('an editor whose token ended comes back with a new one, and what it typed meanwhile is kept', async () => {
  const id = await createText(client, '');
  const brief = await here.token('ada', { ttlSeconds: 2 - TOKEN_CLOCK_TOLERANCE_SECONDS });
  const editor = await world.openSynced(here, id, brief);
  await eventually('it ends', editor.closed);
  editor.text.insert(0, 'meanwhile');
  editor.provider.params = { token };
  editor.provider.connect();
  await eventually('it is stored', async () => (await readText(client, id)) === 'meanwhile');
});

test('?versions=1: each update is a version of its own, and answered with it; without it there is no such message', async () => {
  const id = await createText(client, '');
  const [told, stock] = await Promise.all(
    ['&versions=1', ''].map((query) => world.openSocket(here, `/sync/${id}?token=${token}${query}`)),
  );
  assert.ok(told && stock);
  for (const [{ socket }, letters] of [
    [told, 'abcdefghij'],
    [stock, 'ABCDEFGHIJ'],
  ] as const) {
    const doc = new Y.Doc();
    doc.on('update', (update: Uint8Array) => socket.send(updateMessage(update)));
    for (const letter of letters) doc.getText('content').insert(doc.getText('content').length, letter);
  }
  await eventually('all are told', () => savedNotices(told.messages).length === 10);
  await eventually('all are stored', async () => (await readText(client, id)).length === 20);
  const versions = savedNotices(told.messages).map((notice) => ('saved' in notice ? notice.saved.version : 0));
  for (const [typed, version] of versions.entries()) {
    const { blob } = await client.blobs.getBlob({ id, version: BigInt(version) });
    const own = Buffer.from(blob?.content ?? [])
      .toString()
      .replace(/[A-Z]/g, '');
    assert.is(own, 'abcdefghij'.slice(0, typed + 1), `version ${version}`);
  }
  assert.equal(savedNotices(stock.messages), []);
});

test('who asks is told who is here', async () => {
  const id = await createText(client, '');
  const editor = await world.openSynced(here, id, token);
  editor.provider.awareness.setLocalStateField('name', 'Ada');
  const { socket, messages } = await world.openSocket(here, `/sync/${id}?token=${token}`);
  const presence = (): number => messages.filter((message) => Buffer.from(message).includes('Ada')).length;
  await eventually('a newcomer is told', () => presence() === 1);
  socket.send(Uint8Array.of(3));
  await eventually('and again', () => presence() === 2);
});

test('G7: a change that is too long for a message stops its editor, which would else bring it for ever', async () => {
  const id = await createText(client, '');
  const editor = await world.openSynced(here, id, token);
  editor.text.insert(0, 'x'.repeat(SYNC_MESSAGE_BYTES_MAX));
  const closed = await eventually('it is closed', editor.closed);
  assert.equal([closed.code, closed.reason.split(':')[0]], [4413, 'CONTENT_TOO_LARGE']);
  assert.not.ok(editor.provider.shouldConnect);
  assert.is(await readText(client, id), '');
});

test('a message of no known type ends the socket that sent it; authentication that is not for servers does not', async () => {
  const id = await createText(client, '');
  const { socket, messages, closed } = await world.openSocket(here, `/sync/${id}?token=${token}`);
  socket.send(Uint8Array.of(2, 1));
  socket.send(step1Message(Y.encodeStateVector(new Y.Doc())));
  await eventually('it is answered', () => messages.some(([type, step]) => type === 0 && step === 1));
  socket.send(Uint8Array.of(42));
  assert.is((await closed).code, 4400);
});

test.run();
