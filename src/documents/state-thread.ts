/** The thread that builds and verifies large states, and loads what may turn out to be too much. Started by `StateWorker`. */
import { parentPort } from 'node:worker_threads';
import { buildState, checkState, type StateTask } from './state-builder.ts';

parentPort?.on('message', ({ id, task }: { id: number; task: StateTask }) => {
  done(task).then(
    (result) => parentPort?.postMessage({ id, result }, []),
    (error: unknown) =>
      parentPort?.postMessage({ id, error: error instanceof Error ? error.message : String(error) }, []),
  );
});

/** In one go: nobody waits for a turn here. */
async function done(task: StateTask): Promise<unknown> {
  return task.kind === 'build' ? buildState(task, async () => {}) : checkState(task);
}
