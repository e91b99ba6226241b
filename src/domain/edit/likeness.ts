/** How alike two things are by what they hold: none of it alike is 0, all of it 1. */
export interface Bag {
  readonly counts: ReadonlyMap<string | number, number>;
  readonly total: number;
}

/** Of what things hold so much is looked at: the more is not needed to tell which is which. */
const BAG_KINDS_MAX = 256;

export function bagOf(held: Iterable<string | number>): Bag {
  const counts = new Map<string | number, number>();
  let total = 0;
  for (const each of held) {
    const count = counts.get(each);
    if (count === undefined && counts.size === BAG_KINDS_MAX) break;
    counts.set(each, (count ?? 0) + 1);
    total += 1;
  }
  return { counts, total };
}

export function likenessOf(one: Bag, other: Bag): number {
  const [small, large] = one.counts.size < other.counts.size ? [one, other] : [other, one];
  let common = 0;
  for (const [each, count] of small.counts) common += Math.min(count, large.counts.get(each) ?? 0);
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
