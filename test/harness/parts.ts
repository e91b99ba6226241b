/** MongoDB, NATS and Temporal of a test's own: real ones, on free ports, with a data folder that goes with them. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Part, PartName } from '../../src/local/contract.ts';
import { startPart } from '../../src/local/parts.ts';
import { projectRoot } from './paths.ts';
import { freePort } from './ports.ts';

export interface TestParts {
  /** The environment a studio needs to use these parts, the shared token secret included. */
  readonly environment: Readonly<Record<string, string>>;
  readonly jwtSecret: string;
  /** `mongodb://…`, `nats://…`, `host:port`; throws for a part that was not asked for. */
  url(name: PartName): string;
  pid(name: PartName): number;
  /** The file that is run. */
  program(name: PartName): string;
  /** SIGKILL; resolves when it is gone. */
  kill(name: PartName): Promise<void>;
  /** Starts a killed (or stops and starts a running) part again on its port and data. */
  restart(name: PartName): Promise<void>;
  /** Ends all and removes their data. */
  stop(): Promise<void>;
}

const URL_VARIABLES: Readonly<Record<PartName, string>> = {
  mongodb: 'STUDIO_MONGODB_URL',
  nats: 'STUDIO_NATS_URL',
  temporal: 'STUDIO_TEMPORAL_ADDRESS',
};

export async function startParts(wanted: Readonly<Partial<Record<PartName, boolean>>>): Promise<TestParts> {
  const dataDir = await mkdtemp(join(tmpdir(), 'parts-'));
  const partsDir = process.env['STUDIO_PARTS_DIR'] ?? join(projectRoot, '.studio', 'parts');
  const progress: string[] = [];
  const parts = new Map<PartName, Part>();
  const get = (name: PartName): Part => {
    const part = parts.get(name);
    if (!part) throw new Error(`startParts was not asked for ${name}.`);
    return part;
  };
  const start = async (name: PartName, port: number): Promise<void> => {
    const searchPath = process.env['PATH'] ?? '';
    const onProgress = (line: string): void => void progress.push(line);
    parts.set(name, await startPart(name, { dataDir, partsDir, searchPath, port, onProgress }));
  };
  const stop = async (): Promise<void> => {
    const ended = await Promise.allSettled([...parts.values()].map((part) => part.stop()));
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    for (const result of ended) if (result.status === 'rejected') throw result.reason;
  };

  const names = (['mongodb', 'nats', 'temporal'] as const).filter((name) => wanted[name]);
  const started = await Promise.allSettled(names.map(async (name) => start(name, await freePort())));
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw new Error(`The parts did not start:\n${progress.slice(-40).join('\n')}`, { cause: failed.reason });
  }

  const jwtSecret = randomBytes(32).toString('hex');
  const environment: Record<string, string> = { STUDIO_JWT_SECRET: jwtSecret, STUDIO_DATA_DIR: dataDir };
  for (const name of names) environment[URL_VARIABLES[name]] = get(name).url;
  return {
    environment,
    jwtSecret,
    url: (name) => get(name).url,
    pid: (name) => get(name).pid,
    program: (name) => get(name).command,
    kill: async (name) => {
      get(name).kill();
      await get(name).exited;
    },
    restart: async (name) => {
      const { port } = get(name);
      await get(name).stop();
      await start(name, port);
    },
    stop,
  };
}
