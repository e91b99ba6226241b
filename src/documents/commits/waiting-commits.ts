import type { Commit } from '../../domain/delta.ts';
import { COMMIT_BYTES_MAX, COMMIT_DOCUMENTS_MAX } from '../../limits.ts';

/** The commit as it is in the log, or `lost`: another writer holds the slot; nothing of it is or ever will be in the log. */
export type CommitOutcome = Commit | 'lost';

export interface WaitingCommit {
  readonly commit: Commit;
  /** By the clock, when the log was last known to end right before the commit's slot. */
  headSeenAtMs: number;
  readonly bytes: number;
  readonly resolve: (outcome: CommitOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** As many of the first as one insert may carry. */
export function takeBatch(queue: WaitingCommit[]): WaitingCommit[] {
  let bytes = 0;
  let count = 0;
  for (const waiting of queue) {
    bytes += waiting.bytes;
    if (count > 0 && (count >= COMMIT_DOCUMENTS_MAX || bytes > COMMIT_BYTES_MAX)) break;
    count += 1;
  }
  return queue.splice(0, count);
}
