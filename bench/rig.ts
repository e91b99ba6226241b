/** A studio of the benchmark's own: real parts and a real `studio serve`, on free ports, gone at the end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createStudioClient, type StudioClient } from '../clients/node/src/index.ts';
import { startPart } from '../src/local/parts.ts';
import { freePort } from '../src/local/ports.ts';
import { signToken } from '../src/transport/auth/tokens.ts';
import type { Part, PartName } from '../src/local/contract.ts';
import { print } from './report.ts';

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
const MAIN = join(PROJECT, 'dist', 'main.js');
const READY_MS_MAX = 60_000;
const VARIABLES: Readonly<Record<PartName, string>> = {
  mongodb: 'STUDIO_MONGODB_URL',
  nats: 'STUDIO_NATS_URL',
  temporal: 'STUDIO_TEMPORAL_ADDRESS',
};

export interface Rig {
  /** `http://127.0.0.1:<port>` */
  readonly address: string;
  readonly grpcAddress: string;
  /** Of the `studio serve` that runs now. */
  readonly servePid: number;
  /** Where the parts keep their data, each in a folder of its name. */
  readonly dataDir: string;
  readonly part: (name: PartName) => Part;
  readonly token: (userId: string) => Promise<string>;
  /** A connection of its own, to the first `studio serve` or the one with this index. */
  readonly connect: (userId: string, serve?: number) => Promise<StudioClient>;
  /** Another `studio serve` in place of this one, on the same ports. */
  readonly restart: () => Promise<void>;
  /** SIGKILL to `studio serve` and the database at once; then both again, as they were. */
  readonly crash: () => Promise<void>;
  /** Both again after an end in good order: what the database kept in memory is in its files then. */
  readonly settle: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** STUDIO_BENCH_NODE_OPTIONS goes to the studio's processes: `--cpu-prof --cpu-prof-dir=…` shows where time goes. */
export async function startRig(options: {
  readonly worker: boolean;
  /** Default 1. */ readonly serves?: number;
}): Promise<Rig> {
  if (!existsSync(MAIN)) throw new Error('dist/main.js is missing: npm run build makes it.');
  const dataDir = await mkdtemp(join(tmpdir(), 'studio-bench-'));
  const parts = new Map<PartName, Part>();
  const studio: Launched[] = [];
  const clients: StudioClient[] = [];
  const stop = async (): Promise<void> => {
    for (const client of clients) client.close();
    await Promise.all(studio.map((launched) => launched.stop()));
    await Promise.all([...parts.values()].map((part) => part.stop()));
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const partsDir = process.env['STUDIO_PARTS_DIR'] ?? join(PROJECT, '.studio', 'parts');
    const searchPath = process.env['PATH'] ?? '';
    await Promise.all(
      (['mongodb', 'nats', 'temporal'] as const).map(async (name) =>
        parts.set(name, await startPart(name, { dataDir, partsDir, searchPath })),
      ),
    );
    const part = (name: PartName): Part => {
      const found = parts.get(name);
      if (!found) throw new Error(`${name} does not run.`);
      return found;
    };
    print(`  database: ${part('mongodb').version}`);
    const secret = randomBytes(32).toString('hex');
    const [port, grpcPort] = [await freePort(), await freePort()];
    const env: NodeJS.ProcessEnv = { ...process.env, STUDIO_DATA_DIR: dataDir, STUDIO_JWT_SECRET: secret };
    Object.assign(env, { STUDIO_PORT: String(port), STUDIO_GRPC_PORT: String(grpcPort), STUDIO_LOG_LEVEL: 'warn' });
    for (const [name, { url }] of parts) env[VARIABLES[name]] = url;
    let serve = launch('serve', env);
    studio.push(serve);
    const grpcPorts = [grpcPort];
    while (grpcPorts.length < (options.serves ?? 1)) {
      const [more, moreGrpc] = [await freePort(), await freePort()];
      grpcPorts.push(moreGrpc);
      studio.push(launch('serve', { ...env, STUDIO_PORT: String(more), STUDIO_GRPC_PORT: String(moreGrpc) }));
    }
    if (options.worker) studio.push(launch('worker', env));
    await Promise.all(studio.map((launched) => launched.ready));
    const serveAgain = async (): Promise<void> => {
      studio.splice(studio.indexOf(serve), 1);
      serve = launch('serve', env);
      studio.push(serve);
      await serve.ready;
    };
    const databaseAgain = async (): Promise<void> => {
      const database = part('mongodb');
      await database.stop();
      parts.set('mongodb', await startPart('mongodb', { dataDir, partsDir, searchPath, port: database.port }));
    };
    const token = (userId: string): Promise<string> => signToken(secret, { userId });
    return {
      address: `http://127.0.0.1:${port}`,
      grpcAddress: `127.0.0.1:${grpcPort}`,
      get servePid() {
        return serve.pid;
      },
      dataDir,
      part,
      token,
      connect: async (userId, index = 0) => {
        const client = createStudioClient({ address: `127.0.0.1:${grpcPorts[index]}`, token: await token(userId) });
        clients.push(client);
        return client;
      },
      restart: async () => {
        await serve.stop();
        await serveAgain();
      },
      crash: async () => {
        part('mongodb').kill();
        await Promise.all([serve.kill(), part('mongodb').exited]);
        await databaseAgain();
        await serveAgain();
      },
      settle: async () => {
        await serve.stop();
        await databaseAgain();
        await serveAgain();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Launched {
  readonly pid: number;
  readonly ready: Promise<void>;
  readonly stop: () => Promise<void>;
  readonly kill: () => Promise<void>;
}

function launch(command: 'serve' | 'worker', env: NodeJS.ProcessEnv): Launched {
  const nodeOptions = (process.env['STUDIO_BENCH_NODE_OPTIONS'] ?? '').split(' ').filter(Boolean);
  const child: ChildProcess = spawn(process.execPath, [...nodeOptions, MAIN, command], {
    cwd: PROJECT,
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let ended: () => void = () => {};
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      ended();
      resolve();
    });
  });
  const ready = new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`studio ${command} is not ready.`)), READY_MS_MAX);
    child.once('message', () => {
      clearTimeout(late);
      resolve();
    });
    ended = () => {
      clearTimeout(late);
      reject(new Error(`studio ${command} ended.`));
    };
  });
  return {
    pid: child.pid ?? 0,
    ready,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
