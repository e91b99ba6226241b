/** Versions that somebody gave a name. Not derived from the log: written by its own calls, untouched by repair. */
import type { Collection, Db } from 'mongodb';
import { VERSION_NAME_TRIES_MAX } from '../limits.ts';
import { isDuplicateKey } from './database-error.ts';

export interface NamedVersion {
  readonly blobId: string;
  readonly version: number;
  readonly name: string;
  /** Who named it. */
  readonly userId: string;
  readonly namedAt: Date;
}

interface NamedVersionDocument {
  /** One name a version: naming it again replaces the name. */
  _id: string;
  blob_id: string;
  version: number;
  name: string;
  user_id: string;
  named_at: Date;
}

export class NamedVersions {
  readonly #collection: Collection<NamedVersionDocument>;

  constructor(db: Db) {
    this.#collection = db.collection('named_versions');
  }

  async createIndexes(): Promise<void> {
    // What keeps names unique within a blob, whatever number of processes name at once.
    await this.#collection.createIndex({ blob_id: 1, name: 1 }, { unique: true });
    await this.#collection.createIndex({ blob_id: 1, version: 1 });
  }

  /** All of a blob, by version, newest first. There are at most NAMED_VERSIONS_PER_BLOB_MAX. */
  async versionsOf(blobId: string): Promise<NamedVersion[]> {
    const found = await this.#collection.find({ blob_id: blobId }).sort({ blob_id: -1, version: -1 }).toArray();
    return found.map(fromDocument);
  }

  async byName(blobId: string, name: string): Promise<NamedVersion | undefined> {
    const found = await this.#collection.findOne({ blob_id: blobId, name });
    return found ? fromDocument(found) : undefined;
  }

  async count(blobId: string): Promise<number> {
    return this.#collection.countDocuments({ blob_id: blobId });
  }

  /** Durable when it resolves. False: another version of the blob has that name. */
  async put(named: NamedVersion): Promise<boolean> {
    const { blobId, version, name, userId, namedAt } = named;
    const fields = { blob_id: blobId, version, name, user_id: userId, named_at: namedAt };
    const _id = idOf(blobId, version);
    for (let tries = 1; ; tries++) {
      try {
        await this.#collection.updateOne({ _id }, { $set: fields }, { upsert: true });
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        const holder = await this.byName(blobId, name);
        if (holder) return holder.version === version;
        if (tries >= VERSION_NAME_TRIES_MAX) throw error;
        // Two that named this version for the first time met on its id, or the name's holder let go of it: once more.
      }
    }
  }

  async remove(blobId: string, version: number): Promise<void> {
    await this.#collection.deleteOne({ _id: idOf(blobId, version) });
  }
}

function idOf(blobId: string, version: number): string {
  return `${blobId}:${version}`;
}

function fromDocument(document: NamedVersionDocument): NamedVersion {
  return {
    blobId: document.blob_id,
    version: document.version,
    name: document.name,
    userId: document.user_id,
    namedAt: document.named_at,
  };
}
