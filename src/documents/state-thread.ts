/** The thread that builds and verifies large states, and loads what may turn out to be too much. Started by `StateWorker`. */
import { parentPort } from 'node:worker_threads';
import { buildState, checkState, type BuiltState, type StateTask } from './state-builder.ts';

parentPort?.on('message', ({ id, task }: { id: number; task: StateTask }) => {
  try {
    const result = task.kind === 'build' ? built(buildState(task)) : checkState(task);
    parentPort?.postMessage({ id, result }, []);
  } catch (error) {
    parentPort?.postMessage({ id, error: error instanceof Error ? error.message : String(error) }, []);
  }
});

/** In one go: nobody waits for a turn here. */
function built(slices: Generator<void, BuiltState>): BuiltState {
  for (;;) {
    const slice = slices.next();
    if (slice.done) return slice.value;
  }
}
