/** Bytes of binary blobs, by their SHA-256. Written before the commit that names them. */
import { isDuplicateKey } from './database-error.ts';
import type { Database } from './database.ts';

/** SHA-256 of no bytes: the content of a binary blob whose first content was reverted, which nobody ever stored. */
const NO_BYTES = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export class Contents {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Durable when it resolves. The same bytes twice are stored once. */
  async put(sha256: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#database.contents.insertOne({ _id: sha256, bytes });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      // Another writer's insert may not be journaled yet.
      await this.#database.fence();
    }
  }

  async get(sha256: string): Promise<Uint8Array | undefined> {
    if (sha256 === NO_BYTES) return new Uint8Array(0);
    const found = await this.#database.contents.findOne({ _id: sha256 });
    // A damaged document may hold anything.
    return found?.bytes instanceof Uint8Array ? Uint8Array.from(found.bytes) : undefined;
  }
}
