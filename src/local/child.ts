/** A process of ours in a group of its own (Ctrl-C does not reach it), logged to a file and under the watchdog. */
import { spawn, type ChildProcess } from 'node:child_process';
import { LAST_WORDS_CHARACTERS_MAX, PART_STOP_MS_MAX } from '../limits.ts';
import { LocalFailure } from './local-failure.ts';
import { logSize, openLog, textAfter } from './log-file.ts';
import { signalGroup } from './process-identity.ts';
import { forgetProcess, recordProcess } from './run-file.ts';
import type { Watchdog, WatchPhase } from './watchdog.ts';

export interface ChildOptions {
  /** Also the name of its log. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly dataDir: string;
  readonly workingDir: string;
  readonly phase: WatchPhase;
  readonly watchdog: Watchdog;
  /** Absent: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Whether it is a Node process that talks to us with `process.send`. */
  readonly isNode?: boolean;
}

export interface Child {
  readonly pid: number;
  readonly process: ChildProcess;
  readonly logFile: string;
  readonly exited: Promise<Ending>;
  /** What it logged. */
  output(): string;
  /** The last line of that with something on it. */
  lastWords(): string;
  /** SIGTERM to its group, SIGKILL when it takes longer than `graceMs`. */
  stop(graceMs?: number): Promise<void>;
  kill(): void;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export function startChild(options: ChildOptions): Child {
  const { name, dataDir, watchdog } = options;
  // Nothing of ours runs without a watchdog.
  if (watchdog.gone) throw new LocalFailure(`${name} is not started: the watchdog is gone.`, 'Start again.');
  const log = openLog(dataDir, name);
  const logStart = logSize(log.path);
  const streams = [log.descriptor, log.descriptor] as const;
  const child = spawn(options.command, options.args, {
    cwd: options.workingDir,
    detached: true,
    stdio: options.isNode ? ['ignore', ...streams, 'ipc'] : ['ignore', ...streams],
    ...(options.env && { env: options.env }),
  });
  const pid = child.pid ?? 0;
  if (pid > 0) {
    watchdog.watch(pid, options.phase);
    recordProcess(dataDir, name, pid);
  }
  let gone = false;
  const exited = new Promise<Ending>((resolve) => {
    const end = (ending: Ending): void => {
      if (gone) return;
      gone = true;
      if (pid > 0) {
        // What the leader left in its group goes with it.
        signalGroup(pid, 'SIGKILL');
        watchdog.release(pid);
        forgetProcess(dataDir, name);
      }
      log.close();
      resolve(ending);
    };
    child.once('exit', (code, signal) => end({ code, signal }));
    // A program that cannot be executed has no exit.
    child.once('error', () => end({ code: null, signal: null }));
  });
  const stop = async (graceMs = PART_STOP_MS_MAX): Promise<void> => {
    if (gone) return;
    signalGroup(pid, 'SIGTERM');
    const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
    await exited;
    clearTimeout(timer);
  };
  const output = (): string => textAfter(log.path, logStart);
  return {
    pid,
    process: child,
    logFile: log.path,
    exited,
    output,
    lastWords: () => lastLine(output()),
    stop,
    kill: () => void (gone || signalGroup(pid, 'SIGKILL')),
  };
}

function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return (lines.at(-1) ?? '').trim().slice(0, LAST_WORDS_CHARACTERS_MAX);
}

/** `exit code 1`, `SIGKILL`. */
export function describeEnding(ending: Ending): string {
  if (ending.signal) return ending.signal;
  return ending.code === null ? 'it could not be executed' : `exit code ${ending.code}`;
}
