/** Trial threads that run the sources, as the tests do. */
import { Worker } from 'node:worker_threads';
import pino from 'pino';
import { UpdateTrials } from '../../../src/documents/trials/update-trials.ts';

const ENTRY = new URL('../../../src/documents/trials/trial-thread.ts', import.meta.url).href;
// The loader that `--import tsx` gives the main thread does not come along into others.
const LOAD = `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(ENTRY)}); });`;

export function trialsFromSource(memoryMb?: number): UpdateTrials {
  return new UpdateTrials(pino({ level: 'silent' }), {
    memoryMb,
    startThread: (resourceLimits) => new Worker(LOAD, { eval: true, env: {}, resourceLimits }),
  });
}
