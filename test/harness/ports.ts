import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the range from which Linux takes the ports of outgoing connections: one given here stays free until it is bound. */
const FIRST = 20_000;
const LAST = 32_000;
const TRIES_MAX = 200;

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = randomInt(FIRST, LAST);
    if (await mayBind(port)) return port;
  }
  throw new Error(`No free port found between ${FIRST} and ${LAST} in ${TRIES_MAX} tries.`);
}

function mayBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
