import {
  executeChild,
  isCancellation,
  ParentClosePolicy,
  sleep,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import { CHILD_BUSY_MS } from '../../limits.ts';
import type { RunOutcome, RunRef } from '../names.ts';
import type { runAttempt } from './run-attempt.ts';

/** `runAttempt` as a child of the root's workflow. Its id keeps a second one from running beside it. */
export async function startAttempt(ref: RunRef): Promise<RunOutcome> {
  const { workflowId } = workflowInfo();
  try {
    return await executeChild<typeof runAttempt>('runAttempt', {
      args: [ref, workflowId],
      workflowId: `${workflowId}-${ref.derivedId}`,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      parentClosePolicy: ParentClosePolicy.TERMINATE,
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    // One of an earlier run of this workflow is still being ended, or somebody ended this one by hand.
    await sleep(CHILD_BUSY_MS);
    return { derivedId: ref.derivedId, state: 'waiting', retryAtMs: Date.now() };
  }
}
