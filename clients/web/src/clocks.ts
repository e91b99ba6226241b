/** What a document has of each client, compared with what it had, or with what the studio has. */
import * as Y from 'yjs';

/** Whether there is something in what the vector describes that the document has not. */
export function lacks(doc: Y.Doc, stateVector: Uint8Array): boolean {
  for (const [client, clock] of Y.decodeStateVector(stateVector))
    if (Y.getState(doc.store, client) < clock) return true;
  return false;
}

/** Something that watches the document changed it while another's update was being taken in. */
export function isAlsoOwn({ afterState, beforeState, doc }: Y.Transaction): boolean {
  return (afterState.get(doc.clientID) ?? 0) > (beforeState.get(doc.clientID) ?? 0);
}
