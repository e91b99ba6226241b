/** A plain TCP balancer: each connection goes to the next target in turn, and nothing remembers who came from where. */
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Balancer {
  readonly port: number;
  /** `ws://127.0.0.1:<port>` */
  readonly socketAddress: string;
  /** From now on connections go to these. */
  target(ports: readonly number[]): void;
  /** Cuts all that is connected. */
  cut(): void;
  close(): Promise<void>;
}

export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  let targets = ports;
  let turn = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const port = targets[turn++ % targets.length];
    if (port === undefined) {
      client.destroy();
      return;
    }
    const upstream = createConnection(port, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.pipe(other);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroySoon();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    port,
    socketAddress: `ws://127.0.0.1:${port}`,
    target: (next) => {
      targets = next;
    },
    cut,
    close: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
