/** What deltas did to a document, as ranges of client clocks: what they inserted, and what they deleted. */
import * as Y from 'yjs';
import type { Delta } from '../delta.ts';

/** As Yjs keeps sets of ranges: by client, ascending and disjoint once merged. */
export type Ranges = ReturnType<typeof Y.createDeleteSet>;

export interface Effects {
  /** Merged. */
  readonly insertions: Ranges;
  /** Merged. What is in `insertions` too is not looked at. */
  readonly deletions: Ranges;
  /** Merged. What may be the value of its key again, though it is not now for other reasons than that it was deleted. */
  readonly values?: Ranges;
  /** Merged. Values that do not count where it is asked what a key had last: from the newest back, the first other one does. */
  readonly passed: Ranges;
  /** The values that a range of values is a copy of, piece by piece, each at its offset. Absent: nothing is a copy. */
  readonly originalsOf?: (range: IdRange, found: (piece: IdRange, offset: number) => void) => void;
}

export interface IdRange {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
}

export function noRanges(): Ranges {
  return Y.createDeleteSet();
}

export function addRange(ranges: Ranges, client: number, clock: number, len: number): void {
  const list = ranges.clients.get(client);
  if (list) list.push({ clock, len });
  else ranges.clients.set(client, [{ clock, len }]);
}

/** `ranges` merged. */
export function holds(ranges: Ranges, id: { readonly client: number; readonly clock: number }): boolean {
  return Y.isDeleted(ranges, id);
}

export function merged(ranges: readonly Ranges[]): Ranges {
  return Y.mergeDeleteSets([...ranges]);
}

/** The last of the client's ranges that begins at the clock or before it. `ranges` merged. */
export function lastFrom(
  ranges: Ranges,
  client: number,
  clock: number,
): { readonly clock: number; readonly len: number } | undefined {
  const list = ranges.clients.get(client) ?? [];
  return list[firstAfter(list, clock) - 1];
}

/** The index of the first range that begins after the clock. */
function firstAfter(list: readonly { readonly clock: number }[], clock: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.clock ?? Infinity) <= clock) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The parts of a range that are in `ranges`, ascending. `ranges` merged. */
export function* partsIn(ranges: Ranges, { client, clock, length }: IdRange): Generator<IdRange> {
  const list = ranges.clients.get(client) ?? [];
  const end = clock + length;
  for (let at = Math.max(0, firstAfter(list, clock) - 1); at < list.length; at++) {
    const range = list[at] as { clock: number; len: number };
    if (range.clock >= end) return;
    const start = Math.max(range.clock, clock);
    const stop = Math.min(range.clock + range.len, end);
    if (start < stop) yield { client, clock: start, length: stop - start };
  }
}

/** What a delta brought of new structs. The log holds of each update only what was new. */
export function insertedBy(delta: Pick<Delta, 'updates'>, into: Ranges): void {
  for (const update of delta.updates) {
    const { from, to } = Y.parseUpdateMeta(update);
    for (const [client, end] of to) {
      const start = from.get(client) ?? 0;
      if (end > start) addRange(into, client, start, end - start);
    }
  }
}

/** What leads from `version` to `later`, which holds all of it and has kept what was deleted. */
export function effectsBetween(version: Y.Doc, later: Y.Doc): Effects {
  const insertions = noRanges();
  for (const client of later.store.clients.keys()) {
    const start = Y.getState(version.store, client);
    const end = Y.getState(later.store, client);
    if (end > start) addRange(insertions, client, start, end - start);
  }
  const known = noRanges();
  for (const [client, ranges] of Y.createDeleteSetFromStructStore(later.store).clients) {
    const limit = Y.getState(version.store, client);
    for (const { clock, len } of ranges) {
      if (clock < limit) addRange(known, client, clock, Math.min(len, limit - clock));
    }
  }
  const deletions = without(known, Y.createDeleteSetFromStructStore(version.store));
  return { insertions, deletions, passed: insertions };
}

/** What the delta says it deletes, whether or not somebody else had already. */
export function deletedBy(delta: Pick<Delta, 'updates'>): Ranges {
  return merged(delta.updates.map((update) => Y.decodeUpdate(update).ds));
}

/** Applies a delta to a document that holds everything before it. Returns what it deleted there, merged. */
export function replay(doc: Y.Doc, delta: Pick<Delta, 'updates'>): Ranges {
  let deleted = noRanges();
  const collect = (transaction: Y.Transaction): void => {
    deleted = transaction.deleteSet;
  };
  doc.on('afterTransaction', collect);
  try {
    Y.transact(doc, () => delta.updates.forEach((update) => Y.applyUpdate(doc, update)), undefined, false);
  } finally {
    doc.off('afterTransaction', collect);
  }
  return deleted;
}

/** The parts of `ranges` that are in `other` too. Both merged. */
export function common(ranges: Ranges, other: Ranges): Ranges {
  const found = noRanges();
  for (const [client, list] of ranges.clients) {
    const others = other.clients.get(client) ?? [];
    let next = 0;
    for (const { clock, len } of list) {
      const end = clock + len;
      while (next < others.length && endOf(others[next]) <= clock) next += 1;
      for (let at = next; at < others.length; at++) {
        const { clock: start } = others[at] as { clock: number };
        if (start >= end) break;
        const from = Math.max(start, clock);
        addRange(found, client, from, Math.min(end, endOf(others[at])) - from);
      }
    }
  }
  return found;
}

/** The parts of `ranges` that are not in `other`. Both merged. */
export function without(ranges: Ranges, other: Ranges): Ranges {
  const left = noRanges();
  const shared = common(ranges, other);
  for (const [client, list] of ranges.clients) {
    const taken = shared.clients.get(client) ?? [];
    let next = 0;
    for (const { clock, len } of list) {
      let start = clock;
      for (let range = taken[next]; range && range.clock < clock + len; range = taken[++next]) {
        if (range.clock > start) addRange(left, client, start, range.clock - start);
        start = endOf(range);
      }
      if (start < clock + len) addRange(left, client, start, clock + len - start);
    }
  }
  return left;
}

function endOf(range: { readonly clock: number; readonly len: number } | undefined): number {
  return range ? range.clock + range.len : Infinity;
}
