/**
 * A shell that holds the read end of a pipe from us. When the pipe ends, whatever ended us (SIGKILL included), it ends
 * every process group it was told of: first the studio's, which still need their parts to drain, then the parts. It
 * ignores no signal: whoever started it notices when it goes.
 */
import { spawn } from 'node:child_process';
import { PART_STOP_MS_MAX } from '../limits.ts';

export type WatchPhase = 'studio' | 'part';

export interface Watchdog {
  readonly pid: number;
  readonly exited: Promise<void>;
  /** Nothing may be started under it any more. */
  readonly gone: boolean;
  /** `pid` leads a process group of its own. */
  watch(pid: number, phase: WatchPhase): void;
  /** To be called when the group is gone: its number may come back as somebody else's. */
  release(pid: number): void;
  /** Ends the watchdog itself; what it still watches is ended by it. */
  stop(): Promise<void>;
}

const TENTHS_OF_A_SECOND = Math.floor(PART_STOP_MS_MAX / 2 / 100);

const SCRIPT = `
studio=; part=
without() { for one in $1; do [ "$one" = "$2" ] || printf '%s ' "$one"; done; }
alive() { for one in $1; do kill -0 "-$one" 2>/dev/null && return 0; done; return 1; }
finish() {
  for one in $1; do kill -TERM "-$one" 2>/dev/null; done
  tenths=0
  while alive "$1" && [ $tenths -lt ${TENTHS_OF_A_SECOND} ]; do sleep 0.1; tenths=$((tenths + 1)); done
  for one in $1; do kill -KILL "-$one" 2>/dev/null; done
}
while read -r verb pid; do
  case $verb in
    studio) studio="$studio $pid" ;;
    part) part="$part $pid" ;;
    release) studio=$(without "$studio" "$pid"); part=$(without "$part" "$pid") ;;
  esac
done
finish "$studio"
finish "$part"
`;

export function startWatchdog(): Watchdog {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'studio-watchdog'], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  let gone = false;
  const exited = new Promise<void>((resolve) => {
    const end = (): void => {
      gone = true;
      resolve();
    };
    child.once('exit', end);
    child.once('error', end);
  });
  // A write that fails means that the watchdog is gone, which `exited` says.
  child.stdin.on('error', () => {});
  // Neither keeps this process alive: the pipe ends with it, and that is what the watchdog waits for.
  child.unref();
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  return {
    pid: child.pid ?? 0,
    exited,
    get gone() {
      return gone;
    },
    watch: (pid, phase) => void child.stdin.write(`${phase} ${pid}\n`),
    release: (pid) => void child.stdin.write(`release ${pid}\n`),
    stop: async () => {
      gone = true;
      child.ref();
      child.stdin.end();
      await exited;
    },
  };
}
