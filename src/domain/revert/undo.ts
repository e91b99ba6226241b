/** Undoes effects in a document that has kept what was deleted: always by new changes, as any author would make them. */
import * as Y from 'yjs';
import type { Copy } from './copies.ts';
import { addRange, type Effects, holds, merged, noRanges } from './effects.ts';

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
    const find = (struct: Y.Item | Y.GC, isValue: boolean): void => {
      if (!(struct instanceof Y.Item) || !struct.deleted || holds(effects.insertions, struct.id)) return;
      const { client, clock } = struct.id;
      if (struct.parentSub === null) {
        if (!isValue) addRange(found, client, clock, struct.length);
      } else if (!options.isKeyTaken?.(struct)) {
        const last = lastValue(struct, effects);
        if (last !== undefined) addRange(found, client, last, 1);
      }
    };
    Y.iterateDeletedStructs(transaction, effects.deletions, (struct) => find(struct, false));
    Y.iterateDeletedStructs(transaction, effects.values ?? noRanges(), (struct) => find(struct, true));
    const deletions = merged(found);
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
 * The clock of the item's value that was the last of its key but for what is being undone; undefined if something that
 * stays has set or removed the key after it. Yjs joins values of a key that followed each other into one item.
 */
function lastValue(item: Y.Item, { judge }: Effects): number | undefined {
  const { client } = item.id;
  for (let offset = item.length - 1; offset >= 0; offset--) {
    const value = Y.createID(client, item.id.clock + offset);
    if (isLast(item, value, judge)) return value.clock;
  }
  return undefined;
}

function isLast(item: Y.Item, value: Y.ID, judge: Effects['judge']): boolean {
  const { _map: values } = item.parent as Y.AbstractType<unknown>;
  for (let at = values.get(item.parentSub as string) ?? null; at !== null; at = at.left) {
    for (let offset = at.length - 1; offset >= 0; offset--) {
      const verdict = judge(Y.createID(at.id.client, at.id.clock + offset), value);
      if (verdict !== 'passed') return verdict === 'reached';
    }
  }
  return false;
}
