/** Blobs that can't be loaded, for people to read and for processes that start. */
import type { Collection, Db } from 'mongodb';

export interface QuarantineRecord {
  readonly blobId: string;
  /** One sentence: what is wrong. */
  readonly problem: string;
  readonly since: Date;
  readonly tries: number;
  readonly retryAt: Date;
}

interface QuarantineDocument {
  _id: string;
  problem: string;
  since: Date;
  tries: number;
  retry_at: Date;
}

export class QuarantineRecords {
  readonly #records: Collection<QuarantineDocument>;

  constructor(db: Db) {
    this.#records = db.collection('quarantine');
  }

  /** At most `limit`. */
  async list(limit: number): Promise<QuarantineRecord[]> {
    const found = await this.#records.find().limit(limit).toArray();
    return found.map(({ _id, problem, since, tries, retry_at }) => ({
      blobId: _id,
      problem,
      since,
      tries,
      retryAt: retry_at,
    }));
  }

  async put({ blobId, problem, since, tries, retryAt }: QuarantineRecord): Promise<void> {
    await this.#records.replaceOne({ _id: blobId }, { problem, since, tries, retry_at: retryAt }, { upsert: true });
  }

  async remove(blobId: string): Promise<void> {
    await this.#records.deleteOne({ _id: blobId });
  }
}
