/**
 * A text as the edits of one delta leave it, one after the other. Held in pieces, so that an edit costs what lies
 * around it and not a copy of the text.
 */
import type { OffsetEncoding } from '../delta.ts';
import { lengthIn, SPLITS, toUtf16 } from './offsets.ts';
import { splitsPair } from './surrogates.ts';

const PIECE_UNITS = 16 * 1024;

interface Piece {
  readonly text: string;
  /** Length in the callers' encoding. */
  readonly units: number;
}

/** A place in the text: within a piece, or at the very end. */
interface Place {
  readonly index: number;
  /** UTF-16 offset in that piece. */
  readonly inside: number;
  /** UTF-16 offset in the text. */
  readonly utf16: number;
}

export class TextPieces {
  readonly #encoding: OffsetEncoding;
  readonly #pieces: Piece[] = [];
  #units = 0;

  constructor(text: string, encoding: OffsetEncoding) {
    this.#encoding = encoding;
    for (let start = 0; start < text.length; ) {
      let end = Math.min(start + PIECE_UNITS, text.length);
      if (splitsPair(text, end)) end += 1;
      const piece = this.#piece(text.slice(start, end));
      this.#pieces.push(piece);
      this.#units += piece.units;
      start = end;
    }
  }

  /** In the callers' encoding. */
  get length(): number {
    return this.#units;
  }

  /** The UTF-16 offset of an offset that is at most `length`; SPLITS within a character. */
  locate(offset: number): Place | typeof SPLITS {
    let left = offset;
    let utf16 = 0;
    let index = 0;
    for (; index < this.#pieces.length; index++) {
      const piece = this.#pieces[index] as Piece;
      if (left < piece.units) {
        const inside = piece.units === piece.text.length && this.#encoding !== 'utf16' ? left : toUtf16(piece.text, left, this.#encoding);
        return inside === SPLITS ? SPLITS : { index, inside, utf16: utf16 + inside };
      }
      left -= piece.units;
      utf16 += piece.text.length;
    }
    return { index, inside: 0, utf16 };
  }

  replace(from: Place, to: Place, insert: string): void {
    const before = this.#pieces[from.index]?.text.slice(0, from.inside) ?? '';
    const after = to.inside > 0 ? (this.#pieces[to.index]?.text.slice(to.inside) ?? '') : '';
    const removed = (to.inside > 0 ? to.index + 1 : to.index) - from.index;
    // With nothing to cut off its start, the piece the deletion ends before stays; an insertion into a piece replaces it.
    const texts = before.length + insert.length + after.length <= PIECE_UNITS ? [before + insert + after] : [before, insert, after];
    const pieces = texts.filter((text) => text !== '').map((text) => this.#piece(text));
    for (const piece of this.#pieces.splice(from.index, removed, ...pieces)) this.#units -= piece.units;
    for (const piece of pieces) this.#units += piece.units;
  }

  /** UTF-8 bytes of the whole text. */
  bytes(): number {
    return this.#pieces.reduce((bytes, piece) => bytes + Buffer.byteLength(piece.text), 0);
  }

  /** UTF-8 bytes at most, without looking at the text. */
  bytesAtMost(): number {
    return this.#pieces.reduce((bytes, piece) => bytes + piece.text.length * 3, 0);
  }

  #piece(text: string): Piece {
    return { text, units: lengthIn(text, this.#encoding) };
  }
}
