/** Moments that a process must find again after a restart. */
import type { Collection, Db } from 'mongodb';

interface MarkDocument {
  _id: string;
  at: Date;
}

export class Mark {
  readonly #marks: Collection<MarkDocument>;
  readonly #name: string;

  constructor(db: Db, name: string) {
    this.#marks = db.collection('marks');
    this.#name = name;
  }

  async read(): Promise<Date | undefined> {
    return (await this.#marks.findOne({ _id: this.#name }))?.at;
  }

  /** Moves forward only: of several processes the one that is furthest counts. */
  async write(at: Date): Promise<void> {
    await this.#marks.updateOne({ _id: this.#name }, { $max: { at } }, { upsert: true });
  }
}
