/** Editors of both protocols while the database is gone: what is not stored is not shown, and not lost. */
import { WebSocketStatus } from '@hocuspocus/provider';
import * as assert from 'uvu/assert';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { HocuspocusWorld } from './hocuspocus-world.ts';
import { step1Message, updateMessage } from './sync-messages.ts';
import { createText, readText, savedNotices, SyncWorld } from './sync-world.ts';
import type { StudioClient } from '../../clients/node/src/index.ts';
import * as Y from 'yjs';

const test = suite('sync without a database');
const world = new HocuspocusWorld();
const others = new SyncWorld();
let parts: TestParts;
let studio: TestStudio;
let client: StudioClient;
let token: string;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true, temporal: true });
  studio = await startStudio({ parts });
  client = await others.client(studio, 'ada');
  token = await studio.token('ada');
});
test.after(() => parts.stop());
test.after(async () => void (await studio.stop()));
test.after(() => world.close());
test.after(() => others.close());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('G1: an edit made while MongoDB is dead is kept, said to wait, shown to nobody, and stored once it is back', async () => {
  const id = await createText(client, '');
  const rich = await world.openSynced(world.socket(studio.socketAddress, '?versions=1'), id, { token });
  const stock = await others.openSynced(studio, id, token);
  const bare = await others.openSocket(studio, `/sync/${id}?token=${token}&versions=1`);
  bare.socket.send(step1Message(Y.encodeStateVector(new Y.Doc())));
  const witness = await others.openSynced(studio, id, token);
  const shown: string[] = [];
  witness.text.observe(() => shown.push(witness.text.toJSON()));

  await parts.kill('mongodb');
  rich.stateless.length = 0;
  rich.text.insert(0, 'rich ');
  stock.text.insert(0, 'stock ');
  const doc = new Y.Doc();
  doc.getText('content').insert(0, 'bare ');
  bare.socket.send(updateMessage(Y.encodeStateAsUpdate(doc)));
  await eventually('Hocuspocus is told', () =>
    rich.stateless.some((payload) => payload === '{"unsaved":{"pending":1}}'),
  );
  await eventually('y-websocket is told', () =>
    savedNotices(bare.messages).some((notice) => 'unsaved' in notice && notice.unsaved.pending === 1),
  );
  await pause(1_000);
  assert.ok(rich.provider.hasUnsyncedChanges);
  assert.equal(shown, []);
  assert.ok(rich.provider.configuration.websocketProvider.status === WebSocketStatus.Connected);
  assert.ok(stock.provider.wsconnected);

  await parts.restart('mongodb');
  await world.settled(rich);
  await eventually('both are told of the version', () => {
    const last = savedNotices(bare.messages).at(-1);
    return last !== undefined && 'saved' in last && rich.stateless.at(-1)?.startsWith('{"saved":');
  });
  await eventually('everyone has all', async () => {
    const head = await readText(client, id);
    for (const word of ['rich', 'stock', 'bare']) assert.ok(head.includes(word), head);
    for (const { text } of [rich, stock, witness]) assert.is(text.toJSON(), head);
    return true;
  });
});

test('a document that is asked for while MongoDB is dead opens once it is back, on the same socket', async () => {
  const [id, cold] = [await createText(client, 'open'), await createText(client, 'cold')];
  // Loaded by nobody: another process has to read it.
  const fresh = await startStudio({ parts });
  try {
    const socket = world.socket(fresh.socketAddress);
    const open = await world.openSynced(socket, id, { token });
    await parts.kill('mongodb');
    const waiting = world.open(socket, cold, { token });
    await pause(2_500);
    assert.equal([waiting.denied, waiting.provider.synced], [[], false]);
    waiting.text.insert(0, 'typed meanwhile, ');
    open.text.insert(0, 'still ');
    await parts.restart('mongodb');
    await world.settled(open, waiting);
    // Typed without sight of the text there is: which comes first is up to the client ids.
    const text = await readText(client, cold);
    assert.ok(['typed meanwhile, cold', 'coldtyped meanwhile, '].includes(text), text);
    assert.is(waiting.text.toJSON(), text);
    assert.is(await readText(client, id), 'still open');
  } finally {
    await fresh.stop();
  }
});

test.run();
