/**
 * G7: thousands of small messages in one chunk are handled before their socket can be left unread, so what each of them
 * makes the studio keep or do is bounded by itself.
 */
import { randomBytes } from 'node:crypto';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { TRIAL_FROM_BYTES } from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { DoorWorld, sendAtOnce, type Doors } from './door-world.ts';
import { BareDocument } from './hocuspocus-messages.ts';
import { HocuspocusWorld } from './hocuspocus-world.ts';
import { step1Message } from './sync-messages.ts';
import { typed } from './sync-rpc-world.ts';
import { SyncWorld } from './sync-world.ts';
import type { WebSocket } from 'ws';
import type { Engine } from '../../src/engine.ts';

const test = suite('sync floods');
const world = new SyncWorld();
const rich = new HocuspocusWorld();
let inside: DoorWorld;

test.before(async () => {
  inside = await DoorWorld.start();
});
test.after(() => inside.stop());
test.after(() => rich.close());
test.after(() => world.close());

const QUERY_AWARENESS = Uint8Array.of(3);

for (const [size, states, bytes, questions] of [
  ['small', 1, 1_000, 5_000],
  // As one message it goes out in pieces, and what is sent meanwhile waits behind it.
  ['large', 6, 60_000, 300],
] as const) {
  test(`G7: who asks who is here many times at once is told once, where presence is ${size}`, async () => {
    const doors = await inside.doorsWith({});
    const [id, ada] = [await inside.newText(), await inside.token()];
    const editors = await Promise.all(Array.from({ length: states }, () => world.openSynced(doors, id, ada)));
    for (const { provider } of editors) provider.awareness.setLocalStateField('note', 'N'.repeat(bytes));
    const { socket, messages } = await world.openSocket(doors, `/sync/${id}?token=${ada}`);
    const answers = (): number =>
      messages.filter((message) => message[0] === 1 && message.byteLength > bytes * states).length;
    const synced = (): number => messages.filter(([type, step]) => type === 0 && step === 1).length;
    await eventually('it is told of all', () => {
      socket.send(QUERY_AWARENESS);
      return answers() > 0;
    });
    const before = answers();
    sendAtOnce(
      socket,
      Array.from({ length: questions }, () => QUERY_AWARENESS),
    );
    await eventually('it is told again', () => answers() > before);
    // The answer to a step 1 comes behind all that was said before it.
    socket.send(step1Message(Y.encodeStateVector(new Y.Doc())));
    await eventually('all was handled', () => synced() === 1);
    const told = answers() - before;
    assert.ok(told <= questions / 10, `${told} answers to ${questions} questions`);
  });
}

const NOTHING = Uint8Array.of(0, 0);

async function openBare(
  doors: Doors,
  id: string,
  userId = 'ada',
): Promise<{ socket: WebSocket; document: BareDocument }> {
  const bare = await world.openSocket(doors, '/hocuspocus');
  const document = new BareDocument(bare, id);
  document.send(document.token(await inside.token(userId)));
  await eventually('it is granted', () => document.granted.length > 0);
  return { socket: bare.socket, document };
}

test('G7: step 1s by the thousand are asked back once while that is not answered, and answered a few times', async () => {
  const { socket, document } = await openBare(
    await inside.doorsWith({}),
    await inside.newText('ada', 'x'.repeat(1_000)),
  );
  const count = 20_000;
  sendAtOnce(
    socket,
    Array.from({ length: count }, () => document.step1()),
  );
  document.send(document.update(typed('y').update));
  await eventually('what came after them is kept', () => document.acknowledged === 1);
  assert.is(document.asked, 1);
  assert.ok(document.states.length <= count / 10, `${document.states.length} answers to ${count} step 1s`);
  // Its answer is owed to the last of them, and only to that.
  document.send(document.step2(NOTHING), document.update(typed('z').update));
  await eventually('both are acknowledged', () => document.acknowledged === 3);
  document.send(document.step1());
  await eventually('it is asked again once it has answered', () => document.asked === 2);
});

test('G7: one that answers what it is asked before it reads it is not asked again until it has read', async () => {
  const text = randomBytes(600_000).toString('base64');
  const { socket, document } = await openBare(await inside.doorsWith({}), await inside.newText('ada', text));
  const count = 500;
  // The answer to the first is still on its way while the others are handled.
  sendAtOnce(socket, Array.from({ length: count }, () => [document.step1(), document.step2(NOTHING)]).flat());
  document.send(document.update(typed('y').update));
  await eventually('all is handled', () => document.acknowledged >= count + 1);
  await eventually('it has the state', () => document.states.some(({ byteLength }) => byteLength > text.length));
  assert.ok(document.asked <= count / 10, `asked ${document.asked} times`);
});

test('G1: an editor that starts over while its updates wait is owed what came after that, and its answer', async () => {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const handedIn: Uint8Array[] = [];
  const { documents } = inside.engine;
  const doors = await inside.doorsWith({}, { documents: held(documents, released, handedIn) });
  const id = await inside.newText();
  const { socket, document } = await openBare(doors, id);
  const doc = new Y.Doc();
  const steps: Uint8Array[] = [];
  for (const letter of 'abcdefghij') {
    steps.push(document.update(typed(letter, doc).update));
    for (let n = 0; n < 100; n += 1) steps.push(document.step1());
  }
  sendAtOnce(socket, [...steps, document.update(typed('k', doc).update), document.step2(NOTHING)]);
  await eventually('all came', () => handedIn.length === 11 && document.acknowledged === 1);
  assert.equal([document.asked, document.states.length], [1, 0], 'answered only once what came before is kept');
  release();
  await eventually('what came last is acknowledged', () => document.acknowledged === 2);
  await eventually('and the step 1s are answered', () => {
    const answered = new Y.Doc();
    for (const state of document.states) Y.applyUpdate(answered, state);
    return answered.getText('content').toJSON().startsWith('abcdefghij');
  });
  assert.ok(document.states.length <= 3, `${document.states.length} answers`);
  // Nothing more is owed.
  document.send(document.update(typed('l', doc).update));
  await eventually('one more', () => document.acknowledged === 3);
  assert.is(await inside.textOf(id), 'abcdefghijkl');
});

/** The engine, with what editors hand in kept back until `released`. */
function held(
  documents: Engine['documents'],
  released: Promise<void>,
  handedIn: Uint8Array[],
): Pick<Engine['documents'], 'open' | 'createBlob'> {
  return {
    createBlob: documents.createBlob.bind(documents),
    open: async (...request) => {
      const live = await documents.open(...request);
      const handIn = live.handIn.bind(live);
      live.handIn = (update, options) => {
        handedIn.push(update);
        void released.then(() => handIn(update, options));
      };
      return live;
    },
  };
}

test('G7: a reader’s answer is checked where that is cheap: all it deleted, however much, and what is small', async () => {
  const doc = new Y.Doc();
  const { documents } = inside.engine;
  const ada = { userId: 'ada', administrator: false };
  const id = await inside.newText();
  const commit = async (from: Y.Doc): Promise<void> => {
    const update = Y.encodeStateAsUpdate(from, Y.encodeStateVector(doc));
    await documents.applyDelta(ada, { blobId: id, patch: { kind: 'yjs_update', update } });
    Y.applyUpdate(doc, update);
  };
  // Each by a client of its own, with half of it deleted again, in pieces: none has to be tried first.
  for (let n = 0; n < 20; n += 1) {
    const own = new Y.Doc();
    own.getText('content').insert(0, 'x'.repeat(4_000));
    own.transact(() => {
      for (let at = 0; at < 2_000; at += 1) own.getText('content').delete(at, 1);
    });
    await commit(own);
  }
  await inside.engine.sharing.grant(ada, { blobId: id, userId: 'bob', role: 'viewer' });
  const { document } = await openBare(await inside.doorsWith({}), id, 'bob');
  let asked = 0;
  const answer = async (update: Uint8Array): Promise<void> => {
    document.send(document.step1());
    asked += 1;
    await eventually('it is asked', () => document.asked === asked);
    document.send(document.step2(update));
    await eventually('it is answered', () => document.acknowledged + document.refused === asked);
  };
  const deletions = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(doc));
  assert.ok(deletions.byteLength > TRIAL_FROM_BYTES, `${deletions.byteLength} bytes`);
  await answer(deletions);
  assert.equal([document.acknowledged, document.refused], [1, 0]);
  doc.getText('content').delete(10, 1);
  await answer(Y.encodeStateAsUpdate(doc, Y.encodeStateVector(doc)));
  assert.equal([document.acknowledged, document.refused], [1, 1]);
  const all = document.states[0] ?? NOTHING;
  assert.ok(all.byteLength > TRIAL_FROM_BYTES);
  await answer(all);
  assert.equal([document.acknowledged, document.refused], [1, 2], 'what would be tried of a writer is not checked');
});

test('an editor that synchronizes often while it types ends with all of it stored, and nothing unsynced', async () => {
  const doors = await inside.doorsWith({});
  const id = await inside.newText();
  const editor = await rich.openSynced(rich.socket(doors.socketAddress), id, { token: await inside.token() });
  for (let n = 0; n < 300; n += 1) {
    editor.text.insert(editor.text.length, 'x');
    editor.provider.forceSync();
    if (n % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  // The provider counts acknowledgements that were under way when it started over: it may be too early with its word.
  await eventually('all is stored', async () => (await inside.textOf(id)) === 'x'.repeat(300));
  await rich.settled(editor);
});

test.run();
