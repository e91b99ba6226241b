import * as Y from 'yjs';
import { addedStrings } from '../../domain/content/added-strings.ts';
import { rootOf } from '../../domain/content/document.ts';

/** A running count of the UTF-8 bytes of a text document, kept by what each transaction adds and deletes. */
export function trackTextSize(doc: Y.Doc): () => number {
  const count = (): number => Buffer.byteLength(rootOf(doc, 'text').toJSON());
  let bytes = count();
  // Before Yjs collects deleted content, which is when 'update' listeners would run.
  doc.on('afterTransaction', (transaction: Y.Transaction) => {
    if (transaction._mergeStructs.some(beginsWithReplacement)) {
      bytes = count();
      return;
    }
    for (const added of addedStrings(transaction)) bytes += Buffer.byteLength(added);
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
