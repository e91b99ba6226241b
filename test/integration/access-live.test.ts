/** Access that changes under those who are connected, with messages lost and the database cut. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'nats';
import * as assert from 'uvu/assert';
import { applyAwarenessUpdate, Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { userSubject } from '../../src/events/subjects.ts';
import {
  ACCESS_READ_EVERY_MS,
  ACCESS_UNKNOWN_MS_MAX,
  HELD_UPDATES_BYTES_MAX,
  SYNC_REFUSED_UPDATES_MAX,
} from '../../src/limits.ts';
import { startCutProxy, type CutProxy } from '../harness/cut-proxy.ts';
import { eventually } from '../harness/eventually.ts';
import { insertAt, readText, reasonOf, refused, type StudioClient } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import { AccessWorld, createText, Role } from './access-world.ts';
import { permissionDeniedMessage, updateMessage } from './sync-messages.ts';
import { Frames, syncClient } from './sync-rpc-world.ts';
import { SyncWorld } from './sync-world.ts';
import type { TestStudio } from '../harness/studio.ts';

const test = suite('access: live');
/** What is promised. */
const CHANGE_MS_MAX = 2_000;
const editors = new SyncWorld();
let world: AccessWorld;
let proxy: CutProxy;
let here: TestStudio;
let there: TestStudio;
/** Behind the proxy. */
let cut: TestStudio;
let ada: StudioClient;

test.before(async () => {
  world = await AccessWorld.start();
  proxy = await startCutProxy(world.parts.url('mongodb'));
  [here, there, cut] = await Promise.all([
    world.studio(),
    world.studio(),
    world.studio({ STUDIO_MONGODB_URL: proxy.url }),
  ]);
  ada = await world.connect(here, 'ada');
});
test.after.each(() => {
  proxy.resume();
  proxy.accept();
});
test.after(() => world.stop());
test.after(() => proxy.close());
test.after(() => editors.close());

const grant = (blobId: string, userId: string, role: Role): Promise<unknown> =>
  ada.access.grantAccess({ blobId, userId, role });

interface Watch {
  readonly blobIds: string[];
  readonly ended: () => string | undefined;
  stop(): void;
}

function watch(client: StudioClient, blobId?: string): Watch {
  const stopping = new AbortController();
  const blobIds: string[] = [];
  let ended: string | undefined;
  void (async () => {
    try {
      for await (const { event } of client.events.watchEvents({ blobId }, { signal: stopping.signal }))
        if (event) blobIds.push(event.blobId);
      ended = 'it ended';
    } catch (error) {
      ended = reasonOf(error) ?? String(error);
    }
  })();
  return { blobIds, ended: () => ended, stop: () => stopping.abort() };
}

async function lifeOfAnEditor(): Promise<void> {
  const id = await createText(ada, 'one');
  await grant(id, 'bob', Role.EDITOR);
  const token = await there.token('bob');
  const bob = await editors.openSynced(there, id, token);
  const owner = await editors.openSynced(there, id, await there.token('ada'));
  bob.text.insert(3, ' two');
  await eventually('his edit is kept', async () => (await readText(ada, id)) === 'one two');

  await grant(id, 'bob', Role.VIEWER);
  await sleep(CHANGE_MS_MAX);
  bob.text.insert(0, 'NO ');
  await insertAt(ada, { blobId: id, offset: 7, text: ' three' });
  await eventually('he still sees', () => bob.text.toJSON() === 'NO one two three');
  assert.is(await readText(ada, id), 'one two three');
  assert.is(owner.text.toJSON(), 'one two three');
  assert.ok(bob.provider.wsconnected);

  await grant(id, 'bob', Role.EDITOR);
  await eventually(
    'what he kept is taken',
    async () => (await readText(ada, id)) === 'NO one two three',
    CHANGE_MS_MAX,
  );
  await eventually('all see it', () => owner.text.toJSON() === 'NO one two three');

  await ada.access.revokeAccess({ blobId: id, userId: 'bob' });
  const closed = await eventually('he is shut out', bob.closed, CHANGE_MS_MAX);
  assert.is(closed.code, 4403);
  assert.ok(closed.reason.startsWith('ACCESS_DENIED'), closed.reason);
  await insertAt(ada, { blobId: id, offset: 0, text: 'secret ' });
  await eventually('she sees on', () => owner.text.toJSON().startsWith('secret'));
  assert.not.match(bob.text.toJSON(), 'secret');
  assert.ok(owner.provider.wsconnected);
}

test(
  'G8: let in, made a reader, made a writer, shut out: an editor of another process feels each within 2 s',
  lifeOfAnEditor,
);

test('G8: the same with NATS killed: no message is needed', async () => {
  await world.parts.kill('nats');
  try {
    await lifeOfAnEditor();
  } finally {
    await world.parts.restart('nats');
  }
});

test('G8: a reader that writes all the same is told so by a message, and stays', async () => {
  const id = await createText(ada, 'text');
  await grant(id, 'bob', Role.VIEWER);
  const { socket, messages } = await editors.openSocket(there, `/sync/${id}?token=${await there.token('bob')}`);
  const doc = new Y.Doc();
  doc.getText('content').insert(0, 'x');
  const AUTH = permissionDeniedMessage('')[0];
  for (let n = 1; n <= 3; n += 1) {
    socket.send(updateMessage(Y.encodeStateAsUpdate(doc)));
    const told = await eventually('he is told', () => {
      const denials = messages.filter((message) => message[0] === AUTH);
      return denials.length === n && denials.at(-1);
    });
    assert.match(Buffer.from(told).toString(), 'ACCESS_DENIED');
  }
  assert.is(socket.readyState, socket.OPEN);
  assert.is(await readText(ada, id), 'text');
});

test('G7: a reader that goes on writing is ended, and may come again', async () => {
  const id = await createText(ada, 'kept');
  await grant(id, 'bob', Role.VIEWER);
  const token = await here.token('bob');
  const { socket, closed } = await editors.openSocket(here, `/sync/${id}?token=${token}`);
  const doc = new Y.Doc();
  doc.getText('content').insert(0, 'x');
  const update = updateMessage(Y.encodeStateAsUpdate(doc));
  for (let sent = 0; sent <= SYNC_REFUSED_UPDATES_MAX; sent += 1) socket.send(update);
  const { code, reason } = await closed;
  assert.equal([code, reason.split(':')[0]], [4503, 'LIMIT_EXCEEDED']);
  assert.is((await editors.openSynced(here, id, token)).text.toJSON(), 'kept');
});

test('G8: an edit taken in before its author was made a reader is judged when it is committed', async () => {
  const id = await createText(ada, 'text');
  await grant(id, 'bob', Role.EDITOR);
  const bob = await editors.openSynced(cut, id, await cut.token('bob'));
  bob.text.insert(0, 'early ');
  await eventually('the first is kept', async () => (await readText(ada, id)) === 'early text');
  proxy.pause();
  await sleep(1_200);
  bob.text.insert(0, 'late ');
  await sleep(200);
  await grant(id, 'bob', Role.VIEWER);
  proxy.resume();
  await insertAt(ada, { blobId: id, offset: 10, text: '.' });
  await eventually('he goes on seeing', () => bob.text.toJSON() === 'late early text.');
  assert.is(await readText(ada, id), 'early text.');
});

test('G8: a process cut from the database shows nothing new to anyone, then only to those who may see it', async () => {
  const id = await createText(ada, 'start');
  await grant(id, 'bob', Role.EDITOR);
  const [bob, owner] = [
    await editors.openSynced(cut, id, await cut.token('bob')),
    await editors.openSynced(cut, id, await cut.token('ada')),
  ];
  const watching = watch(await world.connect(cut, 'ada'));
  await insertAt(ada, { blobId: id, offset: 5, text: ' a' });
  await eventually('both see it', () => [bob, owner].every(({ text }) => text.toJSON() === 'start a'));
  await eventually('the watch sees events', async () => {
    await insertAt(ada, { blobId: id, offset: 0, text: '.' });
    return watching.blobIds.includes(id);
  });
  const before = await readText(ada, id);
  await eventually('both are up to date', () => [bob, owner].every(({ text }) => text.toJSON() === before));

  proxy.pause();
  await sleep(1_200);
  const seen = watching.blobIds.length;
  await ada.access.revokeAccess({ blobId: id, userId: 'bob' });
  // NATS still brings the change to that process.
  await insertAt(ada, { blobId: id, offset: 0, text: 'new ' });
  await sleep(1_000);
  for (const editor of [bob, owner]) {
    assert.is(editor.text.toJSON(), before);
    assert.ok(editor.provider.wsconnected);
  }
  assert.is(watching.blobIds.length, seen);

  proxy.resume();
  await eventually('she catches up', () => owner.text.toJSON() === `new ${before}`);
  await eventually('so does the watch', () => watching.blobIds.length > seen);
  assert.is((await eventually('he is shut out', bob.closed)).code, 4403);
  assert.is(bob.text.toJSON(), before);
  watching.stop();
});

test('G8: who left while nothing could be shown is gone for editors and streams once it can', async () => {
  const id = await createText(ada, '');
  const token = await cut.token('ada');
  const [stays, leaves] = [await editors.openSynced(cut, id, token), await editors.openSynced(cut, id, token)];
  leaves.provider.awareness.setLocalStateField('name', 'leaves');
  const stream = new Frames((signal) => syncClient(cut, token).subscribe({ blobId: id }, { signal }));
  const heard = new Awareness(new Y.Doc());
  const clientsHeard = (): number[] => {
    for (const update of stream.of('awareness')) applyAwarenessUpdate(heard, update, 'stream');
    return [...heard.getStates().keys()];
  };
  const left = leaves.doc.clientID;
  await eventually('both hear of it', () => clientsHeard().includes(left) && stays.provider.awareness.states.has(left));

  proxy.pause();
  await sleep(ACCESS_UNKNOWN_MS_MAX + ACCESS_READ_EVERY_MS);
  leaves.provider.disconnect();
  await sleep(500);
  assert.ok(clientsHeard().includes(left), 'nothing is shown meanwhile');
  proxy.resume();
  await eventually('the editor hears that it left', () => !stays.provider.awareness.states.has(left));
  await eventually('so does the stream', () => !clientsHeard().includes(left));
  stream.cancel();
  heard.destroy();
});

test('G3: an editor that was not shown updates for a while gets them all, the first being a large one', async () => {
  const id = await createText(ada, 'start');
  const token = await here.token('ada');
  const [shown, one, two, three] = [
    await editors.openSynced(cut, id, token),
    await editors.openSynced(here, id, token),
    await editors.openSynced(here, id, token),
    await editors.openSynced(here, id, token),
  ];
  two.text.insert(0, 'a');
  three.text.insert(0, 'b');
  await eventually('all have all', () => shown.text.length === 7 && one.text.length === 7);
  for (let round = 0; round < 3; round += 1) {
    const shownBefore = shown.text.length;
    proxy.pause();
    await sleep(1_200);
    // NATS brings them to that process, which holds them back one by one.
    for (const [editor, text] of [
      [one, 'x'.repeat(300 * 1024)],
      [two, 'c'],
      [three, 'd'],
    ] as const) {
      const before = (await readText(ada, id)).length;
      editor.text.insert(0, text);
      await eventually('it is stored', async () => (await readText(ada, id)).length === before + text.length);
    }
    await sleep(300);
    assert.is(shown.text.length, shownBefore);
    proxy.resume();
    const stored = await readText(ada, id);
    await eventually('it is shown all', () => shown.text.toJSON() === stored);
  }
});

test('G8: with the database unreachable, calls say so instead of answering from memory', async () => {
  const id = await createText(ada, 'text');
  const client = await world.connect(cut, 'ada');
  assert.is(await readText(client, id), 'text');
  proxy.refuse();
  await sleep(1_200);
  await refused(client.blobs.getBlob({ id }), 'STORAGE_UNAVAILABLE');
  proxy.accept();
  await eventually('it reads again', async () => (await readText(client, id)) === 'text');
});

test('G8: watches follow access: of all blobs silently, of one blob to its end', async () => {
  const [id, other] = [await createText(ada, ''), await createText(ada, '')];
  const bob = await world.connect(there, 'bob');
  await refused(
    (async () => {
      for await (const _ of bob.events.watchEvents({ blobId: id }));
    })(),
    'BLOB_NOT_FOUND',
  );
  await Promise.all([grant(id, 'bob', Role.VIEWER), grant(other, 'bob', Role.VIEWER)]);
  const [all, one] = [watch(bob), watch(bob, id)];
  await eventually('both see changes', async () => {
    await insertAt(ada, { blobId: id, offset: 0, text: 'x' });
    return all.blobIds.includes(id) && one.blobIds.includes(id);
  });
  await ada.access.revokeAccess({ blobId: id, userId: 'bob' });
  await eventually('the one ends', one.ended, CHANGE_MS_MAX);
  assert.is(one.ended(), 'ACCESS_DENIED');
  const seen = all.blobIds.filter((blobId) => blobId === id).length;
  await insertAt(ada, { blobId: id, offset: 0, text: 'secret' });
  await insertAt(ada, { blobId: other, offset: 0, text: 'x' });
  await eventually('the other goes on', () => all.blobIds.includes(other));
  assert.is(all.blobIds.filter((blobId) => blobId === id).length, seen);
  assert.is(all.ended(), undefined);
  all.stop();
});

test('G8: notices go to all who may read, and to nobody else', async () => {
  const nats = await connect({ servers: world.parts.url('nats') });
  const heard: string[] = [];
  for (const userId of ['ada', 'bob', 'eve']) {
    const callback = (_: unknown, message: { json(): unknown }): void => {
      heard.push(`${userId} ${(message.json() as { blob_id: string }).blob_id}`);
    };
    nats.subscribe(userSubject(userId), { callback });
  }
  await nats.flush();
  try {
    const [id, last] = [await createText(ada, ''), await createText(ada, '')];
    await grant(id, 'bob', Role.VIEWER);
    await insertAt(ada, { blobId: id, offset: 0, text: 'x' });
    await eventually('both hear of it', () => ['ada', 'bob'].every((userId) => heard.includes(`${userId} ${id}`)));
    await ada.access.revokeAccess({ blobId: id, userId: 'bob' });
    heard.length = 0;
    await insertAt(ada, { blobId: id, offset: 0, text: 'y' });
    await insertAt(ada, { blobId: last, offset: 0, text: 'y' });
    await eventually('she hears on', () => heard.includes(`ada ${last}`) && heard.includes(`ada ${id}`));
    assert.equal(
      heard.filter((notice) => !notice.startsWith('ada')),
      [],
    );
  } finally {
    await nats.close();
  }
});

test('G7: an editor from which more was held back than is kept gets the state in its place', async () => {
  const id = await createText(ada, 'start');
  const token = await cut.token('ada');
  const shown = await editors.openSynced(cut, id, token);
  const text = 'x'.repeat(120 * 1024);
  proxy.pause();
  await sleep(1_200);
  for (let bytes = 0; bytes <= HELD_UPDATES_BYTES_MAX; bytes += text.length)
    await insertAt(ada, { blobId: id, offset: 0, text });
  assert.is(shown.text.toJSON(), 'start');
  proxy.resume();
  const stored = await readText(ada, id);
  await eventually('it is shown all', () => shown.text.toJSON() === stored);
});

test.run();
