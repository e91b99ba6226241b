/** A pid is used again by the system; a pid together with the moment its process started is not. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { GONE_POLL_MS, PART_STOP_MS_MAX } from '../limits.ts';

export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal for the same process only. */
  readonly started: string;
}

/** Undefined for a process that is gone or a zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedElsewhere(pid);
  return started === undefined ? undefined : { pid, started };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

/** To the process group that `pid` leads; false when it is gone. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

/** Ends a process of an earlier run, and its group; a process that only has the same pid is left alone. */
export async function reap(identity: ProcessIdentity): Promise<boolean> {
  if (!isAlive(identity)) return false;
  signalGroup(identity.pid, 'SIGTERM');
  const killAt = performance.now() + PART_STOP_MS_MAX;
  while (isAlive(identity)) {
    if (performance.now() > killAt) signalGroup(identity.pid, 'SIGKILL');
    if (performance.now() > killAt + PART_STOP_MS_MAX) throw new Error(`Process ${identity.pid} cannot be ended.`);
    await sleep(GONE_POLL_MS);
  }
  return true;
}

function startedOnLinux(pid: number): string | undefined {
  try {
    // The command's name stands in parentheses and may hold spaces and parentheses itself.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    // Ticks since boot: only with the boot they count from do they name one moment.
    return `${fields[19]}@${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()}`;
  } catch {
    return undefined;
  }
}

function startedElsewhere(pid: number): string | undefined {
  try {
    const [state = '', ...started] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
      .trim()
      .split(/\s+/);
    return state === '' || state.startsWith('Z') ? undefined : started.join(' ');
  } catch {
    return undefined;
  }
}
