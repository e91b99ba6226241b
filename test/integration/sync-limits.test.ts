/** G7: over each limit of editors there is a clear refusal, or a pause; with low limits, on the real engine and doors. */
import * as assert from 'uvu/assert';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import { readConfig } from '../../src/config.ts';
import { openEngine } from '../../src/engine.ts';
import {
  AWARENESS_BYTES_MAX,
  AWARENESS_CLIENTS_PER_CONNECTION_MAX,
  SYNC_MESSAGE_BYTES_MAX,
  SYNC_NAMELESS_BYTES_MAX,
  SYNC_PENDING_UPDATES_MAX,
} from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { DoorWorld, HeldDocuments, logger, type Doors } from './door-world.ts';
import { BareDocument } from './hocuspocus-messages.ts';
import { HocuspocusWorld, type RichEditor } from './hocuspocus-world.ts';
import { RATE_CASES, RATE_UPDATES } from './rate-cases.ts';
import { step1Message, updateMessage } from './sync-messages.ts';
import { SyncWorld, type Editor } from './sync-world.ts';
import type { HocuspocusProviderWebsocket } from '@hocuspocus/provider';

const test = suite('sync limits');
const world = new SyncWorld();
const rich = new HocuspocusWorld();
let inside: DoorWorld;

test.before(async () => {
  inside = await DoorWorld.start();
});
test.after(() => inside.stop());
test.after(() => rich.close());
test.after(() => world.close());

const token = (userId?: string): Promise<string> => inside.token(userId);
const newText = (userId?: string): Promise<string> => inside.newText(userId);
const doorsWith: DoorWorld['doorsWith'] = (...limits) => inside.doorsWith(...limits);
const low = { messagesPerSecond: 1_000_000, bytesPerSecond: 1e9 };

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Editors of two documents; one of them is to go beyond a bound, which the other must not notice. */
async function twoOnOneSocket(doors: Doors): Promise<{
  readonly socket: HocuspocusProviderWebsocket;
  readonly editor: RichEditor;
  readonly beside: RichEditor;
}> {
  const socket = rich.socket(doors.socketAddress);
  const [id, other] = await Promise.all([newText(), newText()]);
  const ada = await token();
  return {
    socket,
    editor: await rich.openSynced(socket, id, { token: ada }),
    beside: await rich.openSynced(socket, other, { token: ada }),
  };
}

test('connections of one user, and of one document: told to come back later', async () => {
  const doors = await doorsWith({ connectionsPerUser: 2, connectionsPerDocument: 3 });
  const [id, ada] = [await newText(), await token()];
  const [first] = [await world.openSynced(doors, id, ada), await world.openSynced(doors, id, ada)];
  const third = await world.openSocket(doors, `/sync/${id}?token=${ada}`);
  const { code, reason } = await third.closed;
  assert.equal([code, reason.split(':')[0]], [4503, 'LIMIT_EXCEEDED']);
  first.provider.disconnect();
  await world.openSynced(doors, id, ada);
  const crowd = await doorsWith({ connectionsPerDocument: 2 });
  const room = await newText();
  await Promise.all([world.openSynced(crowd, room, ada), world.openSynced(crowd, room, ada)]);
  const late = await world.openSocket(crowd, `/sync/${room}?token=${ada}`);
  assert.is((await late.closed).code, 4503);
});

test('all connections: refused with the handshake', async () => {
  const doors = await doorsWith({ connections: 1 });
  const [id, ada] = [await newText(), await token()];
  await world.openSynced(doors, id, ada);
  for (const path of [`/sync/${id}?token=${ada}`, '/hocuspocus']) {
    const refusal = await world.openSocket(doors, path).then(
      () => 'it was let in',
      (error: Error) => error.message,
    );
    assert.match(refusal, '429');
  }
});

test('G7: of sockets on which nobody says who they are the oldest gives way, and little is taken', async () => {
  const doors = await doorsWith({ namelessSockets: 2 });
  const editor = await rich.openSynced(rich.socket(doors.socketAddress), await newText(), { token: await token() });
  const first = await world.openSocket(doors, '/hocuspocus');
  const second = await world.openSocket(doors, '/hocuspocus');
  await world.openSocket(doors, '/hocuspocus');
  assert.equal((await first.closed).reason.split(':')[0], 'LIMIT_EXCEEDED');
  // A message of which no end comes.
  second.socket.send(Buffer.alloc(SYNC_NAMELESS_BYTES_MAX + 1), { fin: false });
  assert.is((await second.closed).code, 4408);
  editor.text.insert(0, 'x');
  await rich.settled(editor);
});

test('G7: a stateless message is charged for all who are sent it', async () => {
  const userRate = { ...low, bytesPerSecond: 100_000 };
  const doors = await doorsWith({ userRate });
  const [id, ada] = [await newText(), await token()];
  const editor = await rich.openSynced(rich.socket(doors.socketAddress), id, { token: ada });
  const others: RichEditor[] = [];
  for (let i = 0; i < 4; i += 1)
    others.push(await rich.openSynced(rich.socket(doors.socketAddress), id, { token: ada }));
  // All of them are less than may be sent in a second, and each to four readers nearly that.
  const begun = performance.now();
  for (const text of ['x', 'y', 'z', '.']) editor.provider.sendStateless(text.repeat(20_000));
  await eventually('all are heard', () => others.every(({ stateless }) => stateless.length === 4));
  assert.ok(performance.now() - begun > 500, 'they are held back');
});

test('documents of one socket: each beyond is refused by itself, and one that leaves makes room', async () => {
  const doors = await doorsWith({ documentsPerSocket: 3 });
  const ada = await token();
  const socket = rich.socket(doors.socketAddress);
  const ids = await Promise.all([newText(), newText(), newText(), newText()]);
  const editors = await Promise.all(ids.slice(0, 3).map((id) => rich.openSynced(socket, id, { token: ada })));
  const beyond = rich.open(socket, ids[3] ?? '', { token: ada });
  await eventually('it is refused', () => beyond.denied[0]?.startsWith('LIMIT_EXCEEDED') ?? false);
  beyond.provider.detach();
  editors[0]?.provider.detach();
  await rich.openSynced(socket, ids[3] ?? '', { token: ada });
  editors[1]?.text.insert(0, 'x');
  await rich.settled(...editors.slice(1));
});

test('documents of one user, on all their sockets together: told to come back later', async () => {
  const doors = await doorsWith({ documentsPerUser: 2 });
  const [ada, bob] = await Promise.all([token(), token('bob')]);
  const socket = rich.socket(doors.socketAddress);
  const [one, two, shared] = await Promise.all([newText(), newText(), newText()]);
  await world.openSynced(doors, one, ada);
  const second = await rich.openSynced(socket, two, { token: ada });
  const beyond = rich.open(socket, shared, { token: ada });
  await eventually('it is refused', () => beyond.denied[0]?.startsWith('LIMIT_EXCEEDED') ?? false);
  beyond.provider.detach();
  const { closed } = await world.openSocket(doors, `/sync/${shared}?token=${ada}`);
  const { code, reason } = await closed;
  assert.equal([code, reason.split(':')[0]], [4503, 'LIMIT_EXCEEDED']);
  await world.openSynced(doors, await newText('bob'), bob);
  second.provider.destroy();
  await eventually('there is room again', async () => {
    const { messages } = await world.openSocket(doors, `/sync/${shared}?token=${ada}`);
    await eventually('it is open', () => messages.length > 0, 500);
    return true;
  });
});

test('messages and bytes a second of a socket, a document and a user: it is read more slowly, and nothing is lost', async () => {
  await Promise.all(
    RATE_CASES.map(async (limits) => {
      const doors = await doorsWith({ connectionRate: low, documentRate: low, userRate: low, ...limits });
      const id = await newText();
      const { socket, messages } = await world.openSocket(doors, `/sync/${id}?token=${await token()}&versions=1`);
      const doc = new Y.Doc();
      doc.on('update', (update: Uint8Array) => socket.send(updateMessage(update)));
      const started = Date.now();
      // One that waits long is told that it does: by a message of the same type.
      const saved = (): number =>
        messages.filter((message) => message[0] === 100 && Buffer.from(message).includes('"saved"')).length;
      for (let n = 0; n < RATE_UPDATES; n += 1) {
        doc.getText('content').insert(0, 'x');
        if (n % 10 === 9) await pause(1);
      }
      socket.send(step1Message(Y.encodeStateVector(new Y.Doc())));
      await eventually(
        'all are kept',
        () => saved() === RATE_UPDATES && messages.some(([type, step]) => type === 0 && step === 1),
      );
      const took = Date.now() - started;
      assert.ok(took > 900, `${JSON.stringify(limits)}: ${took} ms`);
      assert.is(socket.readyState, socket.OPEN);
    }),
  );
});

for (const [bound, bytes, count] of [
  ['SYNC_UNOPENED_BYTES_MAX', 60_000, 400],
  ['SYNC_UNOPENED_MESSAGES_MAX', 200, 100_000],
] as const) {
  test(`what comes before a document is open is bounded (${bound}): then it is not read, and not lost`, async () => {
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    const { documents } = inside.engine;
    const doors = await doorsWith(
      { connectionRate: low, documentRate: low, userRate: low },
      {
        documents: {
          createBlob: documents.createBlob.bind(documents),
          open: async (...request) => {
            await opened;
            return documents.open(...request);
          },
        },
      },
    );
    const [id, ada] = [await newText(), await token()];
    const { socket, messages } = await world.openSocket(doors, '/hocuspocus');
    const send = (type: number, write: (to: encoding.Encoder) => void): void =>
      socket.send(
        encoding.encode((to) => {
          encoding.writeVarString(to, id);
          encoding.writeVarUint(to, type);
          write(to);
        }),
      );
    send(2, (to) => {
      encoding.writeVarUint(to, 0);
      encoding.writeVarString(to, ada);
    });
    const payload = 'x'.repeat(bytes);
    for (let n = 0; n < count; n += 1) send(5, (to) => encoding.writeVarString(to, payload));
    const doc = new Y.Doc();
    doc.getText('content').insert(0, 'x');
    send(0, (to) => {
      encoding.writeVarUint(to, 2);
      encoding.writeVarUint8Array(to, Y.encodeStateAsUpdate(doc));
    });
    // What the kernel takes is little beside it.
    let before = -1;
    await eventually('nothing more is read', async () => {
      const { bufferedAmount } = socket;
      const isStill = bufferedAmount === before;
      before = bufferedAmount;
      await pause(300);
      return isStill;
    });
    assert.ok(before > (bytes * count) / 4, `${before} bytes wait with the client`);
    open();
    await eventually('the edit behind them is kept', () =>
      messages.some((message) => message.at(-2) === 8 && message.at(-1) === 1),
    );
    assert.is(socket.bufferedAmount, 0);
  });
}

test('what comes before any token is dropped, and a socket that brings none is closed', async () => {
  const doors = await doorsWith({ authenticationMs: 2_000 });
  const { socket, closed } = await world.openSocket(doors, '/hocuspocus');
  for (let n = 0; n < 5_000; n += 1) socket.send(Buffer.concat([Uint8Array.of(1, 65, 0, 2, 4), Buffer.alloc(4)]));
  const editor = await rich.openSynced(rich.socket(doors.socketAddress), await newText(), { token: await token() });
  editor.text.insert(0, 'fine');
  await rich.settled(editor);
  const { code, reason } = await closed;
  assert.equal([code, reason.split(':')[0]], [4408, 'TOKEN_MISSING']);
  assert.is(editor.provider.isAuthenticated, true);
  const garbled = await world.openSocket(doors, '/hocuspocus');
  garbled.socket.send(Uint8Array.of(200, 1));
  assert.is((await garbled.closed).code, 4400);
});

test('presence beyond its bound ends its document, and no other of its socket', async () => {
  const doors = await doorsWith({});
  const { socket, editor, beside } = await twoOnOneSocket(doors);
  let disconnects = 0;
  socket.on('disconnect', () => (disconnects += 1));
  editor.provider.setAwarenessField('note', 'x'.repeat(AWARENESS_BYTES_MAX));
  await eventually('it is closed', () => editor.ended[0]?.startsWith('CONTENT_TOO_LARGE') ?? false);
  beside.text.insert(0, 'y');
  await rich.settled(beside);
  await pause(500);
  assert.is(disconnects, 0);
});

test('G7: a browser with more tabs of a document than one connection may speak for goes on in each of them', async () => {
  const [doors, id, ada] = [await doorsWith({}), await newText(), await token()];
  const tabs: Editor[] = [];
  // One after the other: each then speaks for those that came before it, and those for it.
  for (let n = 0; n <= AWARENESS_CLIENTS_PER_CONNECTION_MAX; n += 1) {
    const tab = world.openEditor(doors, id, ada, undefined, {}, { disableBc: false });
    tab.provider.awareness.setLocalStateField('tab', n);
    tabs.push(tab);
    await eventually('it is synced, or closed', () => tab.provider.synced || tabs.some(({ closed }) => closed()));
  }
  const beside = await world.openSynced(doors, id, ada);
  await eventually('all are seen', () => beside.provider.awareness.getStates().size === tabs.length + 1);
  assert.equal(tabs.filter(({ closed }) => closed()).length, 0);
});

test('an editor that is not read, as too much of it waits, is told that the studio lives, and goes on after it', async () => {
  const held = new HeldDocuments(inside.engine);
  try {
    const doors = await doorsWith({ pingEveryMs: 300 }, { documents: held.documents });
    const ada = await token();
    for (const protocol of ['y-websocket', 'hocuspocus']) {
      const id = await newText();
      const path = protocol === 'hocuspocus' ? '/hocuspocus' : `/sync/${id}?token=${ada}`;
      const { socket, messages, closed } = await world.openSocket(doors, path);
      const document = new BareDocument({ socket, messages, closed }, id);
      if (protocol === 'hocuspocus') socket.send(document.token(ada));
      const doc = new Y.Doc();
      doc.on('update', (update: Uint8Array) => {
        socket.send(protocol === 'hocuspocus' ? document.update(update) : updateMessage(update));
      });
      for (let n = 0; n <= SYNC_PENDING_UPDATES_MAX; n += 1) doc.getText('content').insert(0, 'x');
      await eventually('too much waits', () => held.waiting >= SYNC_PENDING_UPDATES_MAX);
      const before = messages.length;
      await eventually('it hears of the studio', () => messages.length >= before + 3);
      held.take(SYNC_PENDING_UPDATES_MAX + 1);
      await eventually('all is stored', async () => (await inside.textOf(id)).length === SYNC_PENDING_UPDATES_MAX + 1);
      assert.is(socket.readyState, socket.OPEN);
    }
  } finally {
    held.take(Infinity);
  }
});

test('a stateless message beyond its bound ends its document', async () => {
  const doors = await doorsWith({});
  const { editor, beside } = await twoOnOneSocket(doors);
  editor.provider.sendStateless('x'.repeat(64 * 1024));
  editor.text.insert(0, 'x');
  await rich.settled(editor);
  editor.provider.sendStateless('x'.repeat(64 * 1024 + 1));
  await eventually('it is closed', () => editor.ended[0]?.startsWith('CONTENT_TOO_LARGE') ?? false);
  beside.text.insert(0, 'y');
  await rich.settled(beside);
});

test('a document for which there is no room yet is opened once there is, without a new connection', async () => {
  const config = readConfig({
    ...inside.parts.environment,
    STUDIO_LOG_LEVEL: 'silent',
    STUDIO_DOCUMENTS_MEMORY_MB: '1',
  });
  const crowded = await openEngine(config, logger);
  try {
    const doors = await doorsWith({}, { documents: crowded.documents });
    const [large, small] = [await newText(), await newText('bob')];
    const [ada, bob] = [await token(), await token('bob')];
    const first = await rich.openSynced(rich.socket(doors.socketAddress), large, { token: ada });
    for (let n = 0; n < 60; n += 1) first.text.insert(0, 'x'.repeat(32 * 1024));
    await rich.settled(first);
    // Documents are weighed now and then.
    await pause(1_500);
    const second = rich.open(rich.socket(doors.socketAddress), small, { token: bob });
    await pause(2_500);
    assert.equal([second.provider.isSynced, second.denied], [false, []]);
    first.provider.destroy();
    await rich.settled(second);
  } finally {
    await crowded.close();
  }
});

test('a change beyond the bound of a message ends its document, and no other of its socket', async () => {
  const doors = await doorsWith({});
  const { editor, beside } = await twoOnOneSocket(doors);
  editor.text.insert(0, 'x'.repeat(SYNC_MESSAGE_BYTES_MAX));
  await eventually('it is closed', () => editor.ended[0]?.startsWith('CONTENT_TOO_LARGE') ?? false);
  assert.ok(editor.provider.hasUnsyncedChanges);
  beside.text.insert(0, 'y');
  await rich.settled(beside);
});

test.run();
