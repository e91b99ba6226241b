/** The log as far as it is told of: commits without their bytes, which a page of it would hold gigabytes of. */
import type { Filter, FindOptions } from 'mongodb';
import type { Receipt } from '../../domain/blob.ts';
import type { CommitOutline } from '../../domain/commit-outline.ts';
import { LOG_BATCH_COMMITS, LOG_PAGE_COMMITS } from '../../limits.ts';
import { commitId, naming, outlineFrom, OUTLINE_FIELDS, type CommitDocument } from './commit-document.ts';
import { commitPages, type FindCommits } from './commit-pages.ts';
import type { CommitOutbox } from '../contract.ts';
import type { Database } from '../database.ts';

const COMMITTER_SEQ_MAX = 9_999_999_999;

export class CommitOutlines implements CommitOutbox {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Commits with a delta in fromSeq..toSeq (inclusive), ascending; a page of them in memory at a time. */
  async *read(blobId: string, fromSeq: number, toSeq: number): AsyncGenerator<CommitOutline> {
    const find: FindCommits<CommitOutline> = (filter, options) => atOnce(this.#find(filter, options));
    const pages = commitPages({ find, bytesOf: () => 0 }, { blobId, fromSeq, toSeq, startsCommit: fromSeq <= 1 });
    for await (const page of pages) yield* page;
  }

  async readByCommitter(committer: string, afterSeq: number, limit: number): Promise<readonly CommitOutline[]> {
    return this.#find(
      { _id: { $gt: commitId(committer, afterSeq), $lte: commitId(committer, COMMITTER_SEQ_MAX) } },
      { sort: { _id: 1 }, limit },
    );
  }

  /** Backwards, by windows of the numbering, to the first with nothing so young. */
  async receiptsByCommitter(committer: string, upToSeq: number, since: Date): Promise<Receipt[]> {
    const receipts: Receipt[] = [];
    for (let last = upToSeq; last > 0; last -= LOG_PAGE_COMMITS) {
      const after = Math.max(0, last - LOG_PAGE_COMMITS);
      const page = await this.#database.commits
        .find(
          { _id: { $gt: commitId(committer, after), $lte: commitId(committer, last) } },
          { projection: { blob_id: 1, last_seq: 1, applied_at: 1 } },
        )
        .toArray();
      const young = page.filter(({ applied_at: at }) => at >= since);
      if (young.length === 0) break;
      receipts.push(...young.map(({ blob_id: blobId, last_seq: version }) => ({ blobId, version })));
    }
    return receipts;
  }

  #find(filter: Filter<CommitDocument>, options: FindOptions): Promise<CommitOutline[]> {
    const read = { batchSize: LOG_BATCH_COMMITS, projection: OUTLINE_FIELDS, ...options };
    return this.#database.commits.find(filter, read).map(naming(outlineFrom)).toArray();
  }
}

async function* atOnce(commits: Promise<readonly CommitOutline[]>): AsyncGenerator<readonly CommitOutline[]> {
  yield await commits;
}
