/** Offsets of callers, in code points, UTF-16 units or UTF-8 bytes, against the UTF-16 of strings. */
import type { OffsetEncoding } from '../delta.ts';
import { isHigh, isLow, splitsPair } from './surrogates.ts';

/** Lies within a character. */
export const SPLITS = -1;

const NOT_BMP = /[\ud800-\udbff]/;

/** How long the text is in the encoding. */
export function lengthIn(text: string, encoding: OffsetEncoding): number {
  if (encoding === 'utf8') return Buffer.byteLength(text);
  return encoding === 'code_points' && NOT_BMP.test(text) ? countCodePoints(text) : text.length;
}

/** The UTF-16 offset of `offset`, which lies in the text or at its end; SPLITS if it lies within a character. */
export function toUtf16(text: string, offset: number, encoding: OffsetEncoding): number {
  if (encoding === 'utf8') return skip(text, offset, utf8Length);
  if (encoding === 'code_points') return NOT_BMP.test(text) ? skip(text, offset, codePointLength) : offset;
  return splitsPair(text, offset) ? SPLITS : offset;
}

function countCodePoints(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index++) {
    if (!isHigh(text.charCodeAt(index)) || !isLow(text.charCodeAt(index + 1))) continue;
    count -= 1;
    index += 1;
  }
  return count;
}

function skip(text: string, units: number, lengthOf: (code: number) => number): number {
  let left = units;
  let index = 0;
  while (left > 0 && index < text.length) {
    const code = text.codePointAt(index) ?? 0;
    left -= lengthOf(code);
    index += code > 0xffff ? 2 : 1;
  }
  return left === 0 ? index : SPLITS;
}

function codePointLength(): number {
  return 1;
}

function utf8Length(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  // A lone half, which only Yjs's own splitting of items could leave, is written as U+FFFD.
  if (isHigh(code) || isLow(code)) return 3;
  return code > 0xffff ? 4 : 3;
}
