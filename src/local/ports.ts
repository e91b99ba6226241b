import { createServer } from 'node:net';
import { LocalFailure } from './local-failure.ts';

export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return (await whyNotFree(port, host)) === undefined;
}

/** Undefined when something may listen there; else the system's code for why not: `EADDRINUSE`, `EADDRNOTAVAIL`, … */
export function whyNotFree(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

/** What stands in the way of the studio's port of that variable. */
export function portFailure(code: string, host: string, port: number, variable: string): LocalFailure {
  if (code === 'EADDRINUSE') {
    return new LocalFailure(
      `Port ${port} on ${host}, which the studio is to use, is in use by another process.`,
      `End that process, or set ${variable} to another port.`,
    );
  }
  if (code === 'EACCES') {
    return new LocalFailure(
      `This user may not listen on port ${port} of ${host}.`,
      `Set ${variable} to a port above 1023.`,
    );
  }
  return new LocalFailure(
    `STUDIO_HOST is ${host}, on which this machine can't listen (${code}).`,
    'Set it to an address of this machine: 127.0.0.1, say, or 0.0.0.0 for all of them.',
  );
}

/** As it stands before `:port`: an IPv6 address in brackets. */
export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Free now; nobody keeps it free, so what is started on it must be ready to fail and try another. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address && typeof address === 'object') resolve(address.port);
        else reject(new Error('The system gave no port.'));
      });
    });
  });
}
