import * as Y from 'yjs';

/** Measured: a struct with all that it names, its content apart. */
const STRUCT_BYTES = 256;
const COUNT_EVERY_DELTAS = 256;

export function structBytes(doc: Y.Doc): number {
  let structs = 0;
  for (const list of doc.store.clients.values()) structs += list.length;
  return structs * STRUCT_BYTES;
}

/** About the bytes of what the structs hold: of text and of values that may be long. One pass, which encodes nothing. */
export function heldBytes(doc: Y.Doc): number {
  let bytes = 0;
  for (const list of doc.store.clients.values()) {
    for (const struct of list) {
      if (!(struct instanceof Y.Item)) continue;
      const { content } = struct;
      if (content instanceof Y.ContentString) bytes += content.str.length;
      else if (content instanceof Y.ContentBinary) bytes += content.content.byteLength;
      else if (content instanceof Y.ContentAny) for (const value of content.arr as unknown[]) bytes += lengthOf(value);
    }
  }
  return bytes;
}

/** Of what is nested the struct's own share must do: values are stored as Yjs types where they are objects or arrays. */
function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : value instanceof Uint8Array ? value.byteLength : 0;
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
