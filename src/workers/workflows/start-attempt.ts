import {
  executeChild,
  isCancellation,
  ParentClosePolicy,
  sleep,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CHILD_BUSY_MS } from '../../limits.ts';
import type { RunOutcome, RunRef } from '../names.ts';
import type { runAttempt } from './run-attempt.ts';

/**
 * `runAttempt` as a child of the root's workflow. Its id keeps a second one from running beside it; it goes on when the
 * root's continues as new, which then waits here for its id to be free, and finds what it has done.
 */
export async function startAttempt(ref: RunRef): Promise<RunOutcome> {
  const { workflowId } = workflowInfo();
  for (;;) {
    try {
      return await executeChild<typeof runAttempt>('runAttempt', {
        args: [ref, workflowId],
        workflowId: `${workflowId}-${ref.derivedId}`,
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        parentClosePolicy: ParentClosePolicy.ABANDON,
      });
    } catch (error) {
      if (isCancellation(error)) throw error;
      await sleep(CHILD_BUSY_MS);
      // Somebody ended it by hand: the next plan says whether there is to be another.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) {
        return { derivedId: ref.derivedId, state: 'waiting', retryAtMs: Date.now() };
      }
    }
  }
}
