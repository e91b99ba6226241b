/** What the worker's workflow bundle exports. Workflows are deterministic and import nothing that is not. */
export { propagate } from './propagate.ts';
export { runAttempt } from './run-attempt.ts';
export { runExecution } from './run-execution.ts';
