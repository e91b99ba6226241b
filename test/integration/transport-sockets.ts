/** Bare sockets and a WebSocket door for the transport tests. */
import { connect as connectTcp } from 'node:net';
import { WebSocketServer } from 'ws';
import type { UpgradeRoute } from '../../src/transport/port/upgrades.ts';

/** Writes bytes, and gives back all that comes until the connection closes or nothing came for `quietMs`. */
export function raw(port: number, text: string, quietMs = 400): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connectTcp({ port, host: '127.0.0.1' }, () => socket.write(text));
    socket.setTimeout(quietMs, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
    socket.once('error', reject);
    socket.once('close', () => resolve(received));
  });
}

export function echoSocket(): UpgradeRoute {
  const server = new WebSocketServer({ noServer: true });
  return {
    match: (path) => path === '/talk',
    handle: (request, socket, head) =>
      server.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
      }),
    drain: async () => {
      for (const client of server.clients) client.close(1001);
    },
  };
}
