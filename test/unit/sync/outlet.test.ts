/** What goes out on a socket, on a real one: fragments that a stock WebSocket puts together, and an end to what waits. */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import * as assert from 'uvu/assert';
import { WebSocket, WebSocketServer } from 'ws';
import {
  AWARENESS_SEND_BUFFER_BYTES_MAX,
  SYNC_FRAGMENT_BYTES,
  SYNC_SEND_BUFFER_BYTES_MAX,
} from '../../../src/limits.ts';
import { Message } from '../../../src/transport/sync/frames.ts';
import { Outlet } from '../../../src/transport/sync/outlet.ts';
import { eventually } from '../../harness/eventually.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('sync outlet');
let server: Server;
const webSockets = new WebSocketServer({ noServer: true });
const opened: WebSocket[] = [];

test.before(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
test.after(async () => {
  for (const socket of opened) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
});

async function open(): Promise<{ outlet: Outlet; socket: WebSocket; received: Buffer[]; reader: WebSocket }> {
  const arrived = new Promise<{ socket: WebSocket; raw: Duplex }>((resolve) => {
    server.once('upgrade', (request, raw: Duplex, head) =>
      webSockets.handleUpgrade(request, raw, head, (socket) => resolve({ socket, raw })),
    );
  });
  const reader = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const received: Buffer[] = [];
  reader.on('message', (data: Buffer) => received.push(Buffer.from(data)));
  const isOpen = new Promise((resolve) => reader.once('open', resolve));
  const { socket, raw } = await arrived;
  await isOpen;
  opened.push(reader, socket);
  return { outlet: new Outlet(socket, raw), socket, received, reader };
}

test('messages of every size around the borders arrive whole and in order, with control frames between', async () => {
  const { outlet, socket, received } = await open();
  const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, SYNC_FRAGMENT_BYTES, SYNC_FRAGMENT_BYTES + 1];
  sizes.push(SYNC_FRAGMENT_BYTES * 2, SYNC_FRAGMENT_BYTES * 3 + 5, 3);
  const sent = sizes.map((size) => new Message(Uint8Array.of(7), randomBytes(size)));
  let done = 0;
  for (const message of sent) {
    outlet.send(message, () => (done += 1));
    socket.ping();
  }
  await eventually('all arrived', () => received.length === sent.length);
  for (const [n, message] of sent.entries()) assert.ok(received[n]?.equals(message.toBytes()), String(sizes[n]));
  assert.is(done, sent.length);
});

test('a closing cuts a large message short, and says so to whoever waits for its end', async () => {
  const { outlet, socket, reader } = await open();
  reader.pause();
  let done = 0;
  outlet.send(new Message(Uint8Array.of(7), randomBytes(64 * 1024 * 1024)), () => (done += 1));
  assert.ok(outlet.isFull);
  assert.is(done, 0);
  outlet.close();
  assert.is(done, 1);
  socket.terminate();
});

test('it is busy, then full, for a reader that does not read, and says when that is over', async () => {
  const { outlet, reader, received } = await open();
  reader.pause();
  const states: string[] = [];
  let sent = 0;
  for (; !outlet.isFull; sent += 1) {
    outlet.send(new Message(randomBytes(16 * 1024)));
    await new Promise((resolve) => setImmediate(resolve));
    if (outlet.isBusy && states.length === 0) states.push('busy');
  }
  assert.equal(states, ['busy']);
  assert.ok(SYNC_SEND_BUFFER_BYTES_MAX > AWARENESS_SEND_BUFFER_BYTES_MAX);
  let drained = 0;
  outlet.whenDrained({ onDrained: () => (drained += 1) });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.is(drained, 0);
  reader.resume();
  await eventually('it is told', () => drained === 1);
  assert.not.ok(outlet.isBusy);
  await eventually('all arrived', () => received.length === sent);
});

test.run();
