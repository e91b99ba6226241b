import {
  CancellationScope,
  executeChild,
  ParentClosePolicy,
  sleep,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CHILD_BUSY_MS, CHILD_BUSY_MS_MAX } from '../../limits.ts';
import type { RunOutcome, RunRef } from '../names.ts';
import type { runAttempt } from './run-attempt.ts';

/**
 * `runAttempt` as a child of the root's workflow. Its id keeps a second one from running beside it; it goes on when the
 * root's continues as new, which then waits here for its id to be free, and finds what it has done.
 */
export async function startAttempt(ref: RunRef): Promise<RunOutcome> {
  const { workflowId } = workflowInfo();
  for (let pauseMs = CHILD_BUSY_MS; ; pauseMs = Math.min(pauseMs * 2, CHILD_BUSY_MS_MAX)) {
    try {
      return await executeChild<typeof runAttempt>('runAttempt', {
        args: [ref, workflowId],
        workflowId: `${workflowId}-${ref.derivedId}`,
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        parentClosePolicy: ParentClosePolicy.ABANDON,
      });
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) throw error;
      // Each look is in this workflow's history, and there may be as many attempts as a plan starts.
      await sleep(pauseMs);
      // Somebody ended it by hand: the next plan says whether there is to be another.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) {
        return { derivedId: ref.derivedId, state: 'waiting', retryAtMs: Date.now() };
      }
    }
  }
}
