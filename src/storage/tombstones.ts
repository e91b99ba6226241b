/** Ranges of the log that retention dropped. Written before the commits go, so that a missing commit is always explained. */
import type { SeqRange } from '../domain/delta.ts';
import type { Collection } from 'mongodb';
import type { Database } from './database.ts';

/** Deltas first..last are gone; version `last` is read from the state it names. */
export interface Tombstone extends SeqRange {
  readonly blobId: string;
  /** Hash of the stored state at version `last`. */
  readonly stateHash: string;
  readonly commits: number;
  readonly bytes: number;
  readonly droppedAt: Date;
  /** Who asked, or whose policy did. */
  readonly droppedBy: string;
  /** Nothing of the range is left. */
  readonly isDone: boolean;
}

interface TombstoneDocument {
  _id: string;
  blob_id: string;
  first: number;
  last: number;
  state_hash: string;
  commits: number;
  bytes: number;
  dropped_at: Date;
  dropped_by: string;
  done: boolean;
}

export class Tombstones {
  readonly #database: Database;
  readonly #tombstones: Collection<TombstoneDocument>;

  constructor(database: Database) {
    this.#database = database;
    this.#tombstones = database.db.collection('tombstones');
  }

  async createIndexes(): Promise<void> {
    await this.#tombstones.createIndex({ blob_id: 1, first: 1 });
  }

  /** Ascending. */
  async list(blobId: string): Promise<Tombstone[]> {
    const found = await this.#tombstones.find({ blob_id: blobId }).sort({ blob_id: 1, first: 1 }).toArray();
    return found.map(fromDocument);
  }

  async put(tombstone: Tombstone): Promise<void> {
    const { blobId, first, last, stateHash, commits, bytes, droppedAt, droppedBy, isDone } = tombstone;
    await this.#tombstones.replaceOne(
      { _id: `${blobId}:${first}` },
      {
        blob_id: blobId,
        first,
        last,
        state_hash: stateHash,
        commits,
        bytes,
        dropped_at: droppedAt,
        dropped_by: droppedBy,
        done: isDone,
      },
      { upsert: true },
    );
  }

  async setDone(blobId: string, range: SeqRange): Promise<void> {
    await this.#tombstones.updateOne({ _id: `${blobId}:${range.first}` }, { $set: { done: true } });
  }

  /**
   * The one place where commits are deleted: those that start in `slice` and lie wholly in the range, whose tombstone
   * must be there.
   */
  async deleteCommits(blobId: string, range: SeqRange, slice: SeqRange): Promise<void> {
    await this.#database.commits.deleteMany({
      blob_id: blobId,
      first_seq: { $gte: slice.first, $lte: Math.min(slice.last, range.last) },
      last_seq: { $lte: range.last },
    });
  }
}

function fromDocument(document: TombstoneDocument): Tombstone {
  return {
    blobId: document.blob_id,
    first: document.first,
    last: document.last,
    stateHash: document.state_hash,
    commits: document.commits,
    bytes: document.bytes,
    droppedAt: document.dropped_at,
    droppedBy: document.dropped_by,
    isDone: document.done,
  };
}
