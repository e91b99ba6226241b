/** The connection to MongoDB: one client per process, its collections, and what durability means here. */
import { MongoClient, ReadConcern, type Collection, type Db, type DbOptions, type MongoClientOptions } from 'mongodb';
import { SettingError } from '../errors.ts';
import {
  DATABASE_ANSWER_MS_MAX,
  DATABASE_CONNECT_MS_MAX,
  DATABASE_CONNECTIONS_MAX,
  DATABASE_SELECTION_MS_MAX,
} from '../limits.ts';
import type { CommitDocument } from './log/commit-document.ts';
import { WriteFailed } from './database-error.ts';

/** The head of a blob as stored: derived fields, rewritten from the log; then labels and processed_by, which are not. */
export interface BlobDocument {
  _id: string;
  user_id: string;
  content_type: string;
  size: number;
  version: number;
  content_version: number;
  parent_ids: string[];
  root_id: string;
  depth: number;
  created_by: string;
  derived_from?: Record<string, unknown>;
  created_at: Date;
  updated_at: Date;
  deleted_at?: Date;
  /** Newest first within a user: `<ms, 14 digits>-<id>`. One key to sort by, because a tie-break would need an $or. */
  order_key: string;
  labels: Record<string, string>;
  /** Which requests set labels, newest last: keys of `storage/blob-labels.ts`. */
  label_requests?: string[];
  processed_by: Record<string, Record<string, unknown>>;
  /** Counts changes of labels and processed_by. */
  meta_version: number;
}

/** One part of a stored state or run; `checkpoint_index` says which of them count. */
export interface CheckpointDocument {
  _id: string;
  blob_id: string;
  made_at: Date;
  bytes: Uint8Array;
}

/** Which states and runs of a blob were verified. What is not listed does not exist. */
export interface CheckpointIndexDocument {
  _id: string;
  states: StateEntry[];
  runs: RunEntry[];
}

export interface StateEntry {
  version: number;
  bytes: number;
  parts: number;
  hash: string;
  /** Bytes of updates between it and the state it was built on. */
  since?: number;
  /** Known to be the last version of a commit: what follows is read without looking at what reaches over it. */
  ends_commit?: boolean;
  /** What was deleted up to this version is not in it. Absent: all that was ever written is. */
  collected_to?: number;
}

export interface RunEntry {
  first: number;
  last: number;
  bytes: number;
  parts: number;
  hash: string;
}

export interface ContentDocument {
  _id: string;
  bytes: Uint8Array;
}

interface FenceDocument {
  _id: string;
  at: Date;
}

/** One of the statements of an update command. */
export interface UpdateStatement {
  readonly q: object;
  readonly u: object;
  readonly upsert: boolean;
}

/** What the server answers to an insert or update command. */
export interface WriteReply {
  /** How many documents are in. */
  readonly n: number;
  readonly writeErrors?: readonly { readonly index: number; readonly code: number; readonly errmsg?: string }[];
  readonly writeConcernError?: { readonly code: number; readonly errmsg?: string };
}

/**
 * Writes are acknowledged by a majority and journaled (G1); reads see only what no failover takes back, and ask the
 * primary: a secondary that lags would give old access, and an old tail of the log. Set on the database, because at the
 * client each option in the URL (`?w=1&journal=false&readPreference=secondary`) would be mixed in.
 */
const DURABLE = {
  writeConcern: { w: 'majority', journal: true },
  readConcern: new ReadConcern('majority'),
  readPreference: 'primary',
} as const satisfies DbOptions;

export class Database {
  readonly db: Db;
  readonly commits: Collection<CommitDocument>;
  readonly blobs: Collection<BlobDocument>;
  readonly checkpoints: Collection<CheckpointDocument>;
  readonly checkpointIndex: Collection<CheckpointIndexDocument>;
  readonly contents: Collection<ContentDocument>;
  readonly #client: MongoClient;
  readonly #fences: Collection<FenceDocument>;
  #fence: Promise<void> | undefined;
  #fenceNext: Promise<void> | undefined;

  constructor(client: MongoClient, name: string) {
    this.#client = client;
    this.db = client.db(name, DURABLE);
    this.commits = this.db.collection('commits');
    this.blobs = this.db.collection('blobs');
    this.checkpoints = this.db.collection('checkpoints');
    this.checkpointIndex = this.db.collection('checkpoint_index');
    this.contents = this.db.collection('contents');
    this.#fences = this.db.collection('fences');
  }

  async createIndexes(): Promise<void> {
    await this.commits.createIndex({ blob_id: 1, first_seq: 1 }, { unique: true });
    // Sparse, not partial: SecantusDB plans no partial index for arrays. Not unique: a unique request id made a gap.
    await this.commits.createIndex({ request_keys: 1 }, { sparse: true });
    await this.blobs.createIndex({ user_id: 1, order_key: -1 });
    await this.blobs.createIndex({ root_id: 1, _id: 1 });
    await this.blobs.createIndex({ parent_ids: 1, order_key: -1 });
    await this.blobs.createIndex({ updated_at: 1 });
    await this.checkpoints.createIndex({ blob_id: 1 });
  }

  /**
   * Resolves once everything this process has read so far is durable: one journaled write after it. A document read
   * back may still be only in the server's memory, and a read alone never makes it durable (G1). Calls that come while
   * a fence is being written share the next one; they can't share the running one, which may have been journaled
   * before their read.
   */
  fence(): Promise<void> {
    if (!this.#fence) {
      this.#fence = this.#writeFence().finally(() => {
        this.#fence = undefined;
      });
      return this.#fence;
    }
    this.#fenceNext ??= this.#fence
      .catch(() => undefined)
      .then(() => {
        this.#fenceNext = undefined;
        return this.fence();
      });
    return this.#fenceNext;
  }

  async #writeFence(): Promise<void> {
    await this.#fences.updateOne({ _id: 'fence' }, { $set: { at: new Date() } }, { upsert: true });
  }

  /** One unordered insert command, journaled. Rejects when there is no answer, or one that says the server can't. */
  insert(collection: string, documents: readonly object[]): Promise<WriteReply> {
    return this.#write({ insert: collection, documents });
  }

  /** One unordered update command, journaled. Rejects when there is no answer, or not all of it was done. */
  async update(collection: string, updates: readonly UpdateStatement[]): Promise<void> {
    const { writeErrors = [], writeConcernError } = await this.#write({ update: collection, updates });
    const failed = writeErrors[0] ?? writeConcernError;
    if (failed) throw new WriteFailed(`${collection} not updated: ${failed.errmsg ?? failed.code}`);
  }

  async #write(command: object): Promise<WriteReply> {
    const journaled = { ...command, ordered: false, writeConcern: { w: 'majority', j: true } };
    return (await this.db.command(journaled, { ignoreUndefined: true })) as unknown as WriteReply;
  }

  /** Rejects when the server does not answer. */
  async ping(): Promise<void> {
    await this.db.command({ ping: 1 });
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

/** Connects, and makes the indexes. Throws SettingError for a URL that the driver can't use. */
export async function openDatabase(options: { readonly url: string; readonly name: string }): Promise<Database> {
  const client = clientOf(options.url);
  await client.connect();
  const database = new Database(client, options.name);
  await database.createIndexes();
  return database;
}

function clientOf(url: string): MongoClient {
  const options = {
    // An unknown outcome is resolved by the committer, which must see it.
    retryWrites: false,
    promoteBuffers: true,
    ignoreUndefined: true,
    serverSelectionTimeoutMS: DATABASE_SELECTION_MS_MAX,
    socketTimeoutMS: DATABASE_ANSWER_MS_MAX,
    connectTimeoutMS: DATABASE_CONNECT_MS_MAX,
    maxPoolSize: DATABASE_CONNECTIONS_MAX,
    noDelay: true,
  } as const satisfies MongoClientOptions;
  try {
    return new MongoClient(url, options);
  } catch (error) {
    // The driver's sentence may repeat the URL.
    const why = (error instanceof Error ? error.message : String(error)).replace(/\/\/.*@/gs, '//');
    throw new SettingError(`STUDIO_MONGODB_URL can't be used: ${why}.`, { cause: error });
  }
}
