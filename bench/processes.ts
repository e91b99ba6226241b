/** Processes of the benchmark's own, and what Linux says they use. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
const READY_MS_MAX = 60_000;
/** USER_HZ: what the times in /proc are counted in. */
const TICKS_PER_SECOND = 100;

export interface Helper<T> {
  readonly pid: number;
  /** The first message it sends. */
  readonly first: T;
  readonly exited: Promise<void>;
  kill(): Promise<void>;
}

/** Starts a module of bench/ and waits for its first message. It ends with this process, because its channel does. */
export async function startHelper<T>(
  module: string,
  options: { readonly env?: NodeJS.ProcessEnv; readonly nodeOptions?: readonly string[] } = {},
): Promise<Helper<T>> {
  const path = fileURLToPath(new URL(module, import.meta.url));
  const loader = path.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const child: ChildProcess = spawn(process.execPath, [...loader, ...(options.nodeOptions ?? []), path], {
    cwd: PROJECT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  const first = await new Promise<T>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${module} said nothing in time.`)), READY_MS_MAX);
    child.once('message', (message) => {
      clearTimeout(late);
      resolve(message as T);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(late);
      reject(new Error(`${module} ended: ${code ?? signal}.`));
    });
  });
  return {
    pid: child.pid ?? 0,
    first,
    exited,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Resident memory, in bytes. */
export function residentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kibibytes === undefined) throw new Error(`Process ${pid} has no resident memory.`);
  return Number(kibibytes) * 1024;
}

/** Processor time used so far by all threads, in seconds. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const CALM_WINDOW_MS = 500;
const CALM_MS_MAX = 20_000;
const CALM_SHARE = 0.1;

/** Resolves when these processes have next to nothing left to do, or after CALM_MS_MAX. */
export async function untilCalm(pids: readonly number[]): Promise<void> {
  const used = (): number => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  for (const deadline = performance.now() + CALM_MS_MAX; performance.now() < deadline;) {
    const before = used();
    await sleep(CALM_WINDOW_MS);
    if (used() - before < (CALM_SHARE * CALM_WINDOW_MS) / 1_000) return;
  }
}

export function requireLinux(): void {
  if (!existsSync('/proc/self/stat')) throw new Error('This benchmark reads /proc: it needs Linux.');
}
