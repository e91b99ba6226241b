/** Editors on three studio processes behind a balancer without stickiness, with NATS cut, killed, and a process that leaves. */
import * as assert from 'uvu/assert';
import { Role, type StudioClient } from '../../clients/node/src/index.ts';
import { writeAwarenessUpdate } from '../../src/transport/sync/awareness-update.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { startBalancer, type Balancer } from './balancer.ts';
import { HocuspocusWorld, type RichEditor } from './hocuspocus-world.ts';
import { awarenessMessage } from './sync-messages.ts';
import { createText, readText, SyncWorld, type Editor } from './sync-world.ts';
import type * as Y from 'yjs';

const test = suite('sync over processes', { timeoutMs: 120_000 });
const world = new SyncWorld();
const rich = new HocuspocusWorld();
let parts: TestParts;
let studios: TestStudio[];
/** Before NATS, for one of the studios. */
let nats: Balancer;
let balancer: Balancer;
let client: StudioClient;
let token: string;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true, temporal: true });
  nats = await startBalancer([Number(new URL(parts.url('nats')).port)]);
  studios = await Promise.all([
    startStudio({ parts }),
    startStudio({ parts }),
    startStudio({ parts, env: { STUDIO_NATS_URL: `nats://127.0.0.1:${nats.port}` } }),
  ]);
  balancer = await startBalancer(studios.map(({ port }) => port));
  const first = studios[0];
  assert.ok(first);
  client = await world.client(first, 'ada');
  token = await first.token('ada');
});
test.after(() => parts.stop());
test.after(() => nats.close());
test.after(async () => void (await Promise.all(studios.map((studio) => studio.stop()))));
test.after(() => balancer.close());
test.after(() => rich.close());
test.after(() => world.close());

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const cursorOf = (editor: Editor, of: Editor): unknown =>
  editor.provider.awareness.getStates().get(of.doc.clientID)?.['cursor'];

/** With `length`, everything typed: texts of one letter are also equal when each lacks a letter of somebody else. */
async function same(id: string, texts: readonly Y.Text[], length?: number): Promise<string> {
  return eventually('all have the stored text', async () => {
    const head = await readText(client, id);
    if (length !== undefined) assert.is(head.length, length);
    for (const text of texts) assert.is(text.toJSON(), head);
    return head;
  });
}

async function openOnAll(id: string): Promise<Editor[]> {
  return Promise.all(studios.map((studio) => world.openSynced(studio, id, token)));
}

test('G3: edits and awareness cross three processes, whoever is connected where', async () => {
  const id = await createText(client, '');
  const editors = await Promise.all(Array.from({ length: 6 }, () => world.openSynced(balancer, id, token)));
  const others: RichEditor[] = await Promise.all(
    Array.from({ length: 3 }, () => rich.openSynced(rich.socket(balancer.socketAddress), id, { token })),
  );
  const texts = [...editors, ...others].map(({ text }) => text);
  for (let n = 0; n < 60; n += 1) texts[n % texts.length]?.insert(0, String(n % 10));
  await rich.settled(...others);
  await same(id, texts, 60);
  const [first] = editors;
  assert.ok(first);
  first.provider.awareness.setLocalStateField('cursor', 3);
  for (const editor of editors) await eventually('its cursor is seen', () => cursorOf(editor, first) === 3);
  for (const { provider } of others) {
    await eventually(
      'and by Hocuspocus',
      () => provider.awareness?.getStates().get(first.doc.clientID)?.['cursor'] === 3,
    );
  }
});

test('G8: nobody takes over the presence of another user, from another process and after it left', async () => {
  const id = await createText(client, '');
  await client.access.grantAccess({ blobId: id, userId: 'eve', role: Role.VIEWER });
  const [ada, beside] = await openOnAll(id);
  const second = studios[1];
  assert.ok(ada && beside && second);
  const eve = await world.openSocket(second, `/sync/${id}?token=${await second.token('eve')}`);
  ada.provider.awareness.setLocalStateField('cursor', 1);
  await eventually('it is seen', () => cursorOf(beside, ada) === 1);
  // Its own comes behind it, and shows that the claim was looked at.
  const claim = async (clock: number): Promise<void> => {
    const entry = { clock, state: '{"cursor":666}' };
    const clientIds = [ada.doc.clientID, 7];
    eve.socket.send(awarenessMessage(writeAwarenessUpdate(clientIds.map((clientId) => ({ clientId, ...entry })))));
    await eventually('its own is seen', () => beside.provider.awareness.meta.get(7)?.clock === clock);
  };
  await claim(1_000);
  assert.is(cursorOf(beside, ada), 1);
  ada.provider.disconnect();
  await eventually('it is gone', () => cursorOf(beside, ada) === undefined);
  await claim(2_000);
  assert.is(cursorOf(beside, ada), undefined);
});

test('G5: a commit whose message was lost is noticed by the next one’s seq, or by looking, and filled from the log', async () => {
  const id = await createText(client, '');
  const [a, b, cut] = await openOnAll(id);
  assert.ok(a && b && cut);
  nats.target([]);
  nats.cut();
  await pause(200);
  a.text.insert(0, 'lost ');
  await eventually('b has it', () => b.text.toJSON() === 'lost ');
  nats.target([Number(new URL(parts.url('nats')).port)]);
  await eventually('it is filled without a later message', () => cut.text.toJSON() === 'lost ');
  nats.target([]);
  nats.cut();
  a.text.insert(0, 'more ');
  cut.text.insert(cut.text.length, 'own ');
  await pause(100);
  nats.target([Number(new URL(parts.url('nats')).port)]);
  b.text.insert(0, 'b ');
  await same(id, [a.text, b.text, cut.text], 'lost more own b '.length);
});

test('NATS down means slower, not wrong; presence comes back with it', async () => {
  const id = await createText(client, '');
  const [a, b, c] = await openOnAll(id);
  assert.ok(a && b && c);
  a.provider.awareness.setLocalStateField('cursor', 1);
  await eventually('c sees it', () => cursorOf(c, a) === 1);
  await parts.kill('nats');
  for (let n = 0; n < 30; n += 1) {
    [a, b, c][n % 3]?.text.insert(0, 'x');
    await pause(10);
  }
  await same(id, [a.text, b.text, c.text], 30);
  a.provider.awareness.setLocalStateField('cursor', 2);
  await parts.restart('nats');
  await eventually('c sees the new cursor', () => cursorOf(c, a) === 2);
});

test('G1: a process that is told to stop moves its editors of both kinds, without a lost edit', async () => {
  const id = await createText(client, '');
  const leaving = await startStudio({ parts });
  balancer.target([leaving.port]);
  const stock = await world.openSynced(balancer, id, token);
  const other = await rich.openSynced(rich.socket(balancer.socketAddress), id, { token });
  balancer.target(studios.map(({ port }) => port));
  const witness = await world.openSynced(balancer, id, token);
  let typing = true;
  const typist = (async () => {
    for (let n = 0; typing; n += 1) {
      stock.text.insert(stock.text.length, 's');
      other.text.insert(other.text.length, 'r');
      await pause(3);
    }
  })();
  await pause(300);
  assert.is(await leaving.stop(), 0);
  await pause(300);
  typing = false;
  await typist;
  await eventually('both are back', () => stock.provider.synced && other.provider.synced);
  await rich.settled(other);
  const head = await same(id, [stock.text, other.text, witness.text]);
  for (const letter of ['s', 'r']) {
    const typed = (letter === 's' ? stock : other).text.toJSON().split(letter).length - 1;
    assert.is(head.split(letter).length - 1, typed);
    assert.ok(typed > 50, `${typed}`);
  }
});

test.run();
