/** Which characters a text may have: with none beyond these, callers' offsets in it are Yjs's own. */

/** `bmp`: no surrogate pairs, so that code points are UTF-16 units. `ascii`: and UTF-8 bytes are as well. */
export type Alphabet = 'ascii' | 'bmp' | 'any';

const SIZES: Readonly<Record<Alphabet, number>> = { ascii: 0, bmp: 1, any: 2 };
const NOT_ASCII = /[\u0080-\uffff]/;
const SURROGATE = /[\ud800-\udfff]/;

/** The smallest that has all its characters. */
export function alphabetOf(text: string): Alphabet {
  if (!NOT_ASCII.test(text)) return 'ascii';
  return SURROGATE.test(text) ? 'any' : 'bmp';
}

export function isWithin(alphabet: Alphabet, larger: Alphabet): boolean {
  return SIZES[alphabet] <= SIZES[larger];
}

export function union(one: Alphabet, other: Alphabet): Alphabet {
  return isWithin(one, other) ? other : one;
}
