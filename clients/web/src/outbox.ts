/** Edits made here that the studio has not acknowledged. */
import * as Y from 'yjs';
import { UNSENT_BYTES_MAX, UNSENT_UPDATES_MAX, UPDATES_PER_PUSH_MAX } from './limits.ts';
import { Unapplied } from './unapplied.ts';

interface Sent {
  /** What was handed out. */
  readonly update: Uint8Array;
  /** What it was made of. */
  readonly of: readonly Uint8Array[] | 'difference';
}

export class Outbox {
  readonly #doc: Y.Doc;
  readonly #unapplied: Unapplied;
  #unsent: Uint8Array[] = [];
  #bytes = 0;
  /** Handed out and not answered yet. */
  #sent: Sent | undefined;
  /** More than is kept one by one: it is in the document, and found as the difference to what the studio has. */
  #isDifference: boolean;
  /** What the studio has, as a state vector: what it said, and what it acknowledged. */
  #known = new Map<number, number>();

  /** What the document holds already counts as not acknowledged, unless it `wasSaved`. */
  constructor(doc: Y.Doc, wasSaved: boolean) {
    this.#doc = doc;
    this.#unapplied = new Unapplied(doc);
    this.#isDifference = !wasSaved && doc.store.clients.size > 0;
  }

  get isEmpty(): boolean {
    return this.#sent === undefined && !this.hasUnsent && !this.isStuck;
  }

  /** There are changes that can't be pushed: they build on some that neither the document nor the studio has. */
  get isStuck(): boolean {
    return this.#unapplied.exists;
  }

  get hasUnsent(): boolean {
    return this.#unsent.length > 0 || this.#isDifference;
  }

  add(update: Uint8Array): void {
    if (this.#isDifference) return;
    this.#unsent.push(update);
    this.#bytes += update.byteLength;
    const isTooMuch = this.#unsent.length > 1 && this.#bytes > UNSENT_BYTES_MAX;
    if (isTooMuch || this.#unsent.length > UNSENT_UPDATES_MAX) this.#useDifference();
  }

  /**
   * Takes an update of the studio's into the document. With it may come what the document held and could not apply yet:
   * that is unsent then.
   */
  takeIn(update: Uint8Array, origin: unknown): void {
    this.#learn(update);
    const came = this.#unapplied.comes(() => Y.applyUpdate(this.#doc, update, origin));
    if (came.deletions || (came.structs && this.#hasBeyond())) this.#useDifference();
  }

  /** The studio has what this update holds. */
  #learn(update: Uint8Array): void {
    for (const [client, clock] of Y.parseUpdateMeta(update).to)
      if (clock > (this.#known.get(client) ?? 0)) this.#known.set(client, clock);
  }

  /** A new connection: an update whose answer was lost may be in or not, so all is sent that the studio then lacks. */
  startOver(stateVector: Uint8Array): void {
    this.#known = Y.decodeStateVector(stateVector);
    if (this.#sent || this.hasUnsent || this.#hasBeyond()) this.#useDifference();
    this.#sent = undefined;
  }

  /** The next update to push; undefined when there is none. Answered by `settle` or `putBack`. */
  take(): Uint8Array | undefined {
    if (this.#isDifference) {
      this.#isDifference = false;
      const update = this.#unapplied.without(() => Y.encodeStateAsUpdate(this.#doc, Y.encodeStateVector(this.#known)));
      this.#sent = { update, of: 'difference' };
      return update;
    }
    const batch = this.#takeBatch();
    const [first] = batch;
    if (!first) return undefined;
    const update = batch.length === 1 ? first : Y.mergeUpdates(batch);
    this.#sent = { update, of: batch };
    return update;
  }

  settle(): void {
    if (this.#sent) this.#learn(this.#sent.update);
    this.#sent = undefined;
  }

  putBack(): void {
    const sent = this.#sent?.of;
    this.#sent = undefined;
    if (sent === 'difference') this.#useDifference();
    else if (sent && !this.#isDifference) {
      this.#unsent.unshift(...sent);
      for (const update of sent) this.#bytes += update.byteLength;
    }
  }

  /** One that is large goes alone, so that the studio takes it if it takes it at all. */
  #takeBatch(): Uint8Array[] {
    let count = 0;
    let bytes = 0;
    for (const { byteLength } of this.#unsent.slice(0, UPDATES_PER_PUSH_MAX)) {
      if (count > 0 && bytes + byteLength > UNSENT_BYTES_MAX) break;
      count += 1;
      bytes += byteLength;
    }
    this.#bytes -= bytes;
    return this.#unsent.splice(0, count);
  }

  #useDifference(): void {
    this.#isDifference = true;
    this.#unsent = [];
    this.#bytes = 0;
  }

  /** The document has something that the studio has not: an answer was lost, or the studio's past was. */
  #hasBeyond(): boolean {
    for (const client of this.#doc.store.clients.keys())
      if (Y.getState(this.#doc.store, client) > (this.#known.get(client) ?? 0)) return true;
    return false;
  }
}
