/** A blob's commits in order, a page at a time, whatever of each is read. */
import type { Filter, FindOptions } from 'mongodb';
import { FLUSH_DELTAS_MAX, LOG_PAGE_COMMITS } from '../limits.ts';
import type { CommitDocument } from './commit-document.ts';

interface Placed {
  readonly firstSeq: number;
  readonly lastSeq: number;
}

export type FindCommits<C> = (filter: Filter<CommitDocument>, options: FindOptions) => Promise<C[]>;

/** Both inclusive. `startsCommit`: `fromSeq` is known to be no commit's second delta or later. */
export interface CommitRange {
  readonly blobId: string;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly startsCommit: boolean;
}

/**
 * By windows of seqs rather than by a limit: a server may look through all that a filter leaves before it cuts, and a
 * log read by pages would then cost its length squared.
 */
export async function* commitPages<C extends Placed>(
  find: FindCommits<C>,
  { blobId, fromSeq, toSeq, startsCommit }: CommitRange,
): AsyncGenerator<readonly C[]> {
  const inOrder = (filter: Filter<CommitDocument>): Promise<C[]> =>
    find(filter, { sort: { blob_id: 1, first_seq: 1 } });
  let after = fromSeq - 1;
  let seqs = LOG_PAGE_COMMITS;
  let isFirst = !startsCommit;
  while (after < toSeq) {
    const upTo = Math.min(toSeq, after + seqs);
    const page = await inOrder({ blob_id: blobId, first_seq: { $gt: after, $lte: upTo } });
    // A commit that starts below may reach into the range, by less than a flush.
    const below = { blob_id: blobId, first_seq: { $gt: fromSeq - FLUSH_DELTAS_MAX, $lt: fromSeq } };
    const reaching =
      isFirst && page[0]?.firstSeq !== fromSeq
        ? (await inOrder(below)).filter(({ lastSeq }) => lastSeq >= fromSeq)
        : [];
    isFirst = false;
    if (reaching.length + page.length > 0) yield [...reaching, ...page];
    // Commits of many deltas each leave windows nearly empty.
    if (page.length < LOG_PAGE_COMMITS / 4) seqs = Math.min(seqs * 2, LOG_PAGE_COMMITS * FLUSH_DELTAS_MAX);
    else if (page.length > LOG_PAGE_COMMITS) seqs = Math.max(LOG_PAGE_COMMITS, Math.floor(seqs / 2));
    // Not where the last one ends: one that starts within it must be seen (G2).
    after = upTo;
    if (page.length > 0) continue;
    // The end, or a range that retention dropped.
    const [next] = await find(
      { blob_id: blobId, first_seq: { $gt: upTo, $lte: toSeq } },
      { sort: { blob_id: 1, first_seq: 1 }, limit: 1 },
    );
    if (!next) return;
    after = next.firstSeq - 1;
  }
}
