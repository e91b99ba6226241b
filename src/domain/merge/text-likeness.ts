/** How much one text is another, changed. */
import { type Bag, Bags, likenessOf, wordsOf } from '../edit/likeness.ts';
import type { WorkBudget } from '../edit/sequence-difference.ts';

/** Up to here a text is compared by its pairs of letters too: of a word or two nothing is left once they change. */
const SHORT_UNITS_MAX = 32;
/** Less alike, they are different texts. */
const ONE_TEXT_LIKENESS_MIN = 0.4;
/** Less alike, too little of it is left to put changes of both sides into. */
export const MERGEABLE_LIKENESS_MIN = 0.5;
/** What stands before a line of a list or a heading, and is no part of what it says. */
const LINE_MARK = /^\s*(?:[-*+>#|]+|\d+[.)])\s+(?:\[.\]\s+)?/;

interface TextBags {
  readonly words: Bag;
  readonly pairs?: Bag;
}

export class TextLikeness {
  readonly #kinds = new Bags();
  readonly #bags = new Map<string, TextBags>();
  readonly #characters: WorkBudget;

  constructor(characters: WorkBudget) {
    this.#characters = characters;
  }

  /** From 0 to 1; undefined where that would cost too much. */
  of(one: string, other: string): number | undefined {
    const [a, b] = [this.#bagsOf(one), this.#bagsOf(other)];
    if (!a || !b) return undefined;
    const byWords = likenessOf(a.words, b.words);
    return a.pairs && b.pairs ? Math.max(byWords, likenessOf(a.pairs, b.pairs)) : byWords;
  }

  /**
   * Whether both sides' changes of a text can be told apart. Else one was written anew, and words that are in both by
   * chance say nothing about where they belong.
   */
  isMergeable(base: string, ours: string, theirs: string): boolean {
    return areMergeable(base, ours, theirs, MERGEABLE_LIKENESS_MIN, (one, other) => {
      const [a, b] = [this.#bagsOf(one), this.#bagsOf(other)];
      return a && b ? likenessOf(a.words, b.words) : -1;
    });
  }

  #bagsOf(text: string): TextBags | undefined {
    let bags = this.#bags.get(text);
    if (!bags) {
      if (!this.#characters.take(text.length)) return undefined;
      const said = text.replace(LINE_MARK, '');
      const words = this.#kinds.of(wordsOf(said));
      const isShort = said.length <= SHORT_UNITS_MAX;
      bags = isShort ? { words, pairs: this.#kinds.of(pairsOf(said.trim().toLowerCase())) } : { words };
      this.#bags.set(text, bags);
    }
    return bags;
  }
}

export function areMergeable<T>(
  base: T,
  ours: T,
  theirs: T,
  least: number,
  likeness: (one: T, other: T) => number,
): boolean {
  const isAlike = (one: T, other: T): boolean => likeness(one, other) >= least;
  return isAlike(ours, theirs) || (isAlike(base, ours) && isAlike(base, theirs));
}

/** The ends count as letters. */
function* pairsOf(text: string): Iterable<string> {
  for (let index = 0; index <= text.length; index++) yield `${text[index - 1] ?? ''}\n${text[index] ?? ''}`;
}

export function isOneText(likeness: number): boolean {
  return likeness >= ONE_TEXT_LIKENESS_MIN;
}
