/** Processor time of the calling thread, which others on a busy machine don't add to. */
import { readFileSync } from 'node:fs';

/** Milliseconds since any beginning. Time of the clock where the system does not tell a thread's own. */
export function threadTimeMs(): number {
  try {
    const [nanoseconds = ''] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ');
    return Number(nanoseconds) / 1e6 || performance.now();
  } catch {
    return performance.now();
  }
}
