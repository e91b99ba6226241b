/** Text by line, and where both changed the same line, by word. */
import { words } from '../edit/text-units.ts';
import { type Heirs, UNKNOWN_LIKENESS } from './merge-heirs.ts';
import type { Sides } from './merge-sequence.ts';
import { mergeUnits, type UnitRules } from './merge-units.ts';
import { mergeWords, piecesOf } from './merge-words.ts';
import type { Tally } from './tally.ts';
import { isOneText, TextLikeness } from './text-likeness.ts';

/** Compared without its end: what comes after the last line does not change that line. */
interface Line {
  readonly text: string;
  readonly end: string;
  readonly isLast: boolean;
}

export function mergeText(texts: { base: string; ours: string; theirs: string }, tally: Tally): string {
  const sides = { base: linesOf(texts.base), ours: linesOf(texts.ours), theirs: linesOf(texts.theirs) };
  const merged = mergeUnits(sides, new LineRules(tally));
  const usual = merged.find(({ end }) => end !== '')?.end ?? '\n';
  // What was one side's last line may have no end, and what the other put in then follows it.
  const endOf = ({ end, isLast }: Line, at: number): string => {
    if (at < merged.length - 1) return end || usual;
    return isLast ? end : lastEnd(sides);
  };
  return merged.map((line, at) => line.text + endOf(line, at)).join('');
}

/** A letter or a digit: blank lines, brackets and rules are all over a text. */
const TELLING = /[\p{L}\p{N}]/u;

/** Fewer words than that are in other lines by chance. */
const REWRAPPED_SHARE_MIN = 0.5;

class LineRules implements UnitRules<Line> {
  readonly tally: Tally;
  readonly #likeness: TextLikeness;

  constructor(tally: Tally) {
    this.tally = tally;
    this.#likeness = new TextLikeness(tally.characters);
  }

  readonly keyOf = ({ text }: Line): string => text;
  readonly isTelling = ({ text }: Line): boolean => TELLING.test(text);

  readonly likeness = (one: Line, other: Line): number => {
    const alike = this.#likeness.of(one.text, other.text);
    if (alike === undefined) return UNKNOWN_LIKENESS;
    return isOneText(alike) ? alike : -1;
  };

  readonly settle = (base: Line, ours: Line, theirs: Line): Line => (ours.end === base.end ? theirs : ours);

  readonly merge = (base: Line, ours: Line | undefined, theirs: Line | undefined): Line | undefined => {
    if (!ours || !theirs) {
      const left = ours ?? theirs;
      const isChanged = left !== undefined && left.text !== base.text;
      // One side's deletion met the other's change: ours stays.
      if (isChanged) this.tally.skipped += 1;
      return isChanged ? ours : undefined;
    }
    const settled = this.settle(base, ours, theirs);
    if (ours.text === base.text || ours.text === theirs.text) return { ...settled, text: theirs.text };
    if (theirs.text === base.text) return { ...settled, text: ours.text };
    if (this.#likeness.isMergeable(base.text, ours.text, theirs.text)) {
      const text = this.#byWord(base.text, ours.text, theirs.text);
      if (text !== undefined) return { ...settled, text };
    }
    this.tally.skipped += 1;
    return { ...settled, text: ours.text };
  };

  /** Where words went from line to line, lines are no units: all of it by word, or as people have it. */
  readonly resolve = ({ base, ours, theirs }: Sides<Line>, heirs: Heirs): readonly Line[] | undefined => {
    // Where that would cost too much, lines are the units.
    if (!this.tally.characters.take(charactersOf(base) * 2 + charactersOf(ours) + charactersOf(theirs)))
      return undefined;
    const share = Math.max(
      this.#shareRewrapped(base, ours, heirs.own),
      this.#shareRewrapped(base, theirs, heirs.other),
    );
    if (share === 0) return undefined;
    const [one, two, three] = [base, ours, theirs].map(joined) as [string, string, string];
    const merged = this.#likeness.isMergeable(one, two, three) ? this.#byWord(one, two, three) : undefined;
    if (merged !== undefined) return linesOf(merged, false);
    if (share < REWRAPPED_SHARE_MIN) return undefined;
    this.tally.skipped += 1;
    return ours;
  };

  /** Of the words that occur once, those that are not in the heir of their line but in another. */
  #shareRewrapped(base: readonly Line[], next: readonly Line[], heirOf: Heirs['own']): number {
    const was = linesOfWords(base);
    const whole = new Set(base.map(this.keyOf));
    let rewrapped = 0;
    for (const [word, line] of linesOfWords(next)) {
      // A line that is elsewhere as it was has moved.
      if (whole.has(next[line]?.text ?? '')) continue;
      const before = was.get(word) ?? -1;
      if (before >= 0 && line >= 0 && heirOf.get(before) !== line) rewrapped += 1;
    }
    return rewrapped === 0 ? 0 : rewrapped / was.size;
  }

  /** Undefined where it would cost too much. */
  #byWord(base: string, ours: string, theirs: string): string | undefined {
    if (!this.tally.characters.take(base.length + ours.length + theirs.length)) return undefined;
    const [one, two, three] = [base, ours, theirs].map((text) => piecesOf([{ text, marks: NO_MARKS }]));
    return mergeWords({ base: one ?? [], ours: two ?? [], theirs: three ?? [] }, this.tally)
      .map(({ text }) => text)
      .join('');
  }
}

const NO_MARKS: ReadonlyMap<string, unknown> = new Map();

function linesOf(text: string, isWhole = true): Line[] {
  const lines = Array.from(text.matchAll(/([^\n]*?)(\r?\n)|[^\n]+$/g), ([whole, line, end]) => ({
    text: end === undefined ? whole : (line ?? ''),
    end: end ?? '',
    isLast: false,
  }));
  const last = lines.at(-1);
  if (last) last.isLast = isWhole;
  return lines;
}

function joined(lines: readonly Line[]): string {
  return lines.map(({ text, end }) => text + end).join('');
}

function charactersOf(lines: readonly Line[]): number {
  return lines.reduce((count, { text }) => count + text.length, 0);
}

/** As people ended it if they changed that, else as the other side did. */
function lastEnd(sides: Sides<Line>): string {
  const [base, ours, theirs] = [sides.base, sides.ours, sides.theirs].map((lines) => lines.at(-1)?.end ?? '');
  return (ours === base ? theirs : ours) ?? '';
}

/** The line that each word is in; -1 for those that occur more often. */
function linesOfWords(lines: readonly Line[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const [index, { text }] of lines.entries()) {
    for (const word of words(text)) if (TELLING.test(word)) found.set(word, found.has(word) ? -1 : index);
  }
  return found;
}
