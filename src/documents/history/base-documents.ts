/** A small cache of documents at past bases, so that a chain of edits does not rebuild its state at each step. */
import type * as Y from 'yjs';
import { baseCovers, missingRanges } from '../../domain/base.ts';
import type { Base, Delta } from '../../domain/delta.ts';
import { BASE_DOCUMENTS_CACHED_MAX } from '../../limits.ts';
import { applyDeltas, type History } from './history.ts';

interface Entry {
  readonly blobId: string;
  readonly base: Base;
  readonly doc: Y.Doc;
}

export class BaseDocuments {
  readonly #history: History;
  /** Least recently used first. */
  readonly #entries: Entry[] = [];
  /** What was deleted after this version is in the document. Absent: nothing for certain. */
  readonly #keptFrom = new WeakMap<Y.Doc, number>();

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
    const [entry] = index < 0 ? [] : this.#entries.splice(index, 1);
    if (!entry) {
      const doc = await this.#history.materialize(blobId, base, keptFrom);
      if (keptFrom !== undefined) this.#keptFrom.set(doc, keptFrom);
      return doc;
    }
    for (const range of missingRanges(base, entry.base)) {
      const known = recent(range.first, range.last);
      if (known) applyDeltas(entry.doc, known);
      else
        for await (const page of this.#history.deltas.everyPage(blobId, range.first, range.last))
          applyDeltas(entry.doc, page);
    }
    return entry.doc;
  }

  #keeps(doc: Y.Doc, keptFrom: number | undefined): boolean {
    return keptFrom === undefined || (this.#keptFrom.get(doc) ?? Infinity) <= keptFrom;
  }

  put(blobId: string, base: Base, doc: Y.Doc): void {
    this.#entries.push({ blobId, base, doc });
    if (this.#entries.length > BASE_DOCUMENTS_CACHED_MAX) this.#entries.shift()?.doc.destroy();
  }
}
