/** `npm start` as a user runs it, on a data folder and ports of its own, and every process it started. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { lockOwner } from '../../src/local/data-lock.ts';
import { readRun } from '../../src/local/run-file.ts';
import { eventually } from '../harness/eventually.ts';
import { projectRoot } from '../harness/paths.ts';
import { freePort } from '../harness/ports.ts';
import { partsDir } from './local-processes.ts';

export const MEMBERS = ['npm', 'dev', 'serve', 'worker', 'mongodb', 'nats', 'temporal', 'watchdog'] as const;
export type Member = (typeof MEMBERS)[number];

const READY_MS_MAX = 90_000;
const GONE_MS_MAX = 12_000;

export interface DevTree {
  readonly npm: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly address: string;
  readonly token: string;
  /** From `npm start` to ready. */
  readonly readyMs: number;
  readonly environment: NodeJS.ProcessEnv;
  pid(member: Member): number;
  output(): string;
  /** Resolves with how long it took until no process of the tree was left. */
  gone(): Promise<number>;
}

export async function environmentOf(dataDir: string): Promise<NodeJS.ProcessEnv> {
  const outer = Object.entries(process.env).filter(([name]) => !/^(STUDIO_(?!TEST)|npm_)/.test(name));
  return {
    ...Object.fromEntries(outer),
    STUDIO_DATA_DIR: dataDir,
    STUDIO_PARTS_DIR: partsDir,
    STUDIO_PORT: String(await freePort()),
    STUDIO_GRPC_PORT: String(await freePort()),
  };
}

export async function startDevTree(dataDir: string, settings: Readonly<Record<string, string>> = {}): Promise<DevTree> {
  const environment = { ...(await environmentOf(dataDir)), ...settings };
  const started = performance.now();
  // In a process group of its own, as a terminal would have it.
  const npm = spawn('npm', ['start'], {
    cwd: projectRoot,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const exited = new Promise<number | null>((resolve) => npm.once('exit', resolve));
  await eventually(
    'npm start is ready',
    () => output.includes('The studio is ready at') || npm.exitCode !== null,
    READY_MS_MAX,
  );
  const { address, token, processes } = readRun(dataDir);
  if (npm.exitCode !== null || address === undefined || token === undefined)
    throw new Error(`npm start ended:\n${output}`);
  const readyMs = performance.now() - started;
  const dev = lockOwner(dataDir)?.pid;
  const pids = new Map(Object.entries(processes).map(([name, { pid }]) => [name, pid]));
  return {
    npm,
    exited,
    address,
    token,
    readyMs,
    environment,
    pid: (member) => {
      const pid = member === 'npm' ? npm.pid : member === 'dev' ? dev : pids.get(member);
      if (pid === undefined) throw new Error(`There is no ${member}.`);
      return pid;
    },
    output: () => output,
    gone: async () => {
      const from = performance.now();
      const none = (): boolean => {
        const left = processesOf(dataDir);
        if (left.length > 0) throw new Error(`still there: ${left.join('; ')}`);
        return true;
      };
      await eventually('every process of the tree is gone', none, GONE_MS_MAX);
      return performance.now() - from;
    },
  };
}

/** All that were started, however indirectly, with this data folder in their environment. */
export function processesOf(dataDir: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`STUDIO_DATA_DIR=${dataDir}`)) return [];
      return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').slice(0, 100)}`];
    } catch {
      return [];
    }
  });
}
