/** Undoes effects in a document that has kept what was deleted: always by new changes, as any author would make them. */
import * as Y from 'yjs';
import type { Copy } from './copies.ts';
import { addRange, type Effects, holds, noRanges } from './effects.ts';

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
    const deletions = noRanges();
    Y.iterateDeletedStructs(transaction, effects.deletions, (struct) => {
      if (!(struct instanceof Y.Item) || !struct.deleted || holds(effects.insertions, struct.id)) return;
      if (struct.parentSub !== null && (!isLastValue(struct, effects) || options.isKeyTaken?.(struct))) return;
      addRange(deletions, struct.id.client, struct.id.clock, struct.length);
    });
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

/** Whether nothing that stays has set or removed the key after this. */
function isLastValue(item: Y.Item, effects: Effects): boolean {
  const { _map: values } = item.parent as Y.AbstractType<unknown>;
  let last: Y.Item | null = values.get(item.parentSub as string) ?? null;
  while (last !== null && last !== item && effects.isPassed(last.id, item.id)) last = last.left;
  return last === item;
}
