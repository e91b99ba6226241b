/** The steps of the workflows. Each may run again after a crash; what it did before stands (G9). */
import { activityInfo } from '@temporalio/activity';
import { BUILTINS } from '../builtins/index.ts';
import type { Leftovers } from '../leftovers.ts';
import type { ClaimedRun, PropagationPlan, RunOutcome, RunRef, SeenVersions } from '../names.ts';
import type { Planner, PlanRequest } from '../planner.ts';
import { encodeInput, type ProviderInput } from '../provider-io.ts';
import type { RunLedger } from '../run-ledger.ts';
import type { Runner } from '../runner.ts';
import type { RootSignals } from '../signals.ts';

export interface ActivityParts {
  readonly planner: Planner;
  readonly runner: Runner;
  readonly ledger: RunLedger;
  readonly leftovers: Leftovers;
  readonly signals: RootSignals;
  /** Workflows of providers, as Temporal knows them. */
  readonly children: { wasBegun(workflowId: string): Promise<boolean> };
}

/** What a `workflow` provider's child workflow is started with. */
export interface BegunChild {
  readonly claimed: ClaimedRun;
  readonly workflowType: string;
  readonly taskQueue: string;
  readonly timeoutMs: number;
  readonly input: ProviderInput;
}

export interface Activities {
  planPropagation(request: PlanRequest): Promise<PropagationPlan>;
  runBuiltins(refs: readonly RunRef[]): Promise<RunOutcome[]>;
  beginChild(ref: RunRef, holder: string): Promise<{ begun: BegunChild } | { outcome: RunOutcome }>;
  completeRun(claimed: ClaimedRun, output: unknown): Promise<RunOutcome>;
  failRun(claimed: ClaimedRun, error: { reason: string; message: string }): Promise<RunOutcome>;
  signalRoot(rootId: string, owner: string, seen: SeenVersions): Promise<void>;
}

export function createActivities(parts: ActivityParts): Activities {
  const { planner, runner, ledger, leftovers, signals, children } = parts;
  const workflowId = (): string => activityInfo().workflowExecution?.workflowId ?? '';
  return {
    async planPropagation(request) {
      const plan = await planner.plan(request);
      const isIdle = request.running.length === 0 && plan.ready.length === 0 && plan.wakeAtMs === undefined;
      if (isIdle) await leftovers.close(workflowId());
      return plan;
    },

    async runBuiltins(refs) {
      const outcomes: RunOutcome[] = [];
      let failure: { readonly error: unknown } | undefined;
      for (const ref of refs) {
        try {
          outcomes.push(await runBuiltin(parts, ref, workflowId()));
        } catch (error) {
          failure ??= { error };
        }
      }
      // All are tried again, but only after each had its turn; those that are done say so.
      if (failure) throw failure.error;
      return outcomes;
    },

    async beginChild(ref, holder) {
      const answer = await runner.begin(ref, holder);
      if ('outcome' in answer) return answer;
      const { claimed, provider, source } = answer.begun;
      return {
        begun: {
          claimed,
          workflowType: provider.workflowId,
          taskQueue: provider.taskQueue,
          timeoutMs: provider.timeoutMs,
          input: encodeInput(source, source.content, provider.config, claimed),
        },
      };
    },

    completeRun: (claimed, output) => runner.complete(claimed, output, activityInfo().attempt),
    async failRun(claimed, error) {
      // A provider whose worker is away has returned no error.
      const wasAway = error.reason === 'PROVIDER_TIMEOUT' && !(await children.wasBegun(claimed.key));
      return wasAway ? ledger.await(claimed) : ledger.fail(claimed, error);
    },
    signalRoot: (rootId, owner, seen) => signals.signal(rootId, owner, seen),
  };
}

async function runBuiltin({ runner, ledger }: ActivityParts, ref: RunRef, workflowId: string): Promise<RunOutcome> {
  const answer = await runner.begin(ref, workflowId);
  if ('outcome' in answer) return answer.outcome;
  const { claimed, provider, source } = answer.begun;
  const builtin = BUILTINS.get(provider.workflowId);
  if (!builtin) {
    const message = `This worker has no built-in "${provider.workflowId}".`;
    return ledger.fail(claimed, { reason: 'PROVIDER_INVALID', message });
  }
  let content: string;
  try {
    content = await builtin.run(Buffer.from(source.content).toString('utf8'));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return ledger.fail(claimed, { reason: 'PROVIDER_FAILED', message });
  }
  return runner.complete(claimed, { content_type: builtin.outputType, content }, activityInfo().attempt);
}
