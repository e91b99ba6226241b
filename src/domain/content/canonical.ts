/** G3: what two replicas are compared by, and what callers are given. Never Yjs state bytes, which legitimately differ. */
import { createHash } from 'node:crypto';
import type * as Y from 'yjs';
import { readBinaryReference } from './binary-document.ts';
import { rootOf } from './document.ts';
import { readJson } from './json-document.ts';
import { canonicalJson } from './json-value.ts';
import { readOpaque } from './opaque-document.ts';
import { readRich } from './rich-document.ts';
import { toXml } from './rich-xml.ts';
import { type Shape, shapeOf } from './shape.ts';

/**
 * Text: its UTF-8. JSON: RFC 8785. Rich: XML with sorted attributes. Opaque: RFC 8785 of what every root holds.
 * Binary: the SHA-256 of the bytes, in hexadecimal; the bytes themselves are in the content store.
 */
export function readCanonical(doc: Y.Doc, contentType: string): Uint8Array {
  return Buffer.from(canonicalText(doc, contentType), 'utf8');
}

function canonicalText(doc: Y.Doc, contentType: string): string {
  return READERS[shapeOf(contentType)](doc);
}

const READERS: { readonly [S in Shape]: (doc: Y.Doc) => string } = {
  text: (doc) => rootOf(doc, 'text').toJSON(),
  json: (doc) => canonicalJson(readJson(doc)),
  rich: (doc) => toXml(readRich(rootOf(doc, 'rich'))),
  yjs: (doc) => canonicalJson(readOpaque(doc)),
  binary: (doc) => readBinaryReference(doc).sha256,
};

/** Bytes of the content as callers get it. */
export function contentSize(doc: Y.Doc, contentType: string): number {
  if (shapeOf(contentType) === 'binary') return readBinaryReference(doc).bytes;
  return Buffer.byteLength(canonicalText(doc, contentType));
}

/** Lower-case hexadecimal SHA-256. */
export function contentHash(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
