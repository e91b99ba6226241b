/** Access lists as this process last read them, each under the counter it was read under. Bounded (G7). */
import type { AccessList } from '../domain/access/access-list.ts';
import { BlobAccess, type Lineage } from '../domain/access/blob-access.ts';
import { ACCESS_CACHED_MAX, ACCESS_EVICTION_TRIES_MAX, ACCESS_RECHECK_MS } from '../limits.ts';

export interface Entry {
  readonly lineage: Lineage;
  /** See `sourcesOf`. */
  readonly sources: readonly string[];
  readonly bucket: number;
  readonly epoch: number;
  readonly readAtMs: number;
  access: BlobAccess;
}

export class Entries {
  /** Oldest reading first. */
  readonly #entries = new Map<string, Entry>();
  readonly #epochAt: (bucket: number) => number;
  readonly #isPinned: (blobId: string) => boolean;

  constructor(options: { epochAt: (bucket: number) => number; isPinned: (blobId: string) => boolean }) {
    this.#epochAt = options.epochAt;
    this.#isPinned = options.isPinned;
  }

  lineage(blobId: string): Lineage | undefined {
    return this.#entries.get(blobId)?.lineage;
  }

  /** Undefined unless every list that decides is what is stored, as far as the counters tell. */
  access(blobId: string): BlobAccess | undefined {
    const entry = this.#current(blobId);
    if (!entry || entry.sources.length === 0) return entry?.access;
    const sources: AccessList[] = [];
    let isSame = true;
    for (const [index, id] of entry.sources.entries()) {
      const source = this.#current(id);
      if (!source) return undefined;
      isSame &&= entry.access.sources[index] === source.access.list;
      sources.push(source.access.list);
    }
    // The same object for the same lists: who compares it sees whether anything changed.
    if (!isSame) entry.access = new BlobAccess(blobId, entry.access.list, sources);
    return entry.access;
  }

  /** Still counts, but shall be read again. */
  isAged(blobId: string): boolean {
    const entry = this.#entries.get(blobId);
    const dueMs = performance.now() - ACCESS_RECHECK_MS;
    const ids = [blobId, ...(entry?.sources ?? [])];
    return ids.some((id) => (this.#entries.get(id)?.readAtMs ?? 0) < dueMs);
  }

  #current(blobId: string): Entry | undefined {
    const entry = this.#entries.get(blobId);
    if (!entry || entry.epoch !== this.#epochAt(entry.bucket)) return undefined;
    // Twice, so that those that are read again in time never have to be waited for.
    return performance.now() - entry.readAtMs < 2 * ACCESS_RECHECK_MS ? entry : undefined;
  }

  set(entry: Entry): void {
    const id = entry.lineage.blobId;
    const known = this.#entries.get(id);
    // Of two readings under one counter the slower may be the older.
    if (known && known.epoch === entry.epoch && known.access.list.version > entry.access.list.version) return;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    if (this.#entries.size > ACCESS_CACHED_MAX) this.#evict();
  }

  #evict(): void {
    let tries = 0;
    for (const [id, entry] of this.#entries) {
      this.#entries.delete(id);
      if (++tries >= ACCESS_EVICTION_TRIES_MAX || !this.#isPinned(id)) return;
      this.#entries.set(id, entry);
    }
  }
}
