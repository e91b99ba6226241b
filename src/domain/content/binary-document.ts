/** Binary content: one register that names bytes in the content store. Concurrent writes leave one of them, whole. */
import type * as Y from 'yjs';
import { BINARY_KEY, rootOf } from './document.ts';

export interface BinaryReference {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

const EMPTY: BinaryReference = { sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', bytes: 0 };

/** The reference to no bytes at all for a document that was never written to. */
export function readBinaryReference(doc: Y.Doc): BinaryReference {
  const value = rootOf(doc, 'binary').get(BINARY_KEY) as BinaryReference | undefined;
  return value ?? EMPTY;
}

export function writeBinaryReference(doc: Y.Doc, reference: BinaryReference): void {
  if (readBinaryReference(doc).sha256 === reference.sha256) return;
  rootOf(doc, 'binary').set(BINARY_KEY, { sha256: reference.sha256, bytes: reference.bytes });
}
