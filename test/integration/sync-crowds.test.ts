/** G7: slow readers, crowds that join at once, and those who send too much. */
import { connect } from 'node:net';
import { randomBytes } from 'node:crypto';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { readFileSync } from 'node:fs';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { SYNC_PING_EVERY_MS, SYNC_STALL_MS_MAX } from '../../src/limits.ts';
import { readMessage } from '../../src/transport/sync/messages.ts';
import { step1Message, updateMessage } from './sync-messages.ts';
import { createText, readText, SyncWorld } from './sync-world.ts';
import type { StudioClient } from '../../clients/node/src/index.ts';

const test = suite('sync crowds', { timeoutMs: 120_000 });
const world = new SyncWorld();
let parts: TestParts;
let studio: TestStudio;
let client: StudioClient;
let token: string;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true, temporal: true });
  studio = await startStudio({ parts });
  client = await world.client(studio, 'ada');
  token = await studio.token('ada');
});
test.after(() => parts.stop());
test.after(async () => void (await studio.stop()));
test.after(() => world.close());

const MEBIBYTE = 1024 * 1024;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const ask = step1Message(Y.encodeStateVector(new Y.Doc()));
const isAnswer = ([type, step]: Uint8Array): boolean => type === 0 && step === 1;

function residentBytes(): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${studio.pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) * 1024;
}

/** A document as an editor would have it that was sent these messages. */
function applied(messages: readonly Uint8Array[]): string {
  const doc = new Y.Doc();
  for (const bytes of messages) {
    if (bytes[0] !== 0) continue;
    const message = readMessage(bytes);
    if (message.kind === 'update') Y.applyUpdate(doc, message.update);
  }
  assert.is(doc.store.pendingStructs, null);
  return doc.getText('content').toJSON();
}

test('G7: what is asked for without being read is bounded, and answered once it is read', async () => {
  const id = await createText(client, 'x'.repeat(MEBIBYTE));
  const { socket, messages } = await world.openSocket(studio, `/sync/${id}?token=${token}`);
  const before = residentBytes();
  socket.pause();
  // Each lacks something else: no two answers are the same bytes.
  for (let n = 1; n <= 200; n += 1) socket.send(step1Message(Y.encodeStateVector(new Map([[n, 1]]))));
  await pause(3_000);
  const grown = (residentBytes() - before) / MEBIBYTE;
  assert.ok(grown < 60, `${grown} MiB for 200 answers of 1 MiB`);
  socket.resume();
  await eventually('it is answered', () => messages.some(isAnswer));
  assert.is(applied(messages).length, MEBIBYTE);
});

test('G7: a reader that never reads is closed in the end, and hinders nobody', async () => {
  const id = await createText(client, 'y'.repeat(6 * MEBIBYTE));
  const stuck = connect(studio.port, '127.0.0.1');
  const gone = new Promise<void>((resolve) => stuck.once('close', () => resolve()));
  stuck.on('error', () => {});
  stuck.write(
    `GET /sync/${id}?token=${token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  );
  await new Promise((resolve) => stuck.once('data', resolve));
  stuck.pause();
  // A masked frame, with zeros for its mask.
  stuck.write(Buffer.concat([Buffer.from([0x82, 0x80 | ask.byteLength, 0, 0, 0, 0]), ask]));
  const started = Date.now();
  const other = await world.openSynced(studio, id, token);
  assert.is(other.text.length, 6 * MEBIBYTE);
  assert.ok(Date.now() - started < 10_000);
  await pause(SYNC_STALL_MS_MAX + 3 * SYNC_PING_EVERY_MS + 5_000);
  let bytes = 0;
  stuck.on('data', (chunk: Buffer) => (bytes += chunk.byteLength));
  stuck.resume();
  const inTime = await Promise.race([gone.then(() => true), pause(10_000).then(() => false)]);
  assert.ok(inTime, 'it was closed');
  assert.ok(bytes < 6 * MEBIBYTE, `${bytes} bytes`);
});

test('two hundred who open one large document at once share one encoding', async () => {
  const id = await createText(client, 'z'.repeat(4 * MEBIBYTE));
  const sockets = await Promise.all(
    Array.from({ length: 200 }, () => world.openSocket(studio, `/sync/${id}?token=${token}`)),
  );
  const before = residentBytes();
  let most = before;
  const watching = setInterval(() => (most = Math.max(most, residentBytes())), 20);
  for (const { socket, messages } of sockets) {
    const received = messages as Uint8Array[];
    socket.removeAllListeners('message');
    socket.on('message', (data: Buffer) => void received.push(Uint8Array.from(data.subarray(0, 8)), Uint8Array.of(0)));
    socket.send(ask);
  }
  await eventually('all have it', () => sockets.every(({ messages }) => messages.some(isAnswer)), 60_000);
  clearInterval(watching);
  const grown = (most - before) / MEBIBYTE;
  assert.ok(grown < 150, `${grown} MiB for 200 × 4 MiB`);
});

test('two hundred presences in one document are gathered', async () => {
  const id = await createText(client, '');
  const sockets = await Promise.all(
    Array.from({ length: 200 }, () => world.openSocket(studio, `/sync/${id}?token=${token}`)),
  );
  const presence = (clientId: number, clock: number): Uint8Array => {
    const state = Buffer.from(`{"at":${clock}}`);
    // Each number below 128 is one byte, others are two here.
    const number = (n: number): number[] => (n < 128 ? [n] : [0x80 | (n & 0x7f), n >> 7]);
    const update = [1, ...number(clientId), clock, state.byteLength, ...state];
    return Uint8Array.from([1, update.length, ...update]);
  };
  for (let clock = 1; clock <= 10; clock += 1)
    for (const [n, { socket }] of sockets.entries()) socket.send(presence(n + 1, clock));
  const [first] = sockets;
  assert.ok(first);
  await eventually('the newest of the last one is seen', () =>
    first.messages.some((message) => message[0] === 1 && Buffer.from(message).includes('{"at":10}')),
  );
  await pause(500);
  const told = first.messages.filter(([type]) => type === 1).length;
  assert.ok(told < 400, `${told} messages for 2,000 changes`);
});

test('garbage of every kind ends its own socket, and hurts nobody', async () => {
  const id = await createText(client, 'whole');
  const bystander = await world.openSynced(studio, id, token);
  const frames = [
    randomBytes(60),
    randomBytes(70_000),
    updateMessage(randomBytes(1_000)),
    Buffer.concat([Uint8Array.of(0, 0, 200), randomBytes(10)]),
    Buffer.concat([Uint8Array.of(1, 5, 255), randomBytes(10)]),
    Buffer.alloc(9 * MEBIBYTE),
  ];
  for (const frame of frames) {
    const { socket, closed } = await world.openSocket(studio, `/sync/${id}?token=${token}`);
    socket.send(frame);
    socket.send(Uint8Array.of(99));
    assert.ok([4400, 4413, 1006].includes((await closed).code));
  }
  // Presence of two clients that ends within the first: no second message is needed.
  const { socket, closed } = await world.openSocket(studio, `/sync/${id}?token=${token}`);
  socket.send(Uint8Array.of(1, 3, 2, 1, 1));
  const { code, reason } = await closed;
  assert.equal([code, reason.split(':')[0]], [4400, 'UPDATE_MALFORMED']);
  bystander.text.insert(0, 'still ');
  await eventually('it is stored', async () => (await readText(client, id)) === 'still whole');
});

// The last: what is made of these deltas afterwards (states, runs) takes memory that the tests above would measure.
test('G7: a reader that stops reading holds little, loses nothing, and is brought up to date when it reads again', async () => {
  const id = await createText(client, '');
  const slow = await world.openSocket(studio, `/sync/${id}?token=${token}`);
  slow.socket.send(ask);
  await eventually('it has the state', () => slow.messages.some(isAnswer));
  const writer = await world.openSynced(studio, id, token);
  slow.socket.pause();
  // Replaced again and again: what is sent is many times what is in the end.
  const before = residentBytes();
  for (let n = 0; n < 120; n += 1) {
    writer.doc.transact(() => {
      writer.text.delete(0, writer.text.length);
      writer.text.insert(0, `${n}:${randomBytes(192 * 1024).toString('hex')}`);
    });
    writer.provider.awareness.setLocalStateField('cursor', n);
    await pause(20);
  }
  await eventually('all is stored', async () => (await readText(client, id)) === writer.text.toJSON());
  const sent = 120 * 0.375;
  await eventually('what it took is given back', () => residentBytes() - before < 250 * MEBIBYTE, 30_000);
  slow.socket.resume();
  await eventually('it has all', () => applied(slow.messages) === writer.text.toJSON());
  // What was never sent was not held for it either.
  const received = slow.messages.reduce((sum, { byteLength }) => sum + byteLength, 0) / MEBIBYTE;
  assert.ok(received < sent / 2, `${received} of ${sent} MiB were sent`);
  assert.is(slow.socket.readyState, slow.socket.OPEN);
  const cursors = slow.messages.filter((message) => message[0] === 1 && Buffer.from(message).includes('"cursor":119'));
  assert.ok(cursors.length >= 1, 'the newest presence came');
  writer.text.insert(0, 'and on ');
  await eventually('it follows again', () => applied(slow.messages) === writer.text.toJSON());
});

test.run();
