/** What the sweep in `events/` reads of the log. Implemented by `commit-outlines.ts`. */
import type { Receipt } from '../domain/blob.ts';
import type { CommitOutline } from '../domain/commit-outline.ts';

export interface CommitOutbox {
  /** Commits of one process beyond `afterSeq` of its own numbering, ascending, at most `limit`. */
  readByCommitter(committer: string, afterSeq: number, limit: number): Promise<readonly CommitOutline[]>;
  /** What that process's commits up to `upToSeq` of its numbering made, of those made at `since` or later. */
  receiptsByCommitter(committer: string, upToSeq: number, since: Date): Promise<readonly Receipt[]>;
}
