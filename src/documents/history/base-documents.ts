/** A small cache of documents at past bases, so that a chain of edits does not rebuild its state at each step. */
import type * as Y from 'yjs';
import { baseCovers, missingRanges } from '../../domain/base.ts';
import { updateBytes, type Base, type Delta } from '../../domain/delta.ts';
import { BASE_DOCUMENTS_CACHED_MAX, BASE_DOCUMENTS_IDLE_MS_MAX } from '../../limits.ts';
import { heldBytes, structBytes } from '../memory/struct-memory.ts';
import { applyDeltas, type History } from './history.ts';

interface Entry {
  readonly blobId: string;
  readonly base: Base;
  readonly doc: Y.Doc;
  readonly bytes: number;
  readonly usedAt: number;
}

export class BaseDocuments {
  readonly #history: History;
  /** Least recently used first. */
  readonly #entries: Entry[] = [];
  /** What was deleted after this version is in the document. Absent: nothing for certain. */
  readonly #keptFrom = new WeakMap<Y.Doc, number>();
  /** Of all that was put into the document. */
  readonly #heldBytes = new WeakMap<Y.Doc, number>();
  #bytes = 0;

  constructor(history: History) {
    this.#history = history;
  }

  /**
   * A document that holds exactly `base`; with `keptFrom` also what was deleted after that version. It is the caller's
   * alone: it has left the cache, and comes back by `put` unless it was changed in a way that did not commit.
   */
  async take(
    blobId: string,
    base: Base,
    recent: (first: number, last: number) => readonly Delta[] | undefined,
    keptFrom?: number,
  ): Promise<Y.Doc> {
    const index = this.#entries.findLastIndex(
      (entry) => entry.blobId === blobId && this.#keeps(entry.doc, keptFrom) && baseCovers(base, entry.base),
    );
    const entry = index < 0 ? undefined : this.#remove(index);
    if (!entry) {
      const doc = await this.#history.materialize(blobId, base, keptFrom);
      this.#heldBytes.set(doc, heldBytes(doc));
      if (keptFrom !== undefined) this.#keptFrom.set(doc, keptFrom);
      return doc;
    }
    for (const range of missingRanges(base, entry.base)) {
      const known = recent(range.first, range.last);
      if (known) this.#apply(entry.doc, known);
      else
        for await (const page of this.#history.deltas.everyPage(blobId, range.first, range.last))
          this.#apply(entry.doc, page);
    }
    return entry.doc;
  }

  #apply(doc: Y.Doc, deltas: readonly Delta[]): void {
    applyDeltas(doc, deltas);
    const bytes = deltas.reduce((sum, delta) => sum + updateBytes(delta), 0);
    this.#heldBytes.set(doc, (this.#heldBytes.get(doc) ?? 0) + bytes);
  }

  #keeps(doc: Y.Doc, keptFrom: number | undefined): boolean {
    return keptFrom === undefined || (this.#keptFrom.get(doc) ?? Infinity) <= keptFrom;
  }

  put(blobId: string, base: Base, doc: Y.Doc): void {
    const bytes = structBytes(doc) + (this.#heldBytes.get(doc) ?? 0);
    this.#entries.push({ blobId, base, doc, bytes, usedAt: performance.now() });
    this.#bytes += bytes;
    if (this.#entries.length > BASE_DOCUMENTS_CACHED_MAX) this.dropOldest();
  }

  /** About what they take; Rooms counts it among what live documents take. */
  get memoryBytes(): number {
    return this.#bytes;
  }

  /** When the one that is unused for longest was put here. */
  get oldestUsedAt(): number | undefined {
    return this.#entries[0]?.usedAt;
  }

  dropOldest(): void {
    if (this.#entries.length > 0) this.#remove(0)?.doc.destroy();
  }

  dropIdle(nowMs: number): void {
    while (nowMs - (this.oldestUsedAt ?? nowMs) > BASE_DOCUMENTS_IDLE_MS_MAX) this.dropOldest();
  }

  #remove(index: number): Entry | undefined {
    const [entry] = this.#entries.splice(index, 1);
    this.#bytes -= entry?.bytes ?? 0;
    return entry;
  }
}
