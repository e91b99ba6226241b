/** Edits made here that the studio has not acknowledged. */
import * as Y from 'yjs';
import { UNSENT_BYTES_MAX, UNSENT_UPDATES_MAX, UPDATES_PER_PUSH_MAX } from './limits.ts';

export class Outbox {
  readonly #doc: Y.Doc;
  #unsent: Uint8Array[] = [];
  #bytes = 0;
  /** Handed out and not answered yet. */
  #sent: readonly Uint8Array[] | 'difference' | undefined;
  /** More than is kept one by one: it is in the document, and found as the difference to `#base`. */
  #isDifference: boolean;
  /** The studio's state vector, at the last opening. */
  #base: Uint8Array | undefined;

  /** What the document holds already counts as not acknowledged. */
  constructor(doc: Y.Doc) {
    this.#doc = doc;
    this.#isDifference = doc.store.clients.size > 0;
  }

  get isEmpty(): boolean {
    return this.#sent === undefined && !this.hasUnsent;
  }

  get hasUnsent(): boolean {
    return this.#unsent.length > 0 || this.#isDifference;
  }

  add(update: Uint8Array): void {
    if (this.#isDifference) return;
    this.#unsent.push(update);
    this.#bytes += update.byteLength;
    if (this.#unsent.length > UNSENT_UPDATES_MAX || this.#bytes > UNSENT_BYTES_MAX) this.#useDifference();
  }

  /** A new connection: an update whose answer was lost may be in or not, so all is sent that the studio then lacks. */
  startOver(stateVector: Uint8Array): void {
    this.#base = stateVector;
    if (!this.isEmpty || hasBeyond(this.#doc, stateVector)) this.#useDifference();
    this.#sent = undefined;
  }

  /** The next update to push; undefined when there is none. Answered by `settle` or `putBack`. */
  take(): Uint8Array | undefined {
    if (this.#isDifference) {
      this.#isDifference = false;
      this.#sent = 'difference';
      return Y.encodeStateAsUpdate(this.#doc, this.#base);
    }
    const batch = this.#unsent.splice(0, UPDATES_PER_PUSH_MAX);
    const [first] = batch;
    if (!first) return undefined;
    this.#sent = batch;
    for (const update of batch) this.#bytes -= update.byteLength;
    return batch.length === 1 ? first : Y.mergeUpdates(batch);
  }

  settle(): void {
    this.#sent = undefined;
  }

  putBack(): void {
    const sent = this.#sent;
    this.#sent = undefined;
    if (sent === 'difference') this.#useDifference();
    else if (sent && !this.#isDifference) {
      this.#unsent.unshift(...sent);
      for (const update of sent) this.#bytes += update.byteLength;
    }
  }

  #useDifference(): void {
    this.#isDifference = true;
    this.#unsent = [];
    this.#bytes = 0;
  }
}

/** The document has something that is not in what the vector describes: an answer was lost, or the studio's past was. */
function hasBeyond(doc: Y.Doc, stateVector: Uint8Array): boolean {
  const known = Y.decodeStateVector(stateVector);
  for (const [client, clock] of Y.decodeStateVector(Y.encodeStateVector(doc)))
    if (clock > (known.get(client) ?? 0)) return true;
  return false;
}
