/** How alike two things are by what they hold: none of it alike is 0, all of it 1. */
export interface Bag {
  /** Ascending, as `Bags` numbers them. */
  readonly kinds: Int32Array;
  readonly counts: Int32Array;
  readonly total: number;
}

/** Of what things hold so much is looked at: the more is not needed to tell which is which. */
const BAG_KINDS_MAX = 256;

/** Makes bags that can be compared with one another: what they hold is numbered, since each is compared many times. */
export class Bags {
  readonly #numbers = new Map<string | number, number>();

  of(held: Iterable<string | number>): Bag {
    const counted = new Map<number, number>();
    let total = 0;
    for (const each of held) {
      let kind = this.#numbers.get(each);
      if (kind === undefined) this.#numbers.set(each, (kind = this.#numbers.size));
      const count = counted.get(kind);
      if (count === undefined && counted.size === BAG_KINDS_MAX) break;
      counted.set(kind, (count ?? 0) + 1);
      total += 1;
    }
    const kinds = Int32Array.from(counted.keys()).sort();
    return { kinds, counts: kinds.map((kind) => counted.get(kind) ?? 0), total };
  }
}

export function likenessOf(one: Bag, other: Bag): number {
  let common = 0;
  for (let at = 0, from = 0; at < one.kinds.length && from < other.kinds.length;) {
    const [kind, next] = [one.kinds[at] as number, other.kinds[from] as number];
    if (kind === next) common += Math.min(one.counts[at++] as number, other.counts[from++] as number);
    else if (kind < next) at += 1;
    else from += 1;
  }
  const total = one.total + other.total;
  return total === 0 ? 0 : (2 * common) / total;
}

/** Longer words, and those of scripts that put no spaces between words, count by their pairs of letters. */
const PLAIN_WORD = /^[\p{ASCII}]{1,20}$/u;

export function* wordsOf(text: string): Iterable<string> {
  for (const [word] of text.matchAll(/\S+/g)) {
    if (PLAIN_WORD.test(word)) yield word;
    else for (let index = 0; index < word.length; index++) yield word.slice(index, index + 2);
  }
}
