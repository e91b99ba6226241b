/**
 * Counters that tell every process that access changed, without saying of which blob: one for each of
 * ACCESS_EPOCHS buckets of blob ids, all in one document, so that reading them is one small query.
 */
import { createHash } from 'node:crypto';
import type { Collection, Db } from 'mongodb';
import { ACCESS_EPOCHS } from '../limits.ts';
import { isDuplicateKey } from './database-error.ts';

interface EpochsDocument {
  _id: string;
  counters: Record<string, number>;
}

const ID = 'access';
export class AccessEpochStore {
  readonly #epochs: Collection<EpochsDocument>;

  constructor(db: Db) {
    this.#epochs = db.collection('epochs');
  }

  /** By bucket; 0 for one never counted. */
  async read(): Promise<number[]> {
    const counters = (await this.#epochs.findOne({ _id: ID }))?.counters ?? {};
    return Array.from({ length: ACCESS_EPOCHS }, (_, bucket) => counters[String(bucket)] ?? 0);
  }

  /** Durable when it resolves, and with it every write that was seen before. */
  async increment(bucket: number): Promise<void> {
    const count = { $inc: { [`counters.${bucket}`]: 1 } };
    try {
      await this.#epochs.updateOne({ _id: ID }, count, { upsert: true });
    } catch (error) {
      // Two that find no document both insert it; the second finds it now.
      if (!isDuplicateKey(error)) throw error;
      await this.#epochs.updateOne({ _id: ID }, count);
    }
  }
}

/** The same in every process, for good. */
export function accessBucket(blobId: string): number {
  return (createHash('sha256').update(blobId).digest()[0] ?? 0) % ACCESS_EPOCHS;
}
