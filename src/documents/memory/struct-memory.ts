import type * as Y from 'yjs';

/** Measured: a struct with all that it names, its content apart. */
const STRUCT_BYTES = 256;
const COUNT_EVERY_DELTAS = 256;

export function structBytes(doc: Y.Doc): number {
  let structs = 0;
  for (const list of doc.store.clients.values()) structs += list.length;
  return structs * STRUCT_BYTES;
}

/** About what the structs of a document take; counted anew each few hundred deltas, as there may be many lists of them. */
export class StructMemory {
  readonly #doc: Y.Doc;
  #bytes = 0;
  #countAt = 0;

  constructor(doc: Y.Doc) {
    this.#doc = doc;
  }

  bytesAt(version: number): number {
    if (version < this.#countAt) return this.#bytes;
    this.#bytes = structBytes(this.#doc);
    this.#countAt = version + COUNT_EVERY_DELTAS;
    return this.#bytes;
  }
}
