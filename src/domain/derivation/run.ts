import type { Receipt } from '../blob.ts';
import type { Execution } from './provider.ts';

/** An execution and what a worker needs to know to run it; callers see the execution alone. */
export interface Run extends Execution {
  readonly derivedId: string;
  readonly rootId: string;
  /** The owner of the source, in whose name it is read. */
  readonly owner: string;
  /** The workflow that may run it now. */
  readonly holder: string;
  /** Until then nobody but the holder may run it. */
  readonly leaseUntil: Date;
  /** After a failed attempt: not before this. */
  readonly retryAt?: Date;
  /** Of the ProcessBlob that asked for it. */
  readonly requestId?: string;
}

/** What a claim needs to be written. */
export interface RunClaim {
  readonly key: string;
  readonly userId: string;
  readonly providerId: string;
  readonly providerVersion: number;
  readonly inputs: readonly Receipt[];
  readonly derivedId: string;
  readonly rootId: string;
  readonly owner: string;
  readonly holder: string;
  readonly leaseMs: number;
  readonly workflowId: string;
  readonly causedBy?: string;
  readonly requestId?: string;
}

/** What the first ProcessBlob of a request id asked for. */
export interface RunRequest {
  /** Of the execution. */
  readonly key: string;
  /** Of the blob. */
  readonly version: number;
}

export type ClaimOutcome =
  /** The caller runs it; `attempts` have failed so far. */
  | { readonly state: 'claimed'; readonly attempts: number }
  /** Somebody else runs it, or its next attempt is not due. */
  | { readonly state: 'waiting'; readonly until: Date }
  /** It ran, or will not run again for these inputs: see isFinal. */
  | { readonly state: 'settled'; readonly run: Run };

/** What stood in the way of a run whatever its inputs were: it may be over, and the same inputs can be run on. */
const PASSING_REASONS: ReadonlySet<string> = new Set([
  'SUPERSEDED',
  'BLOB_DELETED',
  // In whose name it was made was shut out of the source, or let only read it, and may be let in again.
  'BLOB_NOT_FOUND',
  'ACCESS_DENIED',
  'PROVIDER_INPUT_UNSUPPORTED',
]);

/**
 * Whether a run will not be made again by itself for these very inputs (G9): it succeeded, or what it ended with would
 * be the same the next time. A cancelled one never began.
 */
export function isFinal(run: Pick<Run, 'status' | 'error'>): boolean {
  if (run.status === 'running' || run.status === 'cancelled') return false;
  return run.status === 'succeeded' || !PASSING_REASONS.has(run.error?.reason ?? '');
}

/** Why a run went wrong: a reason of `errors.ts` or one the provider gave, and a sentence. */
export interface RunError {
  readonly reason: string;
  readonly message: string;
}
