/** /hocuspocus: the stock @hocuspocus/provider, unchanged, on two real studio processes over one database. */
import { WebSocketStatus } from '@hocuspocus/provider';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { TOKEN_CLOCK_TOLERANCE_SECONDS } from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { seeded } from '../harness/random.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { HocuspocusWorld } from './hocuspocus-world.ts';
import { createText, readText, SyncWorld } from './sync-world.ts';
import type { StudioClient } from '../../clients/node/src/index.ts';

const test = suite('hocuspocus');
const world = new HocuspocusWorld();
const others = new SyncWorld();
let parts: TestParts;
let here: TestStudio;
let there: TestStudio;
let client: StudioClient;
let reader: StudioClient;
let token: string;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true, temporal: true });
  [here, there] = await Promise.all([startStudio({ parts }), startStudio({ parts })]);
  client = await others.client(here, 'ada');
  reader = await others.client(there, 'ada');
  token = await here.token('ada');
});
test.after(() => parts.stop());
test.after(async () => void (await Promise.all([here.stop(), there.stop()])));
test.after(() => world.close());
test.after(() => others.close());

/** A provider renews its presence every 15 s by itself. */
const RETURN_MS_MAX = 8_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('many documents on one socket, beside a y-websocket editor of one of them', async () => {
  const ids = await Promise.all(Array.from({ length: 20 }, (_none, n) => createText(client, `text ${n}`)));
  const socket = world.socket(here.socketAddress);
  const editors = await Promise.all(ids.map((id) => world.openSynced(socket, id, { token })));
  assert.equal(
    editors.map(({ text }) => text.toJSON()),
    ids.map((_id, n) => `text ${n}`),
  );
  const beside = await others.openSynced(there, ids[0] ?? '', token);
  for (const { text } of editors) text.insert(0, 'my ');
  await world.settled(...editors);
  for (const [n, id] of ids.entries()) assert.is(await readText(reader, id), `my text ${n}`);
  await eventually('y-websocket has it', () => beside.text.toJSON() === 'my text 0');
  beside.text.insert(0, 'all ');
  await eventually('and the reverse', () => editors[0]?.text.toJSON() === 'all my text 0');
  assert.is(editors[0]?.provider.authorizedScope, 'read-write');
});

test('G1: the counter of unsynced changes reaches zero only when all are stored, one step per update', async () => {
  const id = await createText(client, '');
  const editor = await world.openSynced(world.socket(here.socketAddress), id, { token });
  for (let round = 0; round < 20; round += 1) {
    editor.unsynced.length = 0;
    for (let n = 0; n < 5; n += 1) editor.text.insert(editor.text.length, String(n));
    const typed = editor.text.toJSON();
    await eventually('nothing is unsynced', () => !editor.provider.hasUnsyncedChanges);
    assert.is(await readText(reader, id), typed);
    assert.equal(editor.unsynced, [1, 2, 3, 4, 5, 4, 3, 2, 1, 0]);
  }
});

test('an editor that is seeded when synced does not double the text; the state comes once', async () => {
  const id = await createText(client, 'there already');
  const doc = new Y.Doc();
  let received = 0;
  doc.on('update', (update: Uint8Array) => {
    if (Buffer.from(update).includes('there already')) received += 1;
  });
  const editor = world.open(world.socket(here.socketAddress), id, { token, doc });
  editor.provider.on('synced', () => {
    if (editor.text.length === 0) editor.text.insert(0, 'a default text');
  });
  await world.settled(editor);
  await client.deltas.applyDelta({ blobId: id, patch: { case: 'content', value: Buffer.from('there already.') } });
  await eventually('the change arrives', () => editor.text.toJSON() === 'there already.');
  assert.is(received, 1);
});

test(
  'G3: providers that drop off, type offline and return end with one text, stored, nothing unsynced',
  seeded(async (random) => {
    const id = await createText(client, 'seed');
    const sockets = [here, there, here].map((studio) => world.socket(studio.socketAddress));
    const editors = await Promise.all(sockets.map((socket) => world.openSynced(socket, id, { token })));
    for (let round = 0; round < 100; round += 1) {
      const at = random.int(0, editors.length);
      const [editor, socket] = [editors[at], sockets[at]];
      if (!editor || !socket) continue;
      if (random.chance(0.06)) {
        if (socket.shouldConnect) socket.disconnect();
        else await world.goOnline(socket);
      } else editor.text.insert(random.int(0, editor.text.length + 1), random.pick(['a', 'b', 'c']));
      if (random.chance(0.3)) await pause(random.int(0, 15));
    }
    for (const socket of sockets) await world.goOnline(socket);
    await world.settled(...editors);
    await eventually('all are equal', async () => {
      const head = await readText(client, id);
      for (const { text } of editors) assert.is(text.toJSON(), head);
      return true;
    });
  }),
);

test('edits made offline are counted unsynced until they are stored', async () => {
  const id = await createText(client, 'x');
  const socket = world.socket(here.socketAddress);
  const editor = await world.openSynced(socket, id, { token });
  socket.disconnect();
  await eventually('it is off', () => socket.status === WebSocketStatus.Disconnected);
  editor.text.insert(1, 'offline');
  assert.ok(editor.provider.hasUnsyncedChanges);
  assert.is(await readText(client, id), 'x');
  void socket.connect();
  await world.settled(editor);
  assert.is(await readText(reader, id), 'xoffline');
});

test('awareness and stateless messages reach everyone else in the document, on every process, and nobody beyond', async () => {
  const [id, elsewhere] = await Promise.all([createText(client, ''), createText(client, '')]);
  const socket = world.socket(here.socketAddress);
  const a = await world.openSynced(socket, id, { token });
  const b = await world.openSynced(world.socket(here.socketAddress), id, { token });
  const c = await world.openSynced(world.socket(there.socketAddress), id, { token });
  const foreign = await world.openSynced(socket, elsewhere, { token });
  const y = await others.openSynced(there, id, token);
  a.provider.setAwarenessField('cursor', 7);
  const seen = (states: Map<number, Record<string, unknown>> | undefined): unknown =>
    states?.get(a.doc.clientID)?.['cursor'];
  for (const awareness of [b.provider.awareness, c.provider.awareness, y.provider.awareness])
    await eventually('the cursor is seen', () => seen(awareness?.getStates()) === 7);
  a.provider.sendStateless('hello');
  for (const editor of [b, c]) await eventually('it is heard', () => editor.stateless.length === 1);
  a.provider.sendStateless('again');
  for (const editor of [b, c]) await eventually('in order', () => editor.stateless.length === 2);
  assert.equal(
    [b.stateless, c.stateless],
    [
      ['hello', 'again'],
      ['hello', 'again'],
    ],
  );
  assert.equal([a.stateless, foreign.stateless], [[], []]);
  assert.is(seen(foreign.provider.awareness?.getStates()), undefined);
  a.provider.detach();
  await eventually('it is gone', () => seen(c.provider.awareness?.getStates()) === undefined);
  foreign.text.insert(0, 'on the same socket');
  await world.settled(foreign);
});

test('who comes back after a short while without a connection is seen again at once, also without moving', async () => {
  const id = await createText(client, '');
  const socket = world.socket(here.socketAddress);
  const a = await world.openSynced(socket, id, { token });
  const [near, far] = await Promise.all(
    [here, there].map((studio) => world.openSynced(world.socket(studio.socketAddress), id, { token })),
  );
  assert.ok(near && far);
  const news: string[] = [];
  const seen = (): boolean => far.provider.awareness?.getStates().has(a.doc.clientID) ?? false;
  far.provider.awareness?.on('change', () => {
    const now = seen() ? 'here' : 'gone';
    if (news.at(-1) !== now) news.push(now);
  });
  a.provider.setAwarenessField('cursor', 7);
  const reconnected = async (): Promise<void> => {
    await eventually('it is seen', () => news.at(-1) === 'here');
    news.length = 0;
    socket.webSocket?.close();
    await eventually('it is gone, and seen again', () => news.join() === 'gone,here', RETURN_MS_MAX);
  };
  await reconnected();
  // Then alone at its process, which has forgotten it when it is back.
  near.provider.destroy();
  await eventually('the other left', () => !far.provider.awareness?.getStates().has(near.doc.clientID));
  await reconnected();
});

test('two sessions of one document on one socket', async () => {
  const id = await createText(client, 'one');
  const socket = world.socket(here.socketAddress);
  const [a, b] = await Promise.all([
    world.openSynced(socket, id, { token, sessionAwareness: true }),
    world.openSynced(socket, id, { token, sessionAwareness: true }),
  ]);
  a.text.insert(3, ' two');
  await eventually('the other has it', () => b.text.toJSON() === 'one two');
  b.provider.detach();
  a.text.insert(0, 'zero ');
  await world.settled(a);
  assert.is(await readText(reader, id), 'zero one two');
});

test('G8: each document has its own refusal, and the socket goes on', async () => {
  const id = await createText(client, 'mine');
  const socket = world.socket(here.socketAddress);
  const cases: [string, string, string][] = [
    [id, 'garbage', 'TOKEN_INVALID'],
    [await createText(client, ''), '', 'TOKEN_MISSING'],
    [await createText(client, ''), await here.token('ada', { ttlSeconds: -3600 }), 'TOKEN_EXPIRED'],
    [await createText(client, ''), await here.token('eve'), 'BLOB_NOT_FOUND'],
    ['no-such-blob', token, 'BLOB_NOT_FOUND'],
    ['no id at all', token, 'BLOB_NOT_FOUND'],
    ['x'.repeat(200), token, 'BLOB_NOT_FOUND'],
  ];
  for (const [name, given, reason] of cases) {
    const editor = world.open(socket, name, { token: given });
    await eventually(reason, () => editor.denied[0]?.startsWith(reason) ?? false);
    assert.not.ok(editor.provider.synced);
    editor.provider.detach();
  }
  const editor = await world.openSynced(socket, id, { token });
  assert.is(editor.text.toJSON(), 'mine');
  assert.is(socket.status, WebSocketStatus.Connected);
});

test('G8: a token that ends is asked for again in time; without another the document ends, and it alone', async () => {
  const [id, second] = await Promise.all([createText(client, 'x'), createText(client, 'y')]);
  const socket = world.socket(here.socketAddress);
  let asked = 0;
  const brief = async (): Promise<string> => {
    asked += 1;
    return here.token('ada', { ttlSeconds: (asked === 1 ? 2 : 3_600) - TOKEN_CLOCK_TOLERANCE_SECONDS });
  };
  const renewing = await world.openSynced(socket, id, { token: brief });
  const ends = await here.token('ada', { ttlSeconds: 2 - TOKEN_CLOCK_TOLERANCE_SECONDS });
  const ending = await world.openSynced(socket, second, { token: ends });
  await eventually('one ends', () => ending.ended.length > 0);
  assert.ok(ending.denied[0]?.startsWith('TOKEN_EXPIRED'), ending.denied[0]);
  assert.is(asked, 2);
  renewing.text.insert(0, 'still ');
  await world.settled(renewing);
  assert.is(await readText(reader, id), 'still x');
  assert.equal(renewing.denied, []);
});

test('?create= makes what is named, with the token of the URL; two who come first get the same', async () => {
  const name = `room-${Date.now()}`;
  const query = `?token=${token}&create=text/plain`;
  const editors = await Promise.all(
    [here, there].map((studio) => world.openSynced(world.socket(studio.socketAddress, query), name)),
  );
  for (const [n, { text }] of editors.entries()) text.insert(0, `${n}`);
  await world.settled(...editors);
  await eventually('both are in one', async () => {
    const head = await readText(reader, name);
    return head.length === 2 && editors.every(({ text }) => text.toJSON() === head);
  });
});

test('?versions=1: each edit is answered with the version it became', async () => {
  const id = await createText(client, '');
  const editor = await world.openSynced(world.socket(here.socketAddress, '?versions=1'), id, { token });
  editor.stateless.length = 0;
  editor.text.insert(0, 'a');
  await eventually('it is told', () => editor.stateless.length === 1);
  const { saved } = JSON.parse(editor.stateless[0] ?? '{}') as { saved?: { version: number } };
  const { blob } = await reader.blobs.getBlob({ id, version: BigInt(saved?.version ?? 0) });
  assert.is(Buffer.from(blob?.content ?? []).toString(), 'a');
});

test('G1: ?versions=1: what another client says in the form of the studio’s own word does not reach it, on any process', async () => {
  const id = await createText(client, '');
  const forger = await world.openSynced(world.socket(here.socketAddress), id, { token });
  const [near, far] = await Promise.all(
    [here, there].map((studio) => world.openSynced(world.socket(studio.socketAddress, '?versions=1'), id, { token })),
  );
  const plain = await world.openSynced(world.socket(there.socketAddress), id, { token });
  assert.ok(near && far);
  const forged = ['{"saved":{"version":99}}', ' {"\\u0073aved":{"version":99}}', '{"a":1,"unsaved":{"pending":1}}'];
  const honest = ['{"note":"saved"}', '["saved"]', 'saved', '{'];
  for (const payload of [...forged, ...honest]) forger.provider.sendStateless(payload);
  for (const editor of [near, far]) {
    await eventually('the last is heard', () => editor.stateless.includes('{'));
    assert.equal(editor.stateless, honest);
  }
  await eventually('who does not want versions hears all', () => plain.stateless.includes('{'));
  assert.equal(plain.stateless, [...forged, ...honest]);
});

test.run();
