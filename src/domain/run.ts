import type { Receipt } from './blob.ts';
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

export type ClaimOutcome =
  /** The caller runs it; `attempts` have failed so far. */
  | { readonly state: 'claimed'; readonly attempts: number }
  /** Somebody else runs it, or its next attempt is not due. */
  | { readonly state: 'waiting'; readonly until: Date }
  /** It ran, or will not run again for these inputs. */
  | { readonly state: 'settled'; readonly run: Run };

/** Why a run went wrong: a reason of `errors.ts` or one the provider gave, and a sentence. */
export interface RunError {
  readonly reason: string;
  readonly message: string;
}
