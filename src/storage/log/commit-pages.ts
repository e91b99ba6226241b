/** A blob's commits in order, a page at a time, whatever of each is read. */
import type { Filter, FindOptions } from 'mongodb';
import { FLUSH_DELTAS_MAX, LOG_PAGE_BYTES_MAX, LOG_PAGE_COMMITS } from '../../limits.ts';
import type { CommitDocument } from './commit-document.ts';

interface Placed {
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** What a filter finds, as the database answers it: some at a time, each at most one message long. */
export type FindCommits<C> = (filter: Filter<CommitDocument>, options: FindOptions) => AsyncIterable<readonly C[]>;

/** What of each commit is read, and how much of it counts. */
export interface CommitReading<C> {
  readonly find: FindCommits<C>;
  readonly bytesOf: (commit: C) => number;
}

/** Both inclusive. `startsCommit`: `fromSeq` is known to be no commit's second delta or later. */
export interface CommitRange {
  readonly blobId: string;
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly startsCommit: boolean;
}

export const UPWARDS = { blob_id: 1, first_seq: 1 } as const;
export const DOWNWARDS = { blob_id: -1, first_seq: -1 } as const;

/** What a filter finds, up to the answer of the database that makes it more than LOG_PAGE_BYTES_MAX. */
export async function firstPage<C>(
  { find, bytesOf }: CommitReading<C>,
  filter: Filter<CommitDocument>,
  options: FindOptions,
): Promise<{ readonly commits: readonly C[]; readonly isCut: boolean }> {
  const commits: C[] = [];
  let bytes = 0;
  for await (const batch of find(filter, options)) {
    commits.push(...batch);
    for (const commit of batch) bytes += bytesOf(commit);
    if (bytes > LOG_PAGE_BYTES_MAX) return { commits, isCut: true };
  }
  return { commits, isCut: false };
}

/**
 * By windows of seqs rather than by a limit: a server may look through all that a filter leaves before it cuts, and a
 * log read by pages would then cost its length squared. G7: a page ends early where its commits are large.
 */
export async function* commitPages<C extends Placed>(
  reading: CommitReading<C>,
  { blobId, fromSeq, toSeq, startsCommit }: CommitRange,
): AsyncGenerator<readonly C[]> {
  const page = (after: number, upTo: number, limit?: number): ReturnType<typeof firstPage<C>> =>
    firstPage(reading, { blob_id: blobId, first_seq: { $gt: after, $lte: upTo } }, { sort: UPWARDS, limit });
  let after = fromSeq - 1;
  let seqs = LOG_PAGE_COMMITS;
  let isFirst = !startsCommit;
  while (after < toSeq) {
    const upTo = Math.min(toSeq, after + seqs);
    const { commits, isCut } = await page(after, upTo);
    const reaching = isFirst && commits[0]?.firstSeq !== fromSeq ? await reachingInto(reading, blobId, fromSeq) : [];
    isFirst = false;
    if (reaching.length + commits.length > 0) yield [...reaching, ...commits];
    const last = commits.at(-1);
    if (last && isCut) {
      seqs = Math.max(1, last.firstSeq - after);
      after = last.firstSeq;
      continue;
    }
    // Commits of many deltas each leave windows nearly empty.
    if (commits.length < LOG_PAGE_COMMITS / 4) seqs = Math.min(seqs * 2, LOG_PAGE_COMMITS * FLUSH_DELTAS_MAX);
    else if (commits.length > LOG_PAGE_COMMITS) seqs = Math.max(LOG_PAGE_COMMITS, Math.floor(seqs / 2));
    // Not where the last one ends: one that starts within it must be seen (G2).
    after = upTo;
    if (last) continue;
    if (upTo === toSeq) return;
    // The end, or a range that retention dropped.
    const [next] = (await page(upTo, toSeq, 1)).commits;
    if (!next) return;
    after = next.firstSeq - 1;
  }
}

/** A commit that starts below may reach into a range, by less than a flush. */
export async function reachingInto<C extends Placed>(
  reading: CommitReading<C>,
  blobId: string,
  fromSeq: number,
): Promise<readonly C[]> {
  const below = { blob_id: blobId, first_seq: { $gt: fromSeq - FLUSH_DELTAS_MAX, $lt: fromSeq } };
  const { commits } = await firstPage(reading, below, { sort: DOWNWARDS, limit: 1 });
  return commits.filter(({ lastSeq }) => lastSeq >= fromSeq);
}
