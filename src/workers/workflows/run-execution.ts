import { sleep, workflowInfo } from '@temporalio/workflow';
import type { RunOutcome, RunRef } from '../names.ts';
import { runChild } from './run-child.ts';
import { runBuiltins, signalRoot } from './steps.ts';

/** One execution that ProcessBlob asked for, until it is settled; then its root is told of what it made. */
export async function runExecution(ref: RunRef): Promise<void> {
  let outcome = await runOnce(ref);
  while (outcome.state === 'waiting') {
    await sleep(Math.max(1, (outcome.retryAtMs ?? 0) - Date.now()));
    outcome = await runOnce(ref);
  }
  if (outcome.made) await signalRoot(ref.rootId, ref.owner, { [outcome.derivedId]: outcome.made });
}

async function runOnce(ref: RunRef): Promise<RunOutcome> {
  if (ref.type !== 'builtin') return runChild(ref, workflowInfo().workflowId);
  const [outcome] = await runBuiltins([ref]);
  return outcome ?? { derivedId: ref.derivedId, state: 'settled' };
}
