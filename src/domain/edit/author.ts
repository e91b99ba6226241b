/**
 * Turns what a caller asks for into changes of a Y.Doc. Every function here is one transaction, so the document emits
 * one update or none; and checks everything first, so that one that throws has changed nothing.
 */
import type * as Y from 'yjs';
import { StudioError } from '../../errors.ts';
import { CONTENT_BYTES_MAX, DIFFERENCE_COMPARISONS_MAX } from '../../limits.ts';
import { writeBinaryReference } from '../content/binary-document.ts';
import { contentHash, readCanonical } from '../content/canonical.ts';
import { rootOf } from '../content/document.ts';
import { readJson } from '../content/json-document.ts';
import { canonicalJson, type JsonValue, parseJson } from '../content/json-value.ts';
import { parseProsemirror } from '../content/prosemirror-parse.ts';
import { shapeOf } from '../content/shape.ts';
import { contentTooLarge } from '../content/size.ts';
import { transactSparsely } from '../content/sparse-transaction.ts';
import { decodeText } from '../content/text.ts';
import type { Patch } from '../delta.ts';
import { authorJson } from './json-difference.ts';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { placesIn } from './places.ts';
import { authorRich } from './rich-difference.ts';
import { WorkBudget } from './sequence-difference.ts';
import { textDifference } from './text-difference.ts';
import { applyReplacement, authorTextEdits } from './text-edits.ts';

/**
 * Makes `content` the document's content, as a minimal difference from what it holds. Binary: writes the register; the
 * bytes themselves go to the content store. Rich: from ProseMirror's JSON. Opaque documents take only the content they
 * have (so also the empty one at their creation): a state of theirs is merged as an update. Throws CONTENT_INVALID,
 * CONTENT_TOO_LARGE, PATCH_UNSUPPORTED.
 */
export function authorContent(doc: Y.Doc, contentType: string, content: Uint8Array): void {
  switch (shapeOf(contentType)) {
    case 'text':
      return authorText(doc, decodeText(content));
    case 'json':
      return authorJson(doc, parseJson(content));
    case 'binary':
      return doc.transact(() => writeBinaryReference(doc, { sha256: contentHash(content), bytes: content.byteLength }));
    case 'rich':
      if (isAsItIs(doc, contentType, content)) return;
      return authorRich(doc, parseProsemirror(content));
    case 'yjs':
      if (isAsItIs(doc, contentType, content)) return;
      throw unsupported('content', contentType);
  }
}

/** All forms but raw updates and reverts, which need more than the document: those throw PATCH_UNSUPPORTED here. */
export function authorPatch(doc: Y.Doc, contentType: string, patch: Patch): void {
  const shape = shapeOf(contentType);
  switch (patch.kind) {
    case 'content':
      return authorContent(doc, contentType, patch.content);
    case 'text_edits':
      if (shape !== 'text') throw unsupported(patch.kind, contentType);
      return authorTextEdits(doc, patch.edits, patch.encoding);
    case 'json_patch':
      if (shape !== 'json') throw unsupported(patch.kind, contentType);
      return authorJson(doc, applyJsonPatch(readJson(doc), patch.patch));
    case 'merge_patch':
      if (shape !== 'json') throw unsupported(patch.kind, contentType);
      return authorJson(doc, requireSize(applyMergePatch(readJson(doc), patch.patch)));
    case 'yjs_update':
    case 'revert':
      throw unsupported(patch.kind, contentType);
  }
}

function authorText(doc: Y.Doc, next: string): void {
  const text = rootOf(doc, 'text');
  const replacements = textDifference(text.toJSON(), next, {
    budget: new WorkBudget(DIFFERENCE_COMPARISONS_MAX),
    places: placesIn(doc),
  });
  transactSparsely(doc, () => {
    for (const replacement of replacements.reverse()) applyReplacement(text, replacement);
  });
}

function requireSize(value: JsonValue): JsonValue {
  if (Buffer.byteLength(canonicalJson(value)) <= CONTENT_BYTES_MAX) return value;
  throw contentTooLarge();
}

/** The canonical form sent back, or nothing at all for a new document. */
function isAsItIs(doc: Y.Doc, contentType: string, content: Uint8Array): boolean {
  if (content.byteLength === 0 && doc.store.clients.size === 0) return true;
  return Buffer.compare(content, readCanonical(doc, contentType)) === 0;
}

function unsupported(kind: string, contentType: string): StudioError {
  return new StudioError('PATCH_UNSUPPORTED', `A blob of type "${contentType}" takes no patch of the form ${kind}.`, {
    patch: kind,
    content_type: contentType,
  });
}
