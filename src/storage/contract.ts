/** What the sweep in `events/` reads of the log. Implemented by `commit-log.ts`. */
import type { Commit } from '../domain/delta.ts';

export interface CommitOutbox {
  /** Commits of one process beyond `afterSeq` of its own numbering, ascending, at most `limit`. */
  readByCommitter(committer: string, afterSeq: number, limit: number): Promise<readonly Commit[]>;
}
