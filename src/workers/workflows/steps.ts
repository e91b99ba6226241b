import { proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { BUILTIN_STEP_MS_MAX, LOCAL_STEP_MS_MAX, STEP_RETRY_MS_MAX } from '../../limits.ts';

/**
 * Short steps, run inside the worker without a round trip. They fail only for the studio's own reasons (a part that does
 * not answer), so they are tried until they succeed; what a provider did wrong comes back as a value.
 */
const retry = { initialInterval: 200, backoffCoefficient: 2, maximumInterval: STEP_RETRY_MS_MAX };

export const { planPropagation, beginChild, completeRun, failRun, signalRoot } = proxyLocalActivities<Activities>({
  startToCloseTimeout: LOCAL_STEP_MS_MAX,
  retry,
});

export const { runBuiltins } = proxyLocalActivities<Activities>({ startToCloseTimeout: BUILTIN_STEP_MS_MAX, retry });
