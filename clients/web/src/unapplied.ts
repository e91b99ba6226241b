/** What Yjs keeps of a document beside it, because it builds on something that the document lacks. */
import type * as Y from 'yjs';

export class Unapplied {
  readonly #store: Y.Doc['store'];

  constructor({ store }: Y.Doc) {
    this.#store = store;
  }

  get exists(): boolean {
    return this.#store.pendingStructs !== null || this.#store.pendingDs !== null;
  }

  /** Whether the change applied some of it. */
  comes(change: () => void): { readonly structs: boolean; readonly deletions: boolean } {
    const { pendingStructs: structs, pendingDs: deletions } = this.#store;
    change();
    return {
      structs: structs !== null && this.#store.pendingStructs !== structs,
      // Yjs writes them anew each time.
      deletions: deletions !== null && !areEqual(this.#store.pendingDs, deletions),
    };
  }

  /** The studio takes no update that holds any, and Yjs adds it to each that it makes of a document's state. */
  without<T>(make: () => T): T {
    const { pendingStructs: structs, pendingDs: deletions } = this.#store;
    this.#store.pendingStructs = null;
    this.#store.pendingDs = null;
    try {
      return make();
    } finally {
      this.#store.pendingStructs = structs;
      this.#store.pendingDs = deletions;
    }
  }
}

function areEqual(one: Uint8Array | null, other: Uint8Array): boolean {
  return one?.byteLength === other.byteLength && one.every((byte, index) => byte === other[index]);
}
