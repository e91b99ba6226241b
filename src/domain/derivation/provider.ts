import type { Receipt } from '../blob.ts';

export type ProviderType = 'builtin' | 'workflow' | 'connect';
export type ProviderScope = 'own' | 'all';
export type ProviderStatus = 'active' | 'disabled';
export type TriggerEvent = 'blob.created' | 'blob.updated';

/** A content transformer: blob in, derived blob out. */
export interface Provider {
  readonly id: string;
  /** The owner: it runs on this user's blobs only, unless scope is `all`. */
  readonly userId: string;
  readonly scope: ProviderScope;
  readonly name: string;
  readonly description: string;
  readonly type: ProviderType;
  /** type builtin: the built-in's name (`expander`, `text-statistics`, `markdown-html`); type workflow: the workflow's type name. */
  readonly workflowId: string;
  /** type workflow: the Temporal task queue its worker polls; must carry an allowed prefix. */
  readonly taskQueue: string;
  /** type connect: the URL that implements ProviderEndpoint. */
  readonly endpoint: string;
  /** JSON Schemas (draft 2020-12) as JSON text; empty accepts everything. Text content is checked as a JSON string. */
  readonly inputSchema: string;
  readonly outputSchema: string;
  /** JSON object handed to the provider with each input. */
  readonly config: string;
  /** Content types it takes, exact or `text/*`; empty takes all. */
  readonly supportedTypes: readonly string[];
  /** Bytes; at least 1. */
  readonly maxInputSize: number;
  readonly timeoutMs: number;
  readonly triggerEvents: readonly TriggerEvent[];
  /** RE2 patterns on content: one must match; empty matches all. */
  readonly triggerPatterns: readonly string[];
  /** Also runs on blobs that providers made. */
  readonly onDerived: boolean;
  readonly debounce?: { readonly quietMs: number; readonly maxWaitMs: number };
  readonly status: ProviderStatus;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type ExecutionStatus = 'running' | 'succeeded' | 'failed' | 'cancelled' | 'skipped';

/** One run of a provider at one version over inputs at fixed versions. At most one per key. */
export interface Execution {
  readonly id: string;
  /** SHA-256 over (derived blob, provider version, input versions). Unique. */
  readonly key: string;
  readonly userId: string;
  readonly providerId: string;
  readonly providerVersion: number;
  readonly inputs: readonly Receipt[];
  readonly output?: Receipt;
  readonly status: ExecutionStatus;
  readonly attempts: number;
  readonly error?: { readonly reason: string; readonly message: string };
  readonly workflowId: string;
  readonly causedBy?: string;
  readonly startedAt: Date;
  readonly finishedAt?: Date;
}
