import * as Y from 'yjs';
import type { Shape } from './shape.ts';

/**
 * A server-side document: it authors nothing by itself. When remote formatting arrives, Yjs deletes format marks that
 * have become redundant – an edit that is in no log, by whichever replica happened to look. It does so only for
 * transactions it takes for remote, so each one is called local before observers (which decide it) run.
 */
export function createDocument(options: { readonly gc: boolean }): Y.Doc {
  const doc = new Y.Doc({ gc: options.gc });
  doc.on('beforeObserverCalls', (transaction: Y.Transaction) => {
    transaction.local = true;
  });
  return doc;
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
  return ROOTS[shape](doc) as Roots[S];
}

const ROOTS: { readonly [S in Shape]: (doc: Y.Doc) => Roots[S] } = {
  text: (doc) => doc.getText('content'),
  json: (doc) => doc.getMap('content'),
  binary: (doc) => doc.getMap('content'),
  rich: (doc) => doc.getXmlFragment('default'),
  yjs: () => undefined,
};
