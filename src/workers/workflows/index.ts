/** What the worker's workflow bundle exports. Workflows are deterministic and import nothing that is not. */
export { propagate } from './propagate.ts';
export { runExecution } from './run-execution.ts';
