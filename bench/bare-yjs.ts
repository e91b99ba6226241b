/**
 * The least a Yjs server can do: applies what comes to a document in memory, and relays it. With BARE_MONGODB_URL it does
 * so once that is in a log like the studio's, with BARE_NATS_URL it tells of each in a stream like the studio's too, and does
 * nothing else of what a studio does: no guard, no access. PEER_PORT; sends the port it has.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import * as Y from 'yjs';
import { BareCommits, INSERTS_IN_FLIGHT } from './bare-commits.ts';
import { BareEvents } from './bare-events.ts';
import { Y_WEBSOCKET } from './wire/dialect.ts';

/** As many updates as the studio has in each commit. */
const COMMIT_UPDATES_MAX = 256;

interface Arrived {
  readonly socket: WebSocket;
  readonly update: Uint8Array;
  readonly data: Buffer;
}

interface Place {
  readonly room: string;
  readonly doc: Y.Doc;
  readonly sockets: Set<WebSocket>;
  /** What is not in the log yet, and the questions asked behind it. */
  waiting: (Arrived | (() => void))[];
  isCommitting: boolean;
}

const url = process.env['BARE_MONGODB_URL'];
const commits = url === undefined ? undefined : await BareCommits.open(url);
const natsUrl = process.env['BARE_NATS_URL'];
const events = natsUrl === undefined ? undefined : await BareEvents.open(natsUrl);
const places = new Map<string, Place>();
const waiting = new Set<Place>();
let inFlight = 0;

function show(place: Place, { socket, update, data }: Arrived): void {
  Y.applyUpdate(place.doc, update);
  for (const other of place.sockets) if (other !== socket) other.send(data);
}

function take(place: Place, arrived: Arrived): void {
  if (!commits) {
    show(place, arrived);
    return;
  }
  place.waiting.push(arrived);
  if (!place.isCommitting) waiting.add(place);
  start(commits);
}

function start(log: BareCommits): void {
  if (inFlight >= INSERTS_IN_FLIGHT || waiting.size === 0) return;
  inFlight += 1;
  // With all that this turn of the event loop brings.
  setImmediate(() => void commit(log));
}

async function commit(log: BareCommits): Promise<void> {
  if (waiting.size === 0) {
    inFlight -= 1;
    return;
  }
  const batch = [...waiting].map((place) => {
    const end = place.waiting.findIndex((entry, index) => typeof entry === 'function' || index === COMMIT_UPDATES_MAX);
    return { place, arrived: place.waiting.splice(0, end < 0 ? place.waiting.length : end) as Arrived[] };
  });
  waiting.clear();
  for (const { place } of batch) place.isCommitting = true;
  await log.insert(batch.map(({ place, arrived }) => [place.room, arrived.map(({ update }) => update)]));
  for (const { place, arrived } of batch) {
    place.isCommitting = false;
    place.doc.transact(() => {
      for (const one of arrived) show(place, one);
    });
    events?.tell(place.room.slice(1), arrived.length);
    while (typeof place.waiting[0] === 'function') (place.waiting.shift() as () => void)();
    if (place.waiting.length > 0) waiting.add(place);
  }
  inFlight -= 1;
  start(log);
}

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });

server.on('connection', (socket, request) => {
  const room = new URL(request.url ?? '', 'http://bare').pathname;
  const place = places.get(room) ?? { room, doc: new Y.Doc(), sockets: new Set(), waiting: [], isCommitting: false };
  places.set(room, place);
  place.sockets.add(socket);
  socket.on('close', () => place.sockets.delete(socket));
  socket.on('message', (data: Buffer) => {
    const message = Y_WEBSOCKET.read(data);
    if (message.kind === 'update') take(place, { socket, update: message.update, data });
    if (message.kind !== 'step1') return;
    const answer = (): void =>
      socket.send(Y_WEBSOCKET.step2('', Y.encodeStateAsUpdate(place.doc, message.stateVector)));
    if (place.isCommitting || place.waiting.length > 0) place.waiting.push(answer);
    else answer();
  });
});
process.on('disconnect', () => process.exit(0));
http.listen(Number(process.env['PEER_PORT'] ?? 0), '127.0.0.1', () =>
  process.send?.((http.address() as AddressInfo).port),
);
