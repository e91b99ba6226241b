/** What two documents of one blob at one version are compared by: everything but the bytes, which legitimately differ. */
import { createHash } from 'node:crypto';
import * as Y from 'yjs';
import { contentHash, readCanonical } from '../../domain/content/canonical.ts';
import { rootOf } from '../../domain/content/document.ts';
import { shapeOf } from '../../domain/content/shape.ts';

export interface StateDigest {
  /** SHA-256 of the canonical content. */
  readonly content: string;
  /** Of the state vector, ascending by client. */
  readonly clocks: string;
  /** Of the delete set, ascending, its ranges joined. */
  readonly deletions: string;
}

/** Throws when something in the document is still pending. */
export function digestOf(doc: Y.Doc, contentType: string): StateDigest {
  if (doc.store.pendingStructs !== null || doc.store.pendingDs !== null) throw new Error('something is pending in it');
  rootOf(doc, shapeOf(contentType));
  const clocks = [...Y.decodeStateVector(Y.encodeStateVector(doc))].sort(([a], [b]) => a - b);
  const deletions = [...Y.createDeleteSetFromStructStore(doc.store).clients]
    .sort(([a], [b]) => a - b)
    .map(([client, ranges]) => [client, ...joined(ranges)]);
  return {
    content: contentHash(readCanonical(doc, contentType)),
    clocks: hash(clocks),
    deletions: hash(deletions),
  };
}

/** In what they differ; empty if in nothing. */
export function digestDifferences(one: StateDigest, other: StateDigest): string[] {
  const names = { content: 'canonical content', clocks: 'state vector', deletions: 'delete set' } as const;
  return (['content', 'clocks', 'deletions'] as const)
    .filter((key) => one[key] !== other[key])
    .map((key) => names[key]);
}

function joined(ranges: readonly { readonly clock: number; readonly len: number }[]): number[] {
  const flat: number[] = [];
  let end = -1;
  for (const { clock, len } of [...ranges].sort((a, b) => a.clock - b.clock)) {
    if (clock === end) flat[flat.length - 1] = end = clock + len;
    else flat.push(clock, (end = clock + len));
  }
  return flat;
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
