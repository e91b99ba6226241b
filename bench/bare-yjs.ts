/** The least a Yjs server can do: applies what comes to a document in memory, and relays it. Keeps nothing. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import * as Y from 'yjs';
import { Y_WEBSOCKET } from '../wire/dialect.ts';

interface Place {
  readonly doc: Y.Doc;
  readonly sockets: Set<WebSocket>;
}

const places = new Map<string, Place>();
const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });

server.on('connection', (socket, request) => {
  const room = new URL(request.url ?? '', 'http://bare').pathname;
  const place = places.get(room) ?? { doc: new Y.Doc(), sockets: new Set<WebSocket>() };
  places.set(room, place);
  place.sockets.add(socket);
  socket.on('close', () => place.sockets.delete(socket));
  socket.on('message', (data: Buffer) => {
    const message = Y_WEBSOCKET.read(data);
    if (message.kind === 'step1') {
      const state = Y.encodeStateAsUpdate(place.doc, message.stateVector);
      socket.send(Y_WEBSOCKET.step2('', state));
    } else if (message.kind === 'update') {
      Y.applyUpdate(place.doc, message.update);
      for (const other of place.sockets) if (other !== socket) other.send(data);
    }
  });
});
process.on('disconnect', () => process.exit(0));
http.listen(0, '127.0.0.1', () => process.send?.((http.address() as AddressInfo).port));
