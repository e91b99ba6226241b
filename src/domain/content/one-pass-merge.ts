/**
 * Merging what a transaction deleted, in one pass. Yjs takes each merged run out of the client's array by itself, and
 * moves all that follows: a deletion of 20,000 paragraphs, 12 bytes, then takes more than a second. Here the places are
 * noted and the array is closed up once. What is merged, and in which order, is what Yjs merges, so that the structs are
 * the same.
 */
import * as Y from 'yjs';

type Struct = Y.Item | Y.GC;
type Ranges = Parameters<Parameters<Y.Transaction['deleteSet']['clients']['forEach']>[0]>[0];

/** Fewer structs than that are as fast one by one. */
const STRUCTS_MERGED_SINGLY = 16;

/** To be called when a transaction begins. */
export function beginOnePassMerge(transaction: Y.Transaction): void {
  transaction.deleteSet.clients = new DeletedRanges(transaction);
}

/** When its observers are done: what Yjs does next is to collect and merge what was deleted. */
export function expectMerge(transaction: Y.Transaction): void {
  const { clients } = transaction.deleteSet;
  if (clients instanceof DeletedRanges) clients.expectMerge();
}

/** When Yjs is done with merging. */
export function endOnePassMerge(transaction: Y.Transaction): void {
  const { clients } = transaction.deleteSet;
  if (clients instanceof DeletedRanges) clients.mergeHeldBack();
}

/** A transaction's deletions by client. Merges them when Yjs is about to: it then goes through them by `forEach`. */
class DeletedRanges extends Map<number, Ranges> {
  readonly #transaction: Y.Transaction;
  #isMergeNext = false;
  #heldBack: Y.AbstractStruct[] = [];

  constructor(transaction: Y.Transaction) {
    super();
    this.#transaction = transaction;
  }

  expectMerge(): void {
    this.#isMergeNext = true;
  }

  override forEach(visit: (ranges: Ranges, client: number, map: Map<number, Ranges>) => void): void {
    if (!this.#isMergeNext) {
      super.forEach(visit);
      return;
    }
    this.#isMergeNext = false;
    const { doc, _mergeStructs: touched } = this.#transaction;
    for (const [client, ranges] of this) {
      const structs = doc.store.clients.get(client) as Struct[];
      if (structsIn(structs, ranges) <= STRUCTS_MERGED_SINGLY) visit(ranges, client, this);
      else mergeRanges(structs, ranges);
    }
    // Yjs merges these last, after what is new.
    if (touched.length > STRUCTS_MERGED_SINGLY) this.#heldBack = touched.splice(0);
  }

  mergeHeldBack(): void {
    if (this.#heldBack.length > 0) mergeTouched(this.#transaction.doc.store, this.#heldBack);
    this.#heldBack = [];
  }
}

function structsIn(structs: readonly Struct[], ranges: Ranges): number {
  let count = ranges.length;
  for (const { clock, len } of ranges) {
    if (count > STRUCTS_MERGED_SINGLY) break;
    count += Y.findIndexSS(structs as Struct[], clock + len - 1) - Y.findIndexSS(structs as Struct[], clock);
  }
  return count;
}

/** As `tryMergeDeleteSet` of Yjs. */
function mergeRanges(structs: Struct[], ranges: Ranges): void {
  // Yjs has sorted them by now.
  const [first, last] = [ranges[0], ranges.at(-1)];
  if (!first || !last) return;
  const merges = new Merges(structs, first.clock, last.clock + last.len - 1);
  for (const { clock, len } of ranges.toReversed()) {
    let at = merges.holding(clock + len - 1);
    at = merges.after(at) ?? at;
    while (at > 0 && merges.clock(at) >= clock) at = merges.before(merges.mergeLeft(at)) ?? 0;
  }
  merges.close();
}

/** As the end of `cleanupTransactions` of Yjs. */
function mergeTouched(store: Y.Doc['store'], touched: readonly Y.AbstractStruct[]): void {
  const clients = new Map<number, Merges>();
  for (const { id } of touched.toReversed()) {
    let merges = clients.get(id.client);
    if (!merges) {
      const structs = store.clients.get(id.client) as Struct[];
      clients.set(id.client, (merges = new Merges(structs, id.clock, id.clock)));
    }
    const at = merges.holding(id.clock);
    const next = merges.after(at);
    if (next !== undefined) merges.mergeLeft(next);
    // Merged or not, what holds it now is tried once more: a second look at the same neighbours changes nothing.
    merges.mergeLeft(merges.holding(id.clock));
  }
  for (const merges of clients.values()) merges.close();
}

/** A client's structs, of which some are merged into one left of them and not taken out yet. */
class Merges {
  readonly #structs: Struct[];
  /** The places that were looked at, and so may be merged, are `#low` and those after it, as many as the arrays hold. */
  #low: number;
  /** Of each of them one nearer to the struct it was merged into; itself if it was not. */
  #into: Int32Array;
  /** Of one that stands, the last place merged into it. */
  #last: Int32Array;
  #first: number;

  constructor(structs: Struct[], lowClock: number, highClock: number) {
    this.#structs = structs;
    this.#low = this.#search(lowClock);
    this.#into = places(this.#low, this.#search(highClock) + 2);
    this.#last = this.#into.slice();
    this.#first = structs.length;
  }

  clock(at: number): number {
    return (this.#structs[at] as Struct).id.clock;
  }

  /** Place of the struct that holds the clock. */
  holding(clock: number): number {
    return this.#standing(this.#search(clock));
  }

  before(at: number): number | undefined {
    return at > 0 ? this.#standing(at - 1) : undefined;
  }

  after(at: number): number | undefined {
    const next = (this.#last[at - this.#low] ?? at) + 1;
    return next < this.#structs.length ? next : undefined;
  }

  /** Merges it with its left neighbours, as far as they go with it. Returns where it is then. As `tryToMergeWithLefts`. */
  mergeLeft(from: number): number {
    let at = from;
    for (let place = this.before(at); place !== undefined; place = this.before(at)) {
      const right = this.#structs[at] as Struct;
      const left = this.#structs[place] as Struct;
      if (left.deleted !== right.deleted || left.constructor !== right.constructor) break;
      if (!left.mergeWith(right as never)) break;
      if (right instanceof Y.Item && right.parentSub !== null) {
        const { _map: map } = right.parent as Y.AbstractType<unknown>;
        if (map.get(right.parentSub) === right) map.set(right.parentSub, left as Y.Item);
      }
      this.#cover(place, at);
      this.#into[at - this.#low] = place;
      this.#last[place - this.#low] = this.#last[at - this.#low] as number;
      this.#first = Math.min(this.#first, at);
      at = place;
    }
    return at;
  }

  /** Takes what was merged out of the client's structs. */
  close(): void {
    let end = this.#first;
    const beyond = this.#low + this.#into.length;
    for (let place = end; place < beyond; place++) {
      if (this.#into[place - this.#low] === place && place < this.#structs.length)
        this.#structs[end++] = this.#structs[place] as Struct;
    }
    if (end < beyond) this.#structs.splice(end, beyond - end);
  }

  #search(clock: number): number {
    let low = 0;
    let high = this.#structs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.clock(middle) <= clock) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #standing(place: number): number {
    let at = place;
    for (let next = this.#into[at - this.#low] ?? at; next !== at; next = this.#into[at - this.#low] as number) {
      this.#into[at - this.#low] = this.#into[next - this.#low] ?? next;
      at = next;
    }
    return at;
  }

  /** What is merged may lie beyond what was to be looked at: then twice as much is, so that it seldom has to be widened. */
  #cover(first: number, last: number): void {
    const end = this.#low + this.#into.length;
    if (first >= this.#low && last < end) return;
    const more = this.#into.length + 1;
    const low = first < this.#low ? Math.max(0, Math.min(first, this.#low - more)) : this.#low;
    const into = places(low, last < end ? end : Math.max(last + 1, end + more));
    const lasts = into.slice();
    into.set(this.#into, this.#low - low);
    lasts.set(this.#last, this.#low - low);
    [this.#low, this.#into, this.#last] = [low, into, lasts];
  }
}

function places(from: number, end: number): Int32Array {
  const all = new Int32Array(end - from);
  for (let index = 0; index < all.length; index++) all[index] = from + index;
  return all;
}
