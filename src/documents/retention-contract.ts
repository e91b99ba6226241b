import type { Caller } from '../domain/access/caller.ts';
import type { DroppedRange, RetentionPolicy, RetentionRule } from '../domain/retention.ts';

/** What retention does to one blob. Sizes are estimates; ranges are exact. */
export interface RetentionReport {
  readonly blobId: string;
  readonly ranges: readonly DroppedRange[];
}

/** How much of old history is kept. Without a policy: everything. */
export interface Retention {
  /** `blobId` absent: the caller's own policy. `effective`: what holds for the blob, its own or its owner's. */
  getPolicy(caller: Caller, blobId?: string): Promise<{ policy?: RetentionPolicy; effective?: RetentionPolicy }>;
  /** `rule` absent: removes the policy. */
  setPolicy(
    caller: Caller,
    blobId: string | undefined,
    rule: RetentionRule | undefined,
  ): Promise<RetentionPolicy | undefined>;
  /** What applying the rule (absent: the one that holds) would drop now, and what was dropped before. */
  preview(
    caller: Caller,
    blobId: string,
    rule?: RetentionRule,
  ): Promise<RetentionReport & { alreadyDropped: readonly (DroppedRange & { droppedAt: Date })[] }>;
  /** Applies the policy that holds; what it dropped. */
  apply(caller: Caller, blobId: string): Promise<RetentionReport>;
}
