/** Stored parts of blobs' origins. Derived from the log: one that is missing or unreadable is made anew from it. */
import { MongoServerError, type Collection, type Db } from 'mongodb';

interface OriginBlockDocument {
  _id: string;
  blob_id: string;
  /** The version before its first. */
  after: number;
  bytes: Uint8Array;
}

export interface StoredBlock {
  readonly after: number;
  readonly bytes: Uint8Array;
}

const DUPLICATE_KEY = 11_000;

export class OriginBlocks {
  readonly #collection: Collection<OriginBlockDocument>;

  constructor(db: Db) {
    this.#collection = db.collection('origin_blocks');
  }

  async createIndexes(): Promise<void> {
    await this.#collection.createIndex({ blob_id: 1, after: 1 });
  }

  async get(blobId: string, after: number): Promise<Uint8Array | undefined> {
    const found = await this.#collection.findOne({ _id: idOf(blobId, after) });
    return found ? Uint8Array.from(found.bytes) : undefined;
  }

  /** Those above versions from..to, ascending, in whatever number there are. */
  async range(blobId: string, from: number, to: number): Promise<StoredBlock[]> {
    const found = await this.#collection
      .find({ blob_id: blobId, after: { $gte: from, $lte: to } })
      .sort({ blob_id: 1, after: 1 })
      .toArray();
    return found.map(({ after, bytes }) => ({ after, bytes: Uint8Array.from(bytes) }));
  }

  /** One that is there already says the same: both were made of the same deltas. */
  async put(blobId: string, block: StoredBlock): Promise<void> {
    const _id = idOf(blobId, block.after);
    try {
      await this.#collection.insertOne({ _id, blob_id: blobId, after: block.after, bytes: block.bytes });
    } catch (error) {
      if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
    }
  }
}

function idOf(blobId: string, after: number): string {
  return `${blobId}:${after}`;
}
