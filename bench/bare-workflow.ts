/** The least that Temporal can do: one workflow, one local activity. */
import { proxyLocalActivities } from '@temporalio/workflow';

interface BareActivities {
  transform(text: string): Promise<string>;
}

const { transform } = proxyLocalActivities<BareActivities>({ startToCloseTimeout: '10 seconds' });

export async function bare(text: string): Promise<string> {
  return transform(text);
}
