/** Stored parts of blobs' origins. Derived from the log: one that is missing or unreadable is made anew from it. */
import { createHash } from 'node:crypto';
import type { Collection, Db } from 'mongodb';
import { isDuplicateKey } from './database-error.ts';

interface OriginBlockDocument {
  _id: string;
  blob_id: string;
  /** The version before its first. */
  after: number;
  bytes: Uint8Array;
  /** SHA-256 of the bytes. Absent in old ones. */
  hash?: string;
}

export interface StoredBlock {
  readonly after: number;
  readonly bytes: Uint8Array;
}

export class OriginBlocks {
  readonly #collection: Collection<OriginBlockDocument>;

  constructor(db: Db) {
    this.#collection = db.collection('origin_blocks');
  }

  async createIndexes(): Promise<void> {
    await this.#collection.createIndex({ blob_id: 1, after: 1 });
  }

  async get(blobId: string, after: number): Promise<Uint8Array | undefined> {
    return (await this.look(blobId, after))?.bytes;
  }

  /** Whether there is one, and its bytes if they are what they were. */
  async look(blobId: string, after: number): Promise<{ readonly bytes?: Uint8Array } | undefined> {
    const found = await this.#collection.findOne({ _id: idOf(blobId, after) });
    return found ? { bytes: bytesOf(found) } : undefined;
  }

  /** Those above versions from..to, ascending, in whatever number there are. */
  async range(blobId: string, from: number, to: number): Promise<StoredBlock[]> {
    const found = await this.#collection
      .find({ blob_id: blobId, after: { $gte: from, $lte: to } })
      .sort({ blob_id: 1, after: 1 })
      .toArray();
    return found.flatMap((document) => {
      const bytes = bytesOf(document);
      return bytes ? [{ after: document.after, bytes }] : [];
    });
  }

  /** One that is there already says the same, as both were made of the same deltas, or is damaged. */
  async put(blobId: string, { after, bytes }: StoredBlock): Promise<void> {
    const fields = { blob_id: blobId, after, bytes, hash: hashOf(bytes) };
    try {
      await this.#collection.replaceOne({ _id: idOf(blobId, after) }, fields, { upsert: true });
    } catch (error) {
      // Two that stored it for the first time.
      if (!isDuplicateKey(error)) throw error;
    }
  }
}

/** Undefined for a damaged document, which may hold anything. */
function bytesOf({ bytes, hash }: OriginBlockDocument): Uint8Array | undefined {
  if (!(bytes instanceof Uint8Array) || (hash !== undefined && hash !== hashOf(bytes))) return undefined;
  return Uint8Array.from(bytes);
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function idOf(blobId: string, after: number): string {
  return `${blobId}:${after}`;
}
