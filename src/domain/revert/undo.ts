/** Undoes effects in a document that has kept what was deleted: always by new changes, as any author would make them. */
import * as Y from 'yjs';
import type { Copy } from './copies.ts';
import { addRange, type Effects, holds, lastFrom, merged, noRanges, type Ranges } from './effects.ts';

export interface UndoOptions {
  /** Whether a key was set by something this document does not hold: then it is left alone. */
  readonly isKeyTaken?: (item: Y.Item) => boolean;
}

/**
 * One transaction: deletes what was inserted and is still there, and inserts anew, where it was, what was deleted. A key
 * gets its former value back only if nothing that stays has set or removed it since. Returns what is a copy of what.
 * The document must not have been used for this before, since Yjs notes on deleted items what came in their place.
 */
export function undo(doc: Y.Doc, effects: Effects, options: UndoOptions = {}): readonly Copy[] {
  const copies: Copy[] = [];
  doc.transact((transaction) => {
    const found = noRanges();
    const keys = new KeyValues(effects);
    const find = (struct: Y.Item | Y.GC, isValue: boolean): void => {
      if (!(struct instanceof Y.Item) || !struct.deleted || holds(effects.insertions, struct.id)) return;
      const { client, clock } = struct.id;
      if (struct.parentSub === null) {
        if (!isValue) addRange(found, client, clock, struct.length);
      } else if (!options.isKeyTaken?.(struct)) {
        const last = keys.last(struct);
        if (last !== undefined) addRange(found, client, last, 1);
      }
    };
    Y.iterateDeletedStructs(transaction, effects.deletions, (struct) => find(struct, false));
    Y.iterateDeletedStructs(transaction, effects.values ?? noRanges(), (struct) => find(struct, true));
    const deletions = merged([found]);
    // Which keys to leave alone is decided above: Yjs decides it by the order in which it happens on the items.
    const manager = new Y.UndoManager(doc, { ignoreRemoteMapChanges: true, trackedOrigins: new Set() });
    manager.undoStack.push({ insertions: effects.insertions, deletions, meta: new Map() });
    manager.undo();
    manager.destroy();
    Y.iterateDeletedStructs(transaction, deletions, (struct) => {
      if (struct instanceof Y.Item && struct.redone) addCopy(copies, struct.id, struct.length, struct.redone.clock);
    });
  });
  return copies;
}

/** Neighbours that were copied to neighbours are one copy. */
function addCopy(copies: Copy[], { client, clock }: Y.ID, length: number, newClock: number): void {
  const last = copies.at(-1);
  const follows =
    last?.client === client && last.clock + last.length === clock && last.newClock + last.length === newClock;
  if (last && follows) copies[copies.length - 1] = { ...last, length: last.length + length };
  else copies.push({ client, clock, length, newClock });
}

/**
 * What keys had last, but for what is being undone. Told by ranges, never value by value: Yjs joins values of a key that
 * followed each other into one item, and one that was sent as deleted may say to be billions.
 */
class KeyValues {
  readonly #effects: Effects;
  readonly #reached = new Map<Y.AbstractType<unknown>, Map<string, Ranges>>();

  constructor(effects: Effects) {
    this.#effects = effects;
  }

  /**
   * The clock of the item's value that was the last of its key; undefined if something that stays has set or removed the
   * key after it.
   */
  last({ id: { client, clock }, length, parent, parentSub }: Y.Item): number | undefined {
    const reached = this.#reachedOf(parent as Y.AbstractType<unknown>, parentSub as string);
    let last: number | undefined;
    const { originalsOf = (range, found): void => found(range, 0) } = this.#effects;
    originalsOf({ client, clock, length }, (original, offset) => {
      const end = original.clock + original.length;
      const range = lastFrom(reached, original.client, end - 1);
      const highest = range ? Math.min(range.clock + range.len, end) - 1 : -1;
      if (highest >= original.clock) last = Math.max(last ?? 0, clock + offset + highest - original.clock);
    });
    return last;
  }

  /** The values of a key from the newest back to the first that counts. */
  #reachedOf(parent: Y.AbstractType<unknown>, key: string): Ranges {
    let ofParent = this.#reached.get(parent);
    if (!ofParent) this.#reached.set(parent, (ofParent = new Map()));
    let reached = ofParent.get(key);
    if (!reached) ofParent.set(key, (reached = this.#reach(parent._map.get(key))));
    return reached;
  }

  #reach(newest: Y.Item | undefined): Ranges {
    const reached = noRanges();
    for (let at = newest ?? null; at !== null; at = at.left) {
      const { client, clock } = at.id;
      const end = clock + at.length;
      const range = lastFrom(this.#effects.passed, client, end - 1);
      // Below it the first that counts.
      const passedFrom = range && range.clock + range.len >= end ? range.clock : end;
      const from = Math.max(clock, passedFrom - 1);
      addRange(reached, client, from, end - from);
      if (passedFrom > clock) break;
    }
    return merged([reached]);
  }
}
