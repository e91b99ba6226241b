import {
  ApplicationFailure,
  executeChild,
  ParentClosePolicy,
  sleep,
  TimeoutFailure,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CHILD_BUSY_MS } from '../../limits.ts';
import type { RunOutcome, RunRef } from '../names.ts';
import { returnedBy } from '../returned.ts';
import { beginChild, completeRun, failRun } from './steps.ts';

/**
 * One attempt of a `workflow` provider: its workflow as our child, named by the execution key (G9). `holder` is the
 * workflow that claims the run, and comes back to it. A root has each in a workflow of its own, with its input and output
 * in that one's history: a few dozen of them would be more than Temporal takes in one (G7).
 */
export async function runAttempt(ref: RunRef, holder: string): Promise<RunOutcome> {
  const answer = await beginChild(ref, holder);
  if ('outcome' in answer) return answer.outcome;
  const { claimed, workflowType, taskQueue, timeoutMs, input } = answer.begun;
  let output: unknown;
  try {
    output = await executeChild(workflowType, {
      args: [input],
      workflowId: claimed.key,
      taskQueue,
      // One attempt; it covers waiting for a worker too, so that a queue nobody polls becomes an error one can read. It is
      // then tried again until somebody does: see failRun.
      workflowExecutionTimeout: timeoutMs,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      parentClosePolicy: ParentClosePolicy.TERMINATE,
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      // A run whose lease lapsed is still going on. Its key is its id, so there is no second one beside it.
      await sleep(CHILD_BUSY_MS);
      return { derivedId: ref.derivedId, state: 'waiting', retryAtMs: Date.now() };
    }
    return failRun(claimed, describeFailure(error, timeoutMs));
  }
  return completeRun(claimed, returnedBy(output));
}

/** The innermost cause: what the provider itself said. */
function describeFailure(error: unknown, timeoutMs: number): { reason: string; message: string } {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  if (inner instanceof TimeoutFailure) {
    return { reason: 'PROVIDER_TIMEOUT', message: `The provider did not finish within ${timeoutMs} ms.` };
  }
  const type = inner instanceof ApplicationFailure ? inner.type : undefined;
  const message = inner instanceof Error ? inner.message : String(inner);
  return { reason: 'PROVIDER_FAILED', message: type && type !== 'Error' ? `${type}: ${message}` : message };
}
