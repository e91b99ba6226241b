/** Where every server-side Y.Doc is made, and where in it a blob's content lives. */
import * as Y from 'yjs';
import { addedStrings } from './added-strings.ts';
import { type Alphabet, alphabetOf, union } from './alphabet.ts';
import { beginOnePassMerge, endOnePassMerge, expectMerge } from './one-pass-merge.ts';
import type { Shape } from './shape.ts';

/**
 * A document that authors nothing by itself (G3). After a remote change of formatted text Yjs deletes the format marks
 * it holds for redundant: edits that are in no log, so that documents made from the same deltas differ. It does so only
 * for transactions it takes for remote, so each one is called local before the observers, which decide it, run. (Nor
 * does Yjs then replace the document's client id when it sees it in an update.)
 *
 * `gc`: true for live documents; false where deleted content must stay readable.
 */
export function createDocument(options: { readonly gc: boolean }): Y.Doc {
  const doc = new QuietDocument({ gc: options.gc });
  doc.on('beforeObserverCalls', (transaction: Y.Transaction) => {
    if (transaction.local) return;
    // Yjs forgets where in each list it last was only for remote transactions. Without this, the next edit made on
    // this document by an index lands in a wrong place.
    for (const type of transaction.changed.keys()) forgetPositions(type);
    transaction.local = true;
  });
  return doc;
}

/**
 * Yjs tells of six moments in each transaction, and makes lists of those who listen even where nobody does. Its list of
 * the transactions that are over it leaves filled: made between two of them, the list is often old to the collector, and
 * would then keep a transaction's dozen of maps and sets until the next full collection.
 */
class QuietDocument extends Y.Doc {
  #alphabet: Alphabet | undefined;

  override emit(...[name, args]: Parameters<Y.Doc['emit']>): void {
    if (name === 'beforeTransaction') beginOnePassMerge((args as [Y.Transaction, Y.Doc])[0]);
    else if (name === 'afterTransactionCleanup') endOnePassMerge((args as [Y.Transaction, Y.Doc])[0]);
    if (this._observers.has(name)) super.emit(name, args);
    // After all who listen: they may go through the deletions too.
    if (name === 'afterTransaction') expectMerge((args as [Y.Transaction, Y.Doc])[0]);
    if (name === 'afterAllTransactions') (args as [Y.Doc, Y.Transaction[]])[1].length = 0;
  }

  /** Read once, and from then on by what each transaction adds. What is deleted still counts. */
  get textAlphabet(): Alphabet {
    if (this.#alphabet !== undefined) return this.#alphabet;
    this.on('afterTransaction', (transaction: Y.Transaction) => {
      for (const added of addedStrings(transaction)) {
        if (this.#alphabet === 'any') return;
        this.#alphabet = union(this.#alphabet ?? 'ascii', alphabetOf(added));
      }
    });
    return (this.#alphabet = alphabetOf(rootOf(this, 'text').toJSON()));
  }
}

/** What the text of a document of `createDocument` may consist of. Costs a look at the text the first time alone. */
export function alphabetOfText(doc: Y.Doc): Alphabet {
  return doc instanceof QuietDocument ? doc.textAlphabet : alphabetOf(rootOf(doc, 'text').toJSON());
}

function forgetPositions(type: object): void {
  const { _searchMarker: markers } = type as { _searchMarker?: unknown[] | null };
  if (markers) markers.length = 0;
}

/** The key of a JSON blob's root value, and of a binary blob's reference, in the map named `content`. */
export const JSON_ROOT_KEY = 'root';
export const BINARY_KEY = 'root';

interface Roots {
  readonly text: Y.Text;
  readonly json: Y.Map<unknown>;
  readonly binary: Y.Map<unknown>;
  readonly rich: Y.XmlFragment;
  /** The studio does not know the roots of an opaque document. */
  readonly yjs: undefined;
}

/** Gives the root its type. Until then its items are integrated, but nothing can be read by position or key. */
export function rootOf<S extends Shape>(doc: Y.Doc, shape: S): Roots[S] {
  return ROOTS[shape](doc);
}

const ROOTS: { readonly [S in Shape]: (doc: Y.Doc) => Roots[S] } = {
  text: (doc) => doc.getText('content'),
  json: (doc) => doc.getMap('content'),
  binary: (doc) => doc.getMap('content'),
  rich: (doc) => doc.getXmlFragment('default'),
  yjs: () => undefined,
};
