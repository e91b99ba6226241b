/** A network cable that can be pulled: TCP to a studio through a port of its own. Browsers keep WebSockets when told to be offline. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Cable {
  /** `host:port` of this end. */
  readonly host: string;
  /** Cuts what passes, and lets nothing new pass. */
  pull(): void;
  plugIn(): void;
  readonly close: () => Promise<void>;
}

export async function layCable(port: number): Promise<Cable> {
  const sockets = new Set<Socket>();
  let isPulled = false;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((near) => {
    if (isPulled) {
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    pull: () => {
      isPulled = true;
      cut();
    },
    plugIn: () => void (isPulled = false),
    close: async () => {
      isPulled = true;
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
