/** Edits of a text by offsets, each on the result of the one before. */
import type * as Y from 'yjs';
import { StudioError } from '../../errors.ts';
import { CONTENT_BYTES_MAX, TEXT_EDITS_PER_DELTA_MAX } from '../../limits.ts';
import { type Alphabet, alphabetOf, isWithin, union } from '../content/alphabet.ts';
import { alphabetOfText, rootOf } from '../content/document.ts';
import { hasLoneSurrogate } from '../content/json-value.ts';
import { contentTooLarge } from '../content/size.ts';
import { transactSparsely } from '../content/sparse-transaction.ts';
import type { OffsetEncoding, TextEdit } from '../delta.ts';
import { SPLITS } from './offsets.ts';
import type { Replacement } from './text-difference.ts';
import { BEYOND, TextPieces } from './text-pieces.ts';

/** Of a character of one UTF-16 unit in UTF-8. */
const BMP_BYTES_MAX = 3;

/**
 * Puts the edits into the document's text in one transaction. All of them are checked before the first is made.
 * Throws EDIT_OUT_OF_RANGE, EDIT_SPLITS_CHARACTER, CONTENT_INVALID (half a surrogate pair inserted), CONTENT_TOO_LARGE,
 * LIMIT_EXCEEDED.
 */
export function authorTextEdits(doc: Y.Doc, edits: readonly TextEdit[], encoding: OffsetEncoding): void {
  if (edits.length > TEXT_EDITS_PER_DELTA_MAX) {
    throw new StudioError('LIMIT_EXCEEDED', `One delta may have at most ${TEXT_EDITS_PER_DELTA_MAX} text edits.`, {
      limit: 'TEXT_EDITS_PER_DELTA_MAX',
    });
  }
  const text = rootOf(doc, 'text');
  const replacements =
    resolvePlainEdits({ length: text.length, alphabet: alphabetOfText(doc) }, edits, encoding) ??
    resolveEdits(text.toJSON(), edits, encoding);
  transactSparsely(doc, () => {
    for (const replacement of replacements) applyReplacement(text, replacement);
  });
}

/**
 * As `resolveEdits`, without reading the text, which costs what the text is long and more where it was written in many
 * places. Undefined where that must decide: for characters that offsets count otherwise than Yjs, and for edits that
 * may have to be refused.
 */
export function resolvePlainEdits(
  text: { readonly length: number; readonly alphabet: Alphabet },
  edits: readonly TextEdit[],
  encoding: OffsetEncoding,
): Replacement[] | undefined {
  const replacements: Replacement[] = [];
  let { length, alphabet } = text;
  for (const { offset, deleteCount, insert } of edits) {
    alphabet = union(alphabet, alphabetOf(insert));
    if (!isWithin(alphabet, encoding === 'utf8' ? 'ascii' : 'bmp')) return undefined;
    if (!isCount(offset) || !isCount(deleteCount) || offset + deleteCount > length) return undefined;
    if (deleteCount === 0 && insert === '') continue;
    replacements.push({ at: offset, deleted: deleteCount, insert });
    length += insert.length - deleteCount;
  }
  return length * (alphabet === 'ascii' ? 1 : BMP_BYTES_MAX) <= CONTENT_BYTES_MAX ? replacements : undefined;
}

/** Each in UTF-16 offsets of the text that the ones before it leave. */
export function resolveEdits(text: string, edits: readonly TextEdit[], encoding: OffsetEncoding): Replacement[] {
  const pieces = new TextPieces(text, encoding);
  const replacements: Replacement[] = [];
  for (const [index, edit] of edits.entries()) {
    const { offset, deleteCount, insert } = edit;
    if (!isCount(offset) || !isCount(deleteCount)) throw outOfRange(index, edit, pieces.length);
    if (hasLoneSurrogate(insert)) {
      throw new StudioError('CONTENT_INVALID', `Edit ${index} inserts half of a surrogate pair.`, {
        edit: String(index),
      });
    }
    const from = pieces.locate(offset);
    const to = deleteCount === 0 ? from : pieces.locate(offset + deleteCount);
    if (from === BEYOND || to === BEYOND) throw outOfRange(index, edit, pieces.length);
    if (from === SPLITS || to === SPLITS) {
      throw new StudioError('EDIT_SPLITS_CHARACTER', `Edit ${index} begins or ends within a character.`, {
        edit: String(index),
        offset: String(offset),
        delete_count: String(deleteCount),
      });
    }
    if (deleteCount === 0 && insert === '') continue;
    pieces.replace(from, to, insert);
    replacements.push({ at: from.utf16, deleted: to.utf16 - from.utf16, insert });
  }
  if (pieces.bytesAtMost() > CONTENT_BYTES_MAX && pieces.bytes() > CONTENT_BYTES_MAX) {
    throw contentTooLarge();
  }
  return replacements;
}

export function applyReplacement(text: Y.Text, { at, deleted, insert }: Replacement): void {
  if (deleted > 0) text.delete(at, deleted);
  if (insert !== '') text.insert(at, insert);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function outOfRange(index: number, edit: TextEdit, length: number): StudioError {
  return new StudioError('EDIT_OUT_OF_RANGE', `Edit ${index} reaches beyond the text, which is ${length} long there.`, {
    edit: String(index),
    offset: String(edit.offset),
    delete_count: String(edit.deleteCount),
    length: String(length),
  });
}
