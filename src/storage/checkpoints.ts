/** Stored states at exact versions, in parts below MongoDB's document limit. */
import type { Derivation } from '../domain/blob.ts';
import type { Database } from './database.ts';

const PART_BYTES_MAX = 8 * 1024 * 1024;

/** What a head needs besides the state, as of the checkpoint's version. */
export interface Facts {
  readonly contentVersion: number;
  readonly updatedAt: Date;
  readonly deletedAt?: Date;
  readonly derivedFrom?: Derivation;
}

export interface Checkpoint {
  readonly blobId: string;
  readonly version: number;
  /** The state at exactly that version, nothing collected, Yjs encoding v2. */
  readonly state: Uint8Array;
  /** Client id → the user who first committed with it; '' for ids minted by the server. */
  readonly owners: ReadonlyMap<number, string>;
  readonly facts: Facts;
}

export class Checkpoints {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The newest whole one at or below `version`. */
  async nearest(blobId: string, version: number): Promise<Checkpoint | undefined> {
    const cursor = this.#database.checkpoints
      .find({ blob_id: blobId, version: { $lte: version }, part: 0 })
      .sort({ blob_id: -1, version: -1 })
      .limit(1);
    const [first] = await cursor.toArray();
    if (!first) return undefined;
    const rest = first.parts === 1 ? [] : await this.#parts(blobId, first.version, first.parts);
    return {
      blobId,
      version: first.version,
      state: first.parts === 1 ? Uint8Array.from(first.state) : Buffer.concat([first.state, ...rest]),
      owners: new Map(first.owners ?? []),
      facts: first.facts as unknown as Facts,
    };
  }

  /** Part 0 goes last: a checkpoint cut off by a crash has none and is never found. */
  async save(checkpoint: Checkpoint): Promise<void> {
    const parts = Math.max(1, Math.ceil(checkpoint.state.byteLength / PART_BYTES_MAX));
    for (let part = parts - 1; part >= 0; part--) {
      await this.#database.checkpoints.replaceOne(
        { _id: `${checkpoint.blobId}:${checkpoint.version}:${part}` },
        {
          blob_id: checkpoint.blobId,
          version: checkpoint.version,
          part,
          parts,
          state: checkpoint.state.subarray(part * PART_BYTES_MAX, (part + 1) * PART_BYTES_MAX),
          ...(part === 0 ? { owners: [...checkpoint.owners], facts: { ...checkpoint.facts } } : {}),
        },
        { upsert: true },
      );
    }
  }

  async #parts(blobId: string, version: number, parts: number): Promise<Uint8Array[]> {
    const found = await this.#database.checkpoints.find({ blob_id: blobId, version }).toArray();
    const byPart = new Map(found.map((document) => [document.part, document.state]));
    const rest: Uint8Array[] = [];
    for (let part = 1; part < parts; part++) {
      const state = byPart.get(part);
      if (!state) throw new Error(`Checkpoint ${blobId}@${version} lacks part ${part} of ${parts}`);
      rest.push(state);
    }
    return rest;
  }
}
