import * as Y from 'yjs';

/**
 * The texts that a transaction put into its document and that are not deleted again. For listeners of
 * 'afterTransaction': then nothing new is merged with what was there. `afterState` names only the ids the transaction
 * looked at, where the document has many.
 */
export function* addedStrings({ doc, beforeState, afterState }: Y.Transaction): Generator<string> {
  for (const [client, after] of afterState) {
    const before = beforeState.get(client) ?? 0;
    if (after <= before) continue;
    const structs = doc.store.clients.get(client) ?? [];
    for (let index = Y.findIndexSS(structs, before); index < structs.length; index++) {
      const struct = structs[index];
      if (struct instanceof Y.Item && !struct.deleted && struct.content instanceof Y.ContentString) {
        yield struct.content.str;
      }
    }
  }
}
