/** The log of all commits. Insert-only: nothing here updates or deletes. */
import { BSON, MongoError, type Filter, type FindOptions } from 'mongodb';
import { bytesOfDelta, type Commit, type Delta } from '../../domain/delta.ts';
import { FLUSH_DELTAS_MAX, IN_LIST_IDS_MAX, LOG_BATCH_COMMITS, LOG_PAGE_COMMITS } from '../../limits.ts';
import { DUPLICATE_KEY } from '../database-error.ts';
import { commitIdOf, fromDocument, naming, toDocument, type CommitDocument } from './commit-document.ts';
import { commitPages, DOWNWARDS, firstPage, reachingInto, UPWARDS, type CommitReading } from './commit-pages.ts';
import type { Database, WriteReply } from '../database.ts';
import { idsByPages } from '../id-pages.ts';

/** MongoDB's own limit. */
const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024;

/**
 * What one try told about one commit of a batch. `duplicate`: its id or its slot is there already; which, a read tells.
 * `unsendable`: the driver can't encode it, so it never left and never will.
 */
export type InsertResult = 'inserted' | 'duplicate' | 'unknown' | 'unsendable';

const MOMENT_FIELDS = { first_seq: 1, last_seq: 1, applied_at: 1 } as const;
const MOMENT_WINDOWS = [1, 16, FLUSH_DELTAS_MAX] as const;

/** A commit without its deltas. */
export interface CommitMoment {
  readonly id: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly appliedAt: Date;
}

export class CommitLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * One unordered insert: each commit stands or falls alone. The plain command, since the driver's bulk writes take
   * twice its time and dress a cut connection as an answer. An error that is not a duplicate key says nothing about what
   * the server did, so those commits are `unknown`.
   */
  async insert(commits: readonly Commit[]): Promise<{ results: InsertResult[]; error?: unknown }> {
    let reply: WriteReply;
    try {
      reply = await this.#database.insert(this.#database.commits.collectionName, commits.map(toDocument));
    } catch (error) {
      // The driver's own errors are about the way there or back; any other keeps the whole command from leaving.
      if (error instanceof MongoError) return { results: commits.map(() => 'unknown'), error };
      if (commits.length > 1) return this.#insertHalves(commits);
      return { results: commits.map((commit) => (isSendable(commit) ? 'unknown' : 'unsendable')), error };
    }
    const { writeErrors = [], writeConcernError } = reply;
    if (writeConcernError || reply.n + writeErrors.length !== commits.length) {
      return {
        results: commits.map(() => 'unknown'),
        error: writeConcernError ?? new Error('An insert was cut short.'),
      };
    }
    const results = commits.map((): InsertResult => 'inserted');
    for (const { index, code } of writeErrors) results[index] = code === DUPLICATE_KEY ? 'duplicate' : 'unknown';
    return { results, error: writeErrors[0] };
  }

  /**
   * Of commits that did not leave together: too much for one command, or one of them can't be encoded. The same command
   * again would fail for ever, and keep all others waiting.
   */
  async #insertHalves(commits: readonly Commit[]): Promise<{ results: InsertResult[]; error?: unknown }> {
    const middle = Math.ceil(commits.length / 2);
    const first = await this.insert(commits.slice(0, middle));
    const second = await this.insert(commits.slice(middle));
    return { results: [...first.results, ...second.results], error: first.error ?? second.error };
  }

  /** The id of the commit that holds this slot. */
  async slotHolder(blobId: string, firstSeq: number): Promise<string | undefined> {
    const found = await this.#database.commits.findOne(
      { blob_id: blobId, first_seq: firstSeq },
      { projection: { _id: 1 } },
    );
    return found?._id;
  }

  /** Commits with a delta in fromSeq..toSeq (inclusive), ascending. */
  async *read(blobId: string, fromSeq: number, toSeq: number = Number.MAX_SAFE_INTEGER): AsyncGenerator<Commit> {
    for await (const page of this.readPages(blobId, fromSeq, toSeq)) yield* page;
  }

  /** As `read`, a page at a time. `startsCommit`: `fromSeq` is known to be no commit's second delta or later. */
  readPages(
    blobId: string,
    fromSeq: number,
    toSeq: number = Number.MAX_SAFE_INTEGER,
    startsCommit = fromSeq <= 1,
  ): AsyncGenerator<readonly Commit[]> {
    return commitPages(this.#reading, { blobId, fromSeq, toSeq, startsCommit });
  }

  /** As `read`, collected. For ranges whose size the caller bounds. */
  async readRange(blobId: string, fromSeq: number, toSeq?: number): Promise<Commit[]> {
    const commits: Commit[] = [];
    for await (const commit of this.read(blobId, fromSeq, toSeq)) commits.push(commit);
    return commits;
  }

  /** Commits right after a version at which a commit ended, or the first page of them: the common case, one exact range. */
  async readTail(blobId: string, version: number): Promise<{ commits: readonly Commit[]; isAll: boolean }> {
    const filter = { blob_id: blobId, first_seq: { $gt: version } };
    const { commits, isCut } = await firstPage(this.#reading, filter, { sort: UPWARDS, limit: LOG_PAGE_COMMITS });
    return { commits, isAll: !isCut && commits.length < LOG_PAGE_COMMITS };
  }

  /** The commit that holds version `seq`. */
  async commitAt(blobId: string, seq: number): Promise<Commit | undefined> {
    const near = { blob_id: blobId, first_seq: { $gt: seq - FLUSH_DELTAS_MAX, $lte: seq } };
    const found = (await firstPage(this.#reading, near, { sort: DOWNWARDS, limit: 1 })).commits[0];
    return found && found.lastSeq >= seq ? found : undefined;
  }

  /** When the commit that holds version `seq` was sent, and which versions it made. Reads nothing else of it. */
  async momentAt(blobId: string, seq: number): Promise<CommitMoment | undefined> {
    // In windows: a limit alone would make some servers look through all that lies below. Most commits are small.
    for (const window of MOMENT_WINDOWS) {
      const found = await this.#database.commits.findOne(
        { blob_id: blobId, first_seq: { $gt: seq - window, $lte: seq } },
        { sort: { blob_id: -1, first_seq: -1 }, projection: MOMENT_FIELDS },
      );
      if (found) return found.last_seq >= seq ? momentOf(found) : undefined;
    }
    return undefined;
  }

  /** The same of the next commit that begins above `seq`: for where some are missing. */
  async momentAfter(blobId: string, seq: number): Promise<CommitMoment | undefined> {
    const found = await this.#database.commits.findOne(
      { blob_id: blobId, first_seq: { $gt: seq } },
      { sort: { blob_id: 1, first_seq: 1 }, projection: MOMENT_FIELDS },
    );
    return found ? momentOf(found) : undefined;
  }

  /** The same of the commits that begin at these versions: as many as one page names. */
  async momentsFrom(blobId: string, firstSeqs: readonly number[]): Promise<CommitMoment[]> {
    const slices: (readonly number[])[] = [];
    for (let at = 0; at < firstSeqs.length; at += IN_LIST_IDS_MAX)
      slices.push(firstSeqs.slice(at, at + IN_LIST_IDS_MAX));
    const found = await Promise.all(
      slices.map((slice) =>
        this.#database.commits
          .find({ blob_id: blobId, first_seq: { $in: [...slice] } }, { projection: MOMENT_FIELDS })
          .toArray(),
      ),
    );
    return found.flat().map(momentOf);
  }

  /** By commit id, the request keys it is indexed by: of commits that start in firstSeq..lastSeq. */
  async requestKeys(blobId: string, firstSeq: number, lastSeq: number): Promise<Map<string, readonly string[]>> {
    const found = await this.#database.commits
      .find(
        { blob_id: blobId, first_seq: { $gte: firstSeq, $lte: lastSeq } },
        { projection: { _id: 1, request_keys: 1 } },
      )
      .toArray();
    return new Map(found.map((document) => [document._id, document.request_keys ?? []]));
  }

  /** Blobs that have commits, ascending, each once. */
  blobIds(): AsyncGenerator<string> {
    return idsByPages(this.#database.commits, ['blob_id', 'first_seq']);
  }

  /** Whose blob it is, read without what may be damaged. */
  async ownerOf(blobId: string): Promise<string | undefined> {
    const found = await this.#database.commits.findOne({ blob_id: blobId }, { projection: { owner: 1 } });
    return typeof found?.owner === 'string' ? found.owner : undefined;
  }

  async lastSeq(blobId: string): Promise<number | undefined> {
    const found = await this.#database.commits.findOne(
      { blob_id: blobId },
      { sort: { blob_id: -1, first_seq: -1 }, projection: { last_seq: 1 } },
    );
    return found?.last_seq;
  }

  /** Commits with a delta in fromSeq..toSeq, newest first: as many as make a page. `isAll`: there are no more. */
  async readDownwards(
    blobId: string,
    fromSeq: number,
    toSeq: number,
  ): Promise<{ commits: readonly Commit[]; isAll: boolean }> {
    const filter = { blob_id: blobId, first_seq: { $gte: fromSeq, $lte: toSeq } };
    const { commits, isCut } = await firstPage(this.#reading, filter, { sort: DOWNWARDS });
    const isWhole = isCut || commits.at(-1)?.firstSeq === fromSeq;
    const reaching = isWhole ? [] : await reachingInto(this.#reading, blobId, fromSeq);
    return { commits: [...commits, ...reaching], isAll: !isCut };
  }

  /** A delta and the owner of its blob. */
  async delta(id: string): Promise<{ readonly delta: Delta; readonly owner: string } | undefined> {
    const commitId = commitIdOf(id);
    if (commitId === undefined) return undefined;
    const document = await this.#database.commits.findOne({ _id: commitId });
    const delta = document && fromDocument(document).deltas.find((one) => one.id === id);
    return delta ? { delta, owner: document.owner } : undefined;
  }

  /** Commits that hold any of these request keys (commit-document.ts makes the keys). */
  async withRequestKeys(keys: readonly string[]): Promise<Commit[]> {
    const found: Commit[] = [];
    for (let at = 0; at < keys.length; at += IN_LIST_IDS_MAX) {
      const slice = keys.slice(at, at + IN_LIST_IDS_MAX);
      const only = slice.length === 1 ? slice[0] : undefined;
      for await (const batch of this.#reading.find({ request_keys: only ?? { $in: slice } }, {})) found.push(...batch);
    }
    return found;
  }

  readonly #reading: CommitReading<Commit> = {
    find: (filter, options) => this.#find(filter, options),
    bytesOf: ({ deltas }) => deltas.reduce((bytes, delta) => bytes + bytesOfDelta(delta), 0),
  };

  /** By small batches, each read out as it comes: a whole page would take the event loop tens of milliseconds. */
  async *#find(filter: Filter<CommitDocument>, options: FindOptions): AsyncGenerator<readonly Commit[]> {
    const cursor = this.#database.commits.find(filter, { batchSize: LOG_BATCH_COMMITS, ...options });
    try {
      while (await cursor.hasNext()) yield cursor.readBufferedDocuments().map(naming(fromDocument));
    } finally {
      await cursor.close();
    }
  }
}

function momentOf(document: Pick<CommitDocument, '_id' | 'first_seq' | 'last_seq' | 'applied_at'>): CommitMoment {
  return {
    id: document._id,
    firstSeq: document.first_seq,
    lastSeq: document.last_seq,
    appliedAt: document.applied_at,
  };
}

function isSendable(commit: Commit): boolean {
  try {
    return BSON.serialize(toDocument(commit), { ignoreUndefined: true }).byteLength <= DOCUMENT_BYTES_MAX;
  } catch {
    return false;
  }
}
