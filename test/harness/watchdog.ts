/**
 * Runs beside the runner and holds a pipe from it. When the pipe ends, whatever ended the runner (SIGKILL included),
 * everything that carries the run's mark is killed and its temporary folder removed.
 */
import { rmSync } from 'node:fs';
import { killLeftovers } from './leftovers.ts';

const [mark, folder] = process.argv.slice(2);
if (!mark || !folder) throw new Error('watchdog: needs a mark and a folder');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.stdin.resume();
process.stdin.once('close', () => {
  void killLeftovers(mark, 0).then(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
});
