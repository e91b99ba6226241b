/**
 * Stored states at exact versions, and runs: the updates of many deltas in one object, so that what lies between two
 * states is read at once. Content-addressed: an object's id has the hash of its bytes, which is checked whenever it is
 * read. Nothing counts before it is in the blob's index, and it gets there only after it was read back and verified.
 */
import { createHash } from 'node:crypto';
import type { SeqRange } from '../domain/delta.ts';
import { CHECKPOINT_PART_BYTES_MAX, IN_LIST_IDS_MAX } from '../limits.ts';
import type { Database, RunEntry, StateEntry } from './database.ts';
import { idsByPages } from './id-pages.ts';

export type { RunEntry, StateEntry } from './database.ts';

/** Ascending by version and by first seq. Of states of one version that which holds less is the last. */
export interface CheckpointIndex {
  readonly states: readonly StateEntry[];
  readonly runs: readonly RunEntry[];
  /** More may have been listed: what is no entry is left out. */
  readonly isDamaged?: boolean;
}

export type Entry = StateEntry | RunEntry;

export function isState(entry: Entry): entry is StateEntry {
  return 'version' in entry;
}

/** A run of a blob, and what of it is to be stored. */
export interface RunBytes {
  readonly blobId: string;
  readonly range: SeqRange;
  readonly bytes: Uint8Array;
}

/** An entry, and the blob in whose index it belongs. */
export interface PlacedEntry {
  readonly blobId: string;
  readonly entry: Entry;
}

export class Checkpoints {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async index(blobId: string): Promise<CheckpointIndex> {
    const found = await this.#database.checkpointIndex.findOne({ _id: blobId });
    if (!found) return { states: [], runs: [] };
    const states = entriesOf<StateEntry>(found.states, ['version', 'bytes', 'parts']);
    const runs = entriesOf<RunEntry>(found.runs, ['first', 'last', 'bytes', 'parts']);
    return {
      ...(isWhole(found.states, states) && isWhole(found.runs, runs) ? {} : { isDamaged: true }),
      states: unique(states).sort(byVersion),
      runs: unique(runs).sort((a, b) => a.first - b.first || b.last - a.last || (a.hash < b.hash ? -1 : 1)),
    };
  }

  /** Leaves in a damaged index what can be read of it. */
  async mendIndex(blobId: string): Promise<void> {
    const { states, runs, isDamaged } = await this.index(blobId);
    if (!isDamaged) return;
    const mended = { states: [...states], runs: [...runs] };
    await this.#database.checkpointIndex.updateOne({ _id: blobId }, { $set: mended });
  }

  /** Writes a state, which does not count yet. The same bytes twice are stored once. */
  async writeState(
    blobId: string,
    place: Omit<StateEntry, 'bytes' | 'parts' | 'hash'>,
    bytes: Uint8Array,
  ): Promise<StateEntry> {
    const parts = Math.max(1, Math.ceil(bytes.byteLength / CHECKPOINT_PART_BYTES_MAX));
    const entry: StateEntry = { ...place, bytes: bytes.byteLength, parts, hash: hashOf(bytes) };
    for (let part = 0; part < parts; part++) {
      const slice = bytes.subarray(part * CHECKPOINT_PART_BYTES_MAX, (part + 1) * CHECKPOINT_PART_BYTES_MAX);
      await this.#database.checkpoints.replaceOne(
        { _id: partId(blobId, entry, part) },
        { blob_id: blobId, made_at: new Date(), bytes: slice },
        { upsert: true },
      );
    }
    return entry;
  }

  /** As `writeState`, runs of many blobs at once: each of one part, all of them of one message. */
  async writeRuns(runs: readonly RunBytes[]): Promise<PlacedEntry[]> {
    const made_at = new Date();
    const placed = runs.map(({ blobId, range: { first, last }, bytes }) => ({
      blobId,
      entry: { first, last, bytes: bytes.byteLength, parts: 1, hash: hashOf(bytes) },
      bytes,
    }));
    await this.#database.update(
      this.#database.checkpoints.collectionName,
      placed.map(({ blobId, entry, bytes }) => ({
        q: { _id: partId(blobId, entry, 0) },
        u: { blob_id: blobId, made_at, bytes },
        upsert: true,
      })),
    );
    return placed;
  }

  /** Those of the objects that are stored whole and hash to what their ids say. */
  read(blobId: string, entries: readonly Entry[]): Promise<Map<Entry, Uint8Array>> {
    return this.readPlaced(entries.map((entry) => ({ blobId, entry })));
  }

  /** As `read`, of many blobs. */
  async readPlaced(placed: readonly PlacedEntry[]): Promise<Map<Entry, Uint8Array>> {
    const ids = placed.flatMap(({ blobId, entry }) => partIds(blobId, entry));
    const byId = new Map<string, Uint8Array>();
    for (let at = 0; at < ids.length; at += IN_LIST_IDS_MAX) {
      const slice = ids.slice(at, at + IN_LIST_IDS_MAX);
      const only = slice.length === 1 ? slice[0] : undefined;
      const found = await this.#database.checkpoints.find({ _id: only ?? { $in: slice } }).toArray();
      for (const document of found) byId.set(document._id, document.bytes);
    }
    const whole = new Map<Entry, Uint8Array>();
    for (const { blobId, entry } of placed) {
      const parts = partIds(blobId, entry).map((id) => byId.get(id));
      // A damaged document may hold anything.
      if (!parts.every((part) => part instanceof Uint8Array)) continue;
      const bytes = parts.length === 1 && parts[0] ? Uint8Array.from(parts[0]) : Buffer.concat(parts);
      if (bytes.byteLength === entry.bytes && hashOf(bytes) === entry.hash) whole.set(entry, bytes);
    }
    return whole;
  }

  /** From here on readers may rely on them. */
  async register(placed: readonly PlacedEntry[]): Promise<void> {
    await this.#database.update(
      this.#database.checkpointIndex.collectionName,
      placed.map(({ blobId, entry }) => ({
        q: { _id: blobId },
        u: isState(entry)
          ? { $addToSet: { states: entry }, $setOnInsert: { runs: [] } }
          : { $addToSet: { runs: entry }, $setOnInsert: { states: [] } },
        upsert: true,
      })),
    );
  }

  /** From here on no new reader finds them. Those who found them before may still read them until `remove`. */
  async unregister(blobId: string, entries: readonly Entry[]): Promise<void> {
    const hashes = (wanted: boolean): string[] =>
      entries.filter((entry) => isState(entry) === wanted).map((entry) => entry.hash);
    for (const [field, gone] of [
      ['states', hashes(true)],
      ['runs', hashes(false)],
    ] as const) {
      for (let at = 0; at < gone.length; at += IN_LIST_IDS_MAX) {
        const slice = gone.slice(at, at + IN_LIST_IDS_MAX);
        await this.#database.checkpointIndex.updateOne(
          { _id: blobId },
          { $pull: { [field]: { hash: { $in: slice } } } },
        );
      }
    }
  }

  async remove(blobId: string, entries: readonly Entry[], before: Date): Promise<void> {
    await this.removeObjects(
      entries.flatMap((entry) => partIds(blobId, entry)),
      before,
    );
  }

  /** Of these objects, those that were not made anew since `before`: somebody then lists them again, or is about to. */
  async removeObjects(ids: readonly string[], before: Date): Promise<void> {
    for (let at = 0; at < ids.length; at += IN_LIST_IDS_MAX) {
      const slice = ids.slice(at, at + IN_LIST_IDS_MAX);
      await this.#database.checkpoints.deleteMany({ _id: { $in: slice }, made_at: { $not: { $gte: before } } });
    }
  }

  /** Objects made before `before` that the index does not list: what a killed process wrote or did not get to remove. */
  async strays(blobId: string, before: Date): Promise<string[]> {
    const stored = await this.#database.checkpoints
      .find({ blob_id: blobId }, { projection: { _id: 1, made_at: 1 } })
      .toArray();
    // The index after the objects: what was registered meanwhile is no stray.
    const { states, runs } = await this.index(blobId);
    const listed = new Set([...states, ...runs].flatMap((entry) => partIds(blobId, entry)));
    return stored
      .filter((document) => !listed.has(document._id) && !(document.made_at >= before))
      .map((document) => document._id);
  }

  /** Everything of the blob but its log: it is made anew. */
  async clear(blobId: string): Promise<void> {
    await this.#database.checkpointIndex.deleteOne({ _id: blobId });
    await this.#database.checkpoints.deleteMany({ blob_id: blobId });
  }

  /** Blobs that have an index, ascending, each once. */
  blobIds(): AsyncGenerator<string> {
    return idsByPages(this.#database.checkpointIndex, ['_id']);
  }
}

/** What of a damaged document is a list of entries. */
function entriesOf<E extends Entry>(listed: unknown, numbers: readonly (keyof E)[]): E[] {
  if (!Array.isArray(listed)) return [];
  return (listed as (E | null)[]).filter(
    (entry): entry is E => typeof entry?.hash === 'string' && numbers.every((key) => Number.isSafeInteger(entry[key])),
  );
}

function isWhole(listed: unknown, entries: readonly Entry[]): boolean {
  return Array.isArray(listed) && listed.length === entries.length;
}

function byVersion(a: StateEntry, b: StateEntry): number {
  return a.version - b.version || (a.collected_to ?? 0) - (b.collected_to ?? 0) || (a.hash < b.hash ? -1 : 1);
}

/** Two processes may have entered one object with different words about it. */
function unique<E extends Entry>(entries: readonly E[]): E[] {
  return [...new Map(entries.map((entry) => [partId('', entry, 0), entry])).values()];
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function partId(blobId: string, entry: Entry, part: number): string {
  const place = isState(entry) ? `s${entry.version}` : `r${entry.first}-${entry.last}`;
  return `${blobId}:${place}:${entry.hash}:${part}`;
}

function partIds(blobId: string, entry: Entry): string[] {
  return Array.from({ length: entry.parts }, (_, part) => partId(blobId, entry, part));
}
