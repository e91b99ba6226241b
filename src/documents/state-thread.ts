/** The thread that builds and verifies large states, and loads what may turn out to be too much. Started by `StateWorker`. */
import { parentPort } from 'node:worker_threads';
import { buildState, checkState, type StateTask } from './state-builder.ts';

parentPort?.on('message', ({ id, task }: { id: number; task: StateTask }) => {
  try {
    const result = task.kind === 'build' ? buildState(task) : checkState(task);
    parentPort?.postMessage({ id, result }, []);
  } catch (error) {
    parentPort?.postMessage({ id, error: error instanceof Error ? error.message : String(error) }, []);
  }
});
