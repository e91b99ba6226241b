/**
 * G7: thousands of small messages in one chunk are handled before their socket can be left unread, so what each of them
 * makes the studio keep or do is bounded by itself.
 */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { DoorWorld, sendAtOnce } from './door-world.ts';
import { step1Message } from './sync-messages.ts';
import { SyncWorld } from './sync-world.ts';

const test = suite('sync floods');
const world = new SyncWorld();
let inside: DoorWorld;

test.before(async () => {
  inside = await DoorWorld.start();
});
test.after(() => inside.stop());
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

test.run();
