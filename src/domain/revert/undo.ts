/** Undoes effects in a document that has kept what was deleted: always by new changes, as any author would make them. */
import * as Y from 'yjs';
import { addRange, noRanges, type Effects } from './effects.ts';

export interface UndoOptions {
  /** Whether a key was set by something this document does not hold: then it is left alone. */
  readonly isKeyTaken?: (item: Y.Item) => boolean;
}

/**
 * One transaction: deletes what was inserted and is still there, and inserts anew, where it was, what was deleted. A key
 * gets its former value back only if that is the last one but for what is being undone. The document must not have been
 * used for this before, since Yjs notes on deleted items what came in their place.
 */
export function undo(doc: Y.Doc, effects: Effects, options: UndoOptions = {}): void {
  doc.transact((transaction) => {
    const deletions = noRanges();
    Y.iterateDeletedStructs(transaction, effects.deletions, (struct) => {
      if (!(struct instanceof Y.Item) || !struct.deleted || Y.isDeleted(effects.insertions, struct.id)) return;
      if (struct.parentSub !== null && (!isLastValue(struct, effects) || options.isKeyTaken?.(struct))) return;
      addRange(deletions, struct.id.client, struct.id.clock, struct.length);
    });
    // Which keys to leave alone is decided above: Yjs decides it by the order in which it happens on the items.
    const manager = new Y.UndoManager(doc, { ignoreRemoteMapChanges: true, trackedOrigins: new Set() });
    manager.undoStack.push({ insertions: effects.insertions, deletions, meta: new Map() });
    manager.undo();
    manager.destroy();
  });
}

/** Whether nothing that stays has set or removed the key after this. */
function isLastValue(item: Y.Item, { insertions, unseen, deletedByOthers }: Effects): boolean {
  const { _map: values } = item.parent as Y.AbstractType<unknown>;
  let last: Y.Item | null = values.get(item.parentSub as string) ?? null;
  while (last !== null && last !== item) {
    const isUndone = Y.isDeleted(insertions, last.id) && !Y.isDeleted(deletedByOthers, last.id);
    if (!isUndone && !Y.isDeleted(unseen, last.id)) return false;
    last = last.left;
  }
  return last === item;
}
