/** What the registry and the workers need of storage. Implemented by `storage/providers.ts` and `storage/executions.ts`. */
import type { Receipt } from '../domain/blob.ts';
import type { ExecutionStatus, Provider, ProviderType } from '../domain/derivation/provider.ts';
import type { ClaimOutcome, Run, RunClaim, RunError, RunRequest } from '../domain/derivation/run.ts';

export interface Registrations {
  insert(provider: Provider): Promise<void>;
  get(id: string): Promise<Provider | undefined>;
  countOfUser(userId: string): Promise<number>;
  list(userId: string, after: string | undefined, limit: number): Promise<{ provider: Provider; orderKey: string }[]>;
  activeFor(userId: string): Promise<Provider[]>;
}

export interface Runs {
  get(key: string): Promise<Run | undefined>;
  getMany(keys: readonly string[]): Promise<Map<string, Run>>;
  abandoned(before: Date, limit: number): Promise<Run[]>;
  heldBy(holder: string, limit: number): Promise<Run[]>;
  claim(claim: RunClaim, now: Date): Promise<ClaimOutcome>;
  request(requestKey: string): Promise<RunRequest | undefined>;
  /** Answers with the first that was recorded under this key. */
  recordRequest(requestKey: string, request: RunRequest): Promise<RunRequest>;
  restart(claim: RunClaim, from: ExecutionStatus, now: Date): Promise<boolean>;
  recordFailure(key: string, attempt: number, error: RunError, now: Date, retryAt?: Date): Promise<void>;
  putOff(key: string, attempts: number, error: RunError, retryAt: Date): Promise<void>;
  finish(
    key: string,
    end: { readonly status: Exclude<ExecutionStatus, 'running'>; readonly output?: Receipt; readonly error?: RunError },
    now: Date,
  ): Promise<void>;
}

/** Starts the workflow of one execution, which then runs until it is settled. Implemented by `workers/client.ts`. */
export interface ExecutionStarter {
  /** A repeat finds the first. Throws WORKFLOWS_UNAVAILABLE. */
  start(run: StartedRun): Promise<void>;
  /** For a run just claimed: a workflow of an earlier claim that is about to end runs it too. Throws the same. */
  startOver(run: StartedRun): Promise<void>;
}

export interface StartedRun {
  readonly key: string;
  readonly workflowId: string;
  readonly rootId: string;
  readonly owner: string;
  readonly sourceId: string;
  readonly sourceVersion: number;
  readonly providerId: string;
  readonly providerVersion: number;
  readonly derivedId: string;
  readonly type: ProviderType;
}
