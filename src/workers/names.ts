/** Names in Temporal, and what its payloads hold. Imported by workflows too, so nothing here may import more than types. */
import type { ProviderType } from '../domain/derivation/provider.ts';

export const PROPAGATION_QUEUE = 'studio-propagation';
export const CHANGED_SIGNAL = 'changed';
/** To the workflow of one execution: it was asked for again. */
export const AGAIN_SIGNAL = 'again';

/** A version of a blob that somebody saw; what is planned after it must not be older. */
export interface SeenVersion {
  readonly version: number;
  /** The delta that made it. */
  readonly causedBy?: string;
}

/** Blob id → the newest version seen. */
export type SeenVersions = Readonly<Record<string, SeenVersion>>;

/** The argument of the `propagate` workflow. */
export interface PropagateInput {
  readonly rootId: string;
  /** Whose blobs of the DAG it keeps up to date: see root-workflow.ts. */
  readonly owner: string;
  readonly seen: SeenVersions;
  /** Set when continued as new: there is no signal to wait for. */
  readonly resumed: boolean;
  /** Attempts that went on when it continued as new. */
  readonly attempts?: readonly RunRef[];
}

/** The payload of the signal. */
export interface Changed {
  readonly seen: SeenVersions;
}

/** One run, by reference. */
export interface RunRef {
  readonly rootId: string;
  /** Of the source, and so of what is made of it. */
  readonly owner: string;
  readonly sourceId: string;
  readonly providerId: string;
  readonly derivedId: string;
  readonly type: ProviderType;
  readonly causedBy?: string;
  /** Asked for by ProcessBlob: exactly these input versions, whatever the triggers say. */
  readonly asked?: { readonly key: string; readonly sourceVersion: number; readonly providerVersion: number };
}

/** A run that was claimed, by reference: what is needed to end it. */
export interface ClaimedRun {
  readonly ref: RunRef;
  readonly key: string;
  /** How many attempts failed before. */
  readonly attempt: number;
  readonly sourceVersion: number;
  readonly providerVersion: number;
}

/** What became of a run. */
export interface RunOutcome {
  readonly derivedId: string;
  /** `waiting`: not settled; look again at `retryAtMs` (milliseconds since 1970). */
  readonly state: 'committed' | 'settled' | 'waiting';
  /** With `committed`: the version and the delta it made. */
  readonly made?: SeenVersion;
  /** With `settled`, where nothing was run: the source as it was found, which may be newer than its stored head shows. */
  readonly found?: { readonly sourceId: string; readonly version: number };
  readonly retryAtMs?: number;
}

/** What is to be done for one owner in one DAG. */
export interface PropagationPlan {
  readonly ready: readonly RunRef[];
  /** Milliseconds since 1970 at which something becomes ready by itself. */
  readonly wakeAtMs?: number;
  /** Of the versions seen, those to name again: stored heads don't show them yet, or the DAG is too large to find them. */
  readonly unconfirmed: SeenVersions;
}
