import { condition, continueAsNew, defineSignal, patched, setHandler, workflowInfo } from '@temporalio/workflow';
import { BUILTIN_BATCH_RUNS_MAX, PLAN_RUNS_MAX, PROPAGATION_HISTORY_EVENTS_MAX } from '../../limits.ts';
import {
  CHANGED_SIGNAL,
  type Changed,
  type PropagateInput,
  type RunOutcome,
  type RunRef,
  type SeenVersion,
} from '../names.ts';
import { runAttempt } from './run-attempt.ts';
import { startAttempt } from './start-attempt.ts';
import { planPropagation, runBuiltins } from './steps.ts';

const changed = defineSignal<[Changed]>(CHANGED_SIGNAL);

/**
 * Brings the DAG of one root up to date. It plans, starts what is ready, and plans again whenever something finished,
 * changed or came due; so it works level by level without waiting for the slowest of a level, and any number of changes
 * while it runs cost one more plan.
 *
 * G9: it completes only when nothing was seen to change after the last plan was asked for. A signal that reaches the
 * server while the completion is under way makes the server refuse the completion.
 */
export async function propagate(input: PropagateInput): Promise<void> {
  // Workflows that began before this was so go on as they began: their histories hold what they waited for.
  const attemptsGoOn = patched('attempts-go-on');
  const seen = new Map<string, SeenVersion>(Object.entries(input.seen));
  /** Derived blobs of the built-ins that run, and attempts of others by derived blob. */
  const builtins = new Set<string>();
  const attempts = new Map<string, RunRef>();
  // Changes noticed, and how many of them the last plan knew of.
  let noticed = input.resumed ? 1 : 0;
  let planned = 0;
  let failure: { readonly error: unknown } | undefined;

  const notice = (blobId: string, version: SeenVersion): void => {
    if ((seen.get(blobId)?.version ?? 0) < version.version) seen.set(blobId, version);
  };
  setHandler(changed, (change) => {
    for (const [blobId, version] of Object.entries(change.seen)) notice(blobId, version);
    noticed += 1;
  });
  const afterwards = (run: Promise<readonly RunOutcome[]>): void => {
    const ended = (outcomes: readonly RunOutcome[]): void => {
      for (const outcome of outcomes) {
        if (outcome.made) notice(outcome.derivedId, outcome.made);
        // Else the next plan, made on the older head, would ask for the same run again at once.
        if (outcome.found) notice(outcome.found.sourceId, { version: outcome.found.version });
        builtins.delete(outcome.derivedId);
        attempts.delete(outcome.derivedId);
      }
      noticed += 1;
    };
    // Steps are tried until they succeed, so an error here is this workflow being cancelled.
    void run.then(ended, (error: unknown) => {
      failure = { error };
      noticed += 1;
    });
  };
  const start = (ready: readonly RunRef[]): void => {
    const steps = ready.filter((ref) => ref.type === 'builtin');
    for (let at = 0; at < steps.length; at += BUILTIN_BATCH_RUNS_MAX) {
      const batch = steps.slice(at, at + BUILTIN_BATCH_RUNS_MAX);
      for (const ref of batch) builtins.add(ref.derivedId);
      afterwards(runBuiltins(batch));
    }
    for (const ref of ready) {
      if (ref.type === 'builtin') continue;
      attempts.set(ref.derivedId, ref);
      const attempt = attemptsGoOn ? startAttempt(ref) : runAttempt(ref, workflowInfo().workflowId);
      afterwards(attempt.then((outcome) => [outcome]));
    }
  };

  // Each joins the one that goes on, or finds that it has ended.
  start(input.attempts ?? []);
  await condition(() => noticed > planned);
  for (;;) {
    if (failure) throw failure.error;
    planned = noticed;
    const known = new Map(seen);
    const plan = await planPropagation({
      rootId: input.rootId,
      owner: input.owner,
      seen: Object.fromEntries(known),
      running: [...builtins, ...attempts.keys()],
    });
    // What the stored heads show by now need not be carried on.
    for (const [blobId, version] of known) {
      if (seen.get(blobId) === version && !(blobId in plan.unconfirmed)) seen.delete(blobId);
    }

    const rotating = historyIsLong();
    if (!rotating) start(plan.ready.slice(0, Math.max(0, PLAN_RUNS_MAX - builtins.size - attempts.size)));
    // Attempts are not waited for: one may take minutes, in which nothing else would be started.
    if (rotating && builtins.size === 0 && (attemptsGoOn || attempts.size === 0)) {
      const carried = { seen: Object.fromEntries(seen), attempts: [...attempts.values()] };
      await continueAsNew<typeof propagate>({ ...input, ...carried, resumed: true });
    }
    if (builtins.size + attempts.size === 0 && noticed === planned && plan.wakeAtMs === undefined) return;
    await waitUntil(() => noticed > planned, plan.wakeAtMs);
    if (noticed === planned) noticed += 1;
  }
}

function historyIsLong(): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return continueAsNewSuggested || historyLength > PROPAGATION_HISTORY_EVENTS_MAX;
}

async function waitUntil(ready: () => boolean, atMs: number | undefined): Promise<void> {
  if (atMs === undefined) await condition(ready);
  else await condition(ready, Math.max(1, atMs - Date.now()));
}
