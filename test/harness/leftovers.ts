/**
 * Every test file runs under a mark of its own, which stands in its environment and in the path of its temporary
 * folder. Whatever it starts inherits the one or is given the other on its command line, however far it detaches.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { KILL_MS_MAX } from './limits.ts';

export interface MarkedProcess {
  readonly pid: number;
  readonly command: string;
}

export function findMarked(mark: string): MarkedProcess[] {
  const found: MarkedProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const command = readProc(pid, 'cmdline');
    if (command.includes(mark) || readProc(pid, 'environ').includes(mark)) {
      found.push({ pid, command: command.replaceAll('\0', ' ').trim().slice(0, 200) });
    }
  }
  return found;
}

/** Waits until nothing carries the mark any more; what still does after `graceMs` is killed and returned. */
export async function killLeftovers(mark: string, graceMs: number): Promise<MarkedProcess[]> {
  const deadline = Date.now() + graceMs;
  let found = findMarked(mark);
  while (found.length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    found = findMarked(mark);
  }
  const left = found;
  const killedBy = Date.now() + KILL_MS_MAX;
  while (found.length > 0 && Date.now() < killedBy) {
    for (const { pid } of found) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, 50));
    found = findMarked(mark);
  }
  return left;
}

/** To the whole process group; false if it is gone already. */
export function killGroup(pid: number | undefined): boolean {
  return pid !== undefined && kill(-pid);
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** Empty for a process that is gone, a zombie, or somebody else's. */
function readProc(pid: number, file: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
