import { condition, defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import { AGAIN_SIGNAL, type RunOutcome, type RunRef } from '../names.ts';
import { runAttempt } from './run-attempt.ts';
import { runBuiltins, signalRoot } from './steps.ts';

const again = defineSignal(AGAIN_SIGNAL);

/**
 * One execution that ProcessBlob asked for, until it is settled; then its root is told of what it made. A replay may ask
 * for it while this ends: a signal that reaches the server then makes it refuse the completion, and it is run again.
 */
export async function runExecution(ref: RunRef): Promise<void> {
  let asked = 0;
  setHandler(again, () => {
    asked += 1;
  });
  for (;;) {
    const heard = asked;
    const outcome = await runOnce(ref);
    if (outcome.state === 'waiting') {
      await condition(() => asked > heard, Math.max(1, (outcome.retryAtMs ?? 0) - Date.now()));
      continue;
    }
    if (outcome.made) await signalRoot(ref.rootId, ref.owner, { [outcome.derivedId]: outcome.made });
    if (asked === heard) return;
  }
}

async function runOnce(ref: RunRef): Promise<RunOutcome> {
  if (ref.type !== 'builtin') return runAttempt(ref, workflowInfo().workflowId);
  const [outcome] = await runBuiltins([ref]);
  return outcome ?? { derivedId: ref.derivedId, state: 'settled' };
}
