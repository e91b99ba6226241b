/**
 * A text as the edits of one delta leave it, one after the other. Held in pieces, so that an edit costs what lies
 * around it and not a copy of the text.
 */
import type { OffsetEncoding } from '../delta.ts';
import { lengthIn, SPLITS, toUtf16 } from './offsets.ts';
import { splitsPair } from './surrogates.ts';

/** Lies after the end of the text. */
export const BEYOND = -2;

const PIECE_UNITS = 16 * 1024;

interface Piece {
  readonly text: string;
  /** Length in the callers' encoding; counted when first needed, since most edits need few of them. */
  units?: number;
}

/** A place in the text: within a piece, or at the very end. */
export interface Place {
  readonly index: number;
  /** UTF-16 offset in that piece. */
  readonly inside: number;
  /** UTF-16 offset in the text. */
  readonly utf16: number;
}

export class TextPieces {
  readonly #encoding: OffsetEncoding;
  readonly #pieces: Piece[];

  constructor(text: string, encoding: OffsetEncoding) {
    this.#encoding = encoding;
    this.#pieces = cut(text);
  }

  /** In the callers' encoding. */
  get length(): number {
    return this.#pieces.reduce((length, piece) => length + this.#unitsOf(piece), 0);
  }

  /** The place an offset names; SPLITS if that is within a character, BEYOND if it is after the end. */
  locate(offset: number): Place | typeof SPLITS | typeof BEYOND {
    let left = offset;
    let utf16 = 0;
    for (const [index, piece] of this.#pieces.entries()) {
      const units = this.#unitsOf(piece);
      if (left < units) {
        const inside = toUtf16(piece.text, left, this.#encoding);
        return inside === SPLITS ? SPLITS : { index, inside, utf16: utf16 + inside };
      }
      left -= units;
      utf16 += piece.text.length;
    }
    return left > 0 ? BEYOND : { index: this.#pieces.length, inside: 0, utf16 };
  }

  replace(from: Place, to: Place, insert: string): void {
    const before = this.#pieces[from.index]?.text.slice(0, from.inside) ?? '';
    const after = to.inside > 0 ? (this.#pieces[to.index]?.text.slice(to.inside) ?? '') : '';
    const removed = (to.inside > 0 ? to.index + 1 : to.index) - from.index;
    // With nothing to cut off its start, the piece the deletion ends before stays; an insertion into a piece replaces it.
    const texts =
      before.length + insert.length + after.length <= PIECE_UNITS ? [before + insert + after] : [before, insert, after];
    this.#pieces.splice(from.index, removed, ...texts.flatMap(cut));
  }

  /** UTF-8 bytes of the whole text. */
  bytes(): number {
    return this.#pieces.reduce((bytes, piece) => bytes + Buffer.byteLength(piece.text), 0);
  }

  /** UTF-8 bytes at most, without looking at the text. */
  bytesAtMost(): number {
    return this.#pieces.reduce((bytes, piece) => bytes + piece.text.length * 3, 0);
  }

  #unitsOf(piece: Piece): number {
    return (piece.units ??= lengthIn(piece.text, this.#encoding));
  }
}

function cut(text: string): Piece[] {
  const pieces: Piece[] = [];
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + PIECE_UNITS, text.length);
    if (splitsPair(text, end)) end += 1;
    pieces.push({ text: text.slice(start, end) });
    start = end;
  }
  return pieces;
}
