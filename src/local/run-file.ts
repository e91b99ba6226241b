/** `<dataDir>/run.json`: what runs on this data folder now, and what a killed run may have left behind. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Part, PartName } from './contract.ts';
import { readJson, writeJson } from './json-file.ts';
import { identify, type ProcessIdentity, reap } from './process-identity.ts';

export interface RunState {
  /** By name: a part's, `serve`, `worker`, `watchdog`. */
  readonly processes: Readonly<Record<string, ProcessIdentity>>;
  readonly parts: Readonly<Partial<Record<PartName, RunningPart>>>;
  /** Set while `studio dev` is ready: `http://127.0.0.1:8010`, `127.0.0.1:8011`, and a token for the user `you`. */
  readonly address?: string;
  readonly grpcAddress?: string;
  readonly token?: string;
}

export type RunningPart = Pick<Part, 'url' | 'port' | 'version' | 'origin' | 'command'>;

export function readRun(dataDir: string): RunState {
  const state = readJson(pathOf(dataDir)) as Partial<RunState> | undefined;
  return { processes: {}, parts: {}, ...state };
}

/** Only the holder of the data folder's lock writes; it reads and writes without a pause in between. */
export function updateRun(dataDir: string, change: (state: RunState) => RunState): void {
  mkdirSync(dataDir, { recursive: true });
  writeJson(pathOf(dataDir), change(readRun(dataDir)));
}

export function recordProcess(dataDir: string, name: string, pid: number): void {
  const identity = identify(pid);
  if (!identity) return;
  updateRun(dataDir, (state) => ({ ...state, processes: { ...state.processes, [name]: identity } }));
}

export function forgetProcess(dataDir: string, name: string): void {
  updateRun(dataDir, (state) => {
    const without = <T extends object>(record: T): T =>
      Object.fromEntries(Object.entries(record).filter(([key]) => key !== name)) as T;
    return { ...state, processes: without(state.processes), parts: without(state.parts) };
  });
}

/** Ends what an earlier run left under this name, if it is that very process. */
export async function reapRecorded(dataDir: string, name: string): Promise<boolean> {
  const identity = readRun(dataDir).processes[name];
  return identity !== undefined && (await reap(identity));
}

function pathOf(dataDir: string): string {
  return join(dataDir, 'run.json');
}
