/** What is known before an update: the live document, and what was accepted since but is not in it yet. */
import * as Y from 'yjs';
import { LeanMap } from './lean-map.ts';
import type { Parents, Place } from './placement.ts';
import { type Range, RangeSet } from './range-set.ts';
import { type DeleteRange, Ref, type Section, type Struct } from './update.ts';

/** Measured against a step through a list. */
const STRUCTS_MOVED_IN_A_STEP = 2_048;
const RANGES_MERGED_IN_A_STEP = 32;

export class Known {
  readonly #doc: Y.Doc;
  /** Accepted structs by client, following on the document's; ascending. */
  readonly #structs = new LeanMap<number, Struct[]>();
  readonly #deleted = new LeanMap<number, RangeSet>();

  constructor(doc: Y.Doc) {
    this.#doc = doc;
  }

  clock(client: number): number {
    const accepted = this.#structs.get(client)?.at(-1);
    return accepted ? accepted.clock + accepted.length : Y.getState(this.#doc.store, client);
  }

  /** The accepted struct that holds the clock, or else the document's. The clock must be known. */
  find(client: number, clock: number): Struct | Y.Item | Y.GC {
    const accepted = this.#structs.get(client);
    if (accepted && clock >= (accepted[0]?.clock ?? Infinity)) return accepted[indexHolding(accepted, clock)] as Struct;
    const structs = this.#doc.store.clients.get(client) as (Y.Item | Y.GC)[];
    return structs[Y.findIndexSS(structs, clock)] as Y.Item | Y.GC;
  }

  placeOf(client: number, clock: number, parents: Parents): Place {
    const found = this.find(client, clock);
    if (!isStruct(found)) return parents.placeOfItem(found);
    // Accepted structs were all placed when they were checked.
    return { parent: found.placed as Place['parent'], key: found.key };
  }

  /** Structs are sliced at the known clock already; deletions may be known. */
  add(sections: readonly Section[], deletes: readonly DeleteRange[]): void {
    for (const { client, structs } of sections) {
      const list = this.#structs.get(client);
      if (list) for (const struct of structs) list.push(struct);
      else this.#structs.set(client, [...structs]);
    }
    if (deletes.length === 0) return;
    for (const [client, added] of byClient(deletes)) {
      let ranges = this.#deleted.get(client);
      if (!ranges) this.#deleted.set(client, (ranges = new RangeSet()));
      ranges.addAll(added);
    }
  }

  /** What Yjs moves to split a struct of the document's client, after that many others, in units of its other steps. */
  splitSteps(client: number, splits: number): number {
    return ((this.#doc.store.clients.get(client)?.length ?? 0) + splits) / STRUCTS_MOVED_IN_A_STEP;
  }

  /** What adding deletions of the client's structs goes through, in the same units. */
  deletionSteps(client: number): number {
    return (this.#deleted.get(client)?.size ?? 0) / RANGES_MERGED_IN_A_STEP;
  }

  /** Hands out the parts of a range that are not deleted, as far as they are known. */
  undeleted(client: number, clock: number, end: number, found: (start: number, end: number) => void): void {
    const deleted = this.#deleted.get(client);
    const report = deleted ? (start: number, stop: number) => deleted.uncovered(start, stop, found) : found;
    const inDocument = Y.getState(this.#doc.store, client);
    if (clock < inDocument) {
      const structs = this.#doc.store.clients.get(client) as (Y.Item | Y.GC)[];
      const isDeleted = (struct: Y.Item | Y.GC): boolean => struct.deleted;
      alive(
        structs,
        Y.findIndexSS(structs, clock),
        clock,
        Math.min(end, inDocument),
        isDeleted,
        (item) => item.id.clock,
        report,
      );
    }
    const accepted = this.#structs.get(client);
    const first = accepted?.[0]?.clock ?? Infinity;
    if (accepted && end > first) {
      const start = Math.max(clock, first);
      const last = accepted.at(-1) as Struct;
      const stop = Math.min(end, last.clock + last.length);
      if (start < stop) aliveRanges(accepted, start, stop, report);
    }
  }

  /** Whether everything known is in the document. */
  get isSettled(): boolean {
    return this.#structs.size === 0;
  }

  clear(): void {
    this.#structs.clear();
    this.#deleted.clear();
  }
}

function byClient(deletes: readonly DeleteRange[]): Map<number, Range[]> {
  const clients = new Map<number, Range[]>();
  for (const { client, clock, end } of deletes) {
    const range = { start: clock, end };
    const ranges = clients.get(client);
    if (ranges) ranges.push(range);
    else clients.set(client, [range]);
  }
  return clients;
}

export function isStruct(found: Struct | Y.Item | Y.GC): found is Struct {
  return !('id' in found);
}

export function isTombstone(struct: Struct): boolean {
  return struct.ref === Ref.gc || struct.ref === Ref.deleted;
}

/** Index of the struct that holds the clock, which must lie in them. */
export function indexHolding(structs: readonly Struct[], clock: number): number {
  let low = 0;
  let high = structs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((structs[middle] as Struct).clock <= clock) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Hands out what lies in [start, stop), which the structs cover, and is no tombstone. */
export function aliveRanges(
  structs: readonly Struct[],
  start: number,
  stop: number,
  found: (start: number, end: number) => void,
): void {
  alive(structs, indexHolding(structs, start), start, stop, isTombstone, (struct) => struct.clock, found);
}

/** Joins the runs of structs that are not deleted, and hands them out clipped to [start, stop). */
function alive<T extends { readonly length: number }>(
  structs: readonly T[],
  from: number,
  start: number,
  stop: number,
  isDeleted: (struct: T) => boolean,
  clockOf: (struct: T) => number,
  found: (start: number, end: number) => void,
): void {
  let open = -1;
  let clock = start;
  for (let index = from; index < structs.length && clock < stop; index++) {
    const struct = structs[index] as T;
    if (isDeleted(struct)) {
      if (open >= 0) found(open, clock);
      open = -1;
    } else if (open < 0) open = clock;
    clock = clockOf(struct) + struct.length;
  }
  if (open >= 0) found(open, Math.min(clock, stop));
}
