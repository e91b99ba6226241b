import * as Y from 'yjs';
import { rootOf } from '../domain/content/document.ts';

/** A running count of the UTF-8 bytes of a text document, kept by what each transaction adds and deletes. */
export function trackTextSize(doc: Y.Doc): () => number {
  const count = (): number => Buffer.byteLength(rootOf(doc, 'text').toJSON());
  let bytes = count();
  // Before Yjs collects deleted content, which is when 'update' listeners would run. `afterState` names only ids the
  // transaction looked at, where the document has many.
  doc.on('afterTransaction', (transaction: Y.Transaction) => {
    if (transaction._mergeStructs.some(beginsWithReplacement)) {
      bytes = count();
      return;
    }
    for (const [client, after] of transaction.afterState) {
      const before = transaction.beforeState.get(client) ?? 0;
      if (after > before) bytes += addedBytes(doc, client, before);
    }
    Y.iterateDeletedStructs(transaction, transaction.deleteSet, (struct: Y.Item | Y.GC) => {
      const isOld = struct.id.clock < (transaction.beforeState.get(struct.id.client) ?? 0);
      if (isOld && struct instanceof Y.Item && struct.content instanceof Y.ContentString) {
        bytes -= Buffer.byteLength(struct.content.str);
      }
    });
  });
  return () => bytes;
}

/** Where an update splits a surrogate pair, Yjs puts a replacement character for each half into text it already had. */
function beginsWithReplacement(struct: object): boolean {
  return (
    struct instanceof Y.Item && struct.content instanceof Y.ContentString && struct.content.str.startsWith('\ufffd')
  );
}

function addedBytes(doc: Y.Doc, client: number, fromClock: number): number {
  const structs = doc.store.clients.get(client) ?? [];
  let bytes = 0;
  for (let index = Y.findIndexSS(structs, fromClock); index < structs.length; index++) {
    const struct = structs[index];
    if (struct instanceof Y.Item && !struct.deleted && struct.content instanceof Y.ContentString) {
      bytes += Buffer.byteLength(struct.content.str);
    }
  }
  return bytes;
}
