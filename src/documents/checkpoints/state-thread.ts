/** The thread that builds and verifies large states, and loads what may turn out to be too much. Started by `StateWorker`. */
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { buildState, checkState, type StateTask } from './state-builder.ts';

export interface ThreadData {
  readonly heapMegabytes: number;
}

export interface ThreadReply {
  readonly result?: unknown;
  readonly error?: string;
  /** It was not the state's fault but its size. */
  readonly isTooHeavy?: boolean;
}

const { heapMegabytes } = workerData as ThreadData;

class TooHeavy extends Error {}

parentPort?.on('message', (task: StateTask) => {
  done(task).then(
    (result) => reply({ result }),
    (error: unknown) =>
      reply({
        error: error instanceof Error ? error.message : String(error),
        isTooHeavy: error instanceof TooHeavy,
      }),
  );
});

function reply(message: ThreadReply): void {
  parentPort?.postMessage(message, []);
}

/** In one go: nobody waits for a turn here. */
async function done(task: StateTask): Promise<unknown> {
  return task.kind === 'build' ? buildState(task, requireMemory) : checkState(task, requireMemory);
}

function requireMemory(): Promise<void> {
  const megabytes = getHeapStatistics().used_heap_size / 1024 / 1024;
  if (megabytes > heapMegabytes) throw new TooHeavy(`took more than ${heapMegabytes} MB`);
  return Promise.resolve();
}
