import type { RunOutcome, RunRef } from '../names.ts';
import { runChild } from './run-child.ts';

/**
 * One attempt of a `workflow` provider, in a workflow of its own: its input and output are in this one's history. In
 * that of the root, a few dozen of them would be more than Temporal takes (G7, G9).
 */
export async function runAttempt(ref: RunRef, holder: string): Promise<RunOutcome> {
  return runChild(ref, holder);
}
