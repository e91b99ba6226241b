/** Work that one process at a time does. */
import type { Collection, Db } from 'mongodb';
import { inserted } from './database-error.ts';

interface LeaseDocument {
  _id: string;
  holder: string;
  until: Date;
}

export class Lease {
  readonly #leases: Collection<LeaseDocument>;
  readonly #name: string;
  readonly #holder: string;

  constructor(db: Db, options: { readonly name: string; readonly holder: string }) {
    this.#leases = db.collection('leases');
    this.#name = options.name;
    this.#holder = options.holder;
  }

  /** Takes or renews it. False: another process has it. */
  async hold(ms: number): Promise<boolean> {
    const now = Date.now();
    const fields = { holder: this.#holder, until: new Date(now + ms) };
    for (const filter of [{ holder: this.#holder }, { until: { $lt: new Date(now) } }]) {
      const result = await this.#leases.updateOne({ _id: this.#name, ...filter }, { $set: fields });
      if (result.matchedCount === 1) return true;
    }
    return inserted(this.#leases.insertOne({ _id: this.#name, ...fields }));
  }

  async release(): Promise<void> {
    await this.#leases.updateOne({ _id: this.#name, holder: this.#holder }, { $set: { until: new Date(0) } });
  }
}
