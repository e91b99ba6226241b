/** What the sweep in `events/` reads of the log. Implemented by `commit-log.ts`. */
import type { Commit } from '../domain/delta.ts';

export interface CommitOutbox {
  /** Commits of one process beyond `afterSeq` of its own numbering, ascending, at most `limit`. */
  readByCommitter(committer: string, afterSeq: number, limit: number): Promise<readonly Commit[]>;
  /** By blob, the newest version in that process's commits up to `upToSeq` of its numbering that were made at `since` or later. */
  newestByCommitter(committer: string, upToSeq: number, since: Date): Promise<ReadonlyMap<string, number>>;
}
