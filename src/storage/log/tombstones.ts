/**
 * Ranges of the log that retention dropped. Written before the commits go, so that a missing commit is always explained.
 * A blob's tombstones take numbered slots, as commits do: whoever planned without knowing the newest one finds its slot
 * taken. None is ever replaced or removed. One is announced first, when a name may still call it off, and certain then.
 */
import type { Collection } from 'mongodb';
import type { SeqRange } from '../../domain/delta.ts';
import type { RangeTimes } from '../../domain/retention.ts';
import { inserted } from '../database-error.ts';
import type { Database } from '../database.ts';

/** Deltas first..last are gone; version `last` is read from the state it names. */
export interface Tombstone extends SeqRange, Partial<RangeTimes> {
  readonly blobId: string;
  /** Hash of the stored state at version `last`. */
  readonly stateHash: string;
  readonly commits: number;
  readonly bytes: number;
  readonly droppedAt: Date;
  /** Who asked, or whose policy did. */
  readonly droppedBy: string;
  /** False: it may still be called off, and nothing of the range is gone. */
  readonly isCertain: boolean;
  /** Nothing of the range is left. */
  readonly isDone: boolean;
}

/** What is dropped of a blob, and the slot that the next tombstone takes. */
export interface DroppedSoFar {
  readonly ranges: readonly Tombstone[];
  readonly nextSlot: number;
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
  /** Absent in old ones. */
  first_applied_at?: Date;
  last_applied_at?: Date;
  /** Absent in old ones, which are certain. */
  slot?: number;
  stage?: 'announced' | 'certain' | 'called_off';
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
  async list(blobId: string): Promise<readonly Tombstone[]> {
    return (await this.soFar(blobId)).ranges;
  }

  async soFar(blobId: string): Promise<DroppedSoFar> {
    const found = await this.#tombstones.find({ blob_id: blobId }).sort({ blob_id: 1, first: 1 }).toArray();
    const nextSlot = found.reduce((next, { slot = -1 }) => Math.max(next, slot + 1), 0);
    return { ranges: found.filter(({ stage }) => stage !== 'called_off').map(fromDocument), nextSlot };
  }

  /** Announces it. False: the slot is taken. Somebody else dropped something since it was the next one. */
  async put(tombstone: Omit<Tombstone, 'isCertain' | 'isDone'>, slot: number): Promise<boolean> {
    const { blobId, first, last, stateHash, commits, bytes, droppedAt, droppedBy } = tombstone;
    const { firstAppliedAt, lastAppliedAt } = tombstone;
    return inserted(
      this.#tombstones.insertOne({
        _id: idOf(blobId, slot),
        blob_id: blobId,
        first,
        last,
        state_hash: stateHash,
        commits,
        bytes,
        dropped_at: droppedAt,
        dropped_by: droppedBy,
        done: false,
        first_applied_at: firstAppliedAt,
        last_applied_at: lastAppliedAt,
        slot,
        stage: 'announced',
      }),
    );
  }

  /** From here on the range may be emptied. False: it was called off, or somebody else made it certain, and empties it. */
  makeCertain(blobId: string, range: SeqRange): Promise<boolean> {
    return this.#decide(blobId, range, 'certain');
  }

  /** Nothing of the range is dropped. Does nothing to one that is certain. */
  callOff(blobId: string, range: SeqRange): Promise<boolean> {
    return this.#decide(blobId, range, 'called_off');
  }

  async #decide(blobId: string, { first, last }: SeqRange, stage: 'certain' | 'called_off'): Promise<boolean> {
    const announced = { blob_id: blobId, first, last, stage: 'announced' } as const;
    return (await this.#tombstones.updateOne(announced, { $set: { stage } })).matchedCount === 1;
  }

  async setDone(blobId: string, { first, last }: SeqRange): Promise<void> {
    await this.#tombstones.updateOne(
      { blob_id: blobId, first, last, stage: { $ne: 'called_off' } },
      { $set: { done: true } },
    );
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

/** In old ones a first seq is where the slot is here, which the sign tells apart. */
function idOf(blobId: string, slot: number): string {
  return `${blobId}:#${slot}`;
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
    isCertain: document.stage !== 'announced',
    isDone: document.done,
    firstAppliedAt: document.first_applied_at,
    lastAppliedAt: document.last_applied_at,
  };
}
