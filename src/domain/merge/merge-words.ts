/** Words, each with the space behind it: spaces are all alike, so they say nothing about where a word stands. */
import type { RichRun } from '../content/rich-node.ts';
import { markKey } from '../edit/rich-numbers.ts';
import { words } from '../edit/text-units.ts';
import { mergeSequence, type Sides } from './merge-sequence.ts';
import type { Tally } from './tally.ts';

export interface Piece {
  /** Empty where a text begins with a space. */
  readonly word: RichRun;
  readonly space: readonly RichRun[];
  /** The last of its text: what comes behind it elsewhere is another word. */
  readonly isLast: boolean;
}

export function piecesOf(runs: readonly RichRun[]): Piece[] {
  const pieces: { word: RichRun; space: RichRun[]; isLast: boolean }[] = [];
  for (const { text, marks } of runs) {
    for (const part of words(text)) {
      const isSpace = part.trim() === '';
      const last = pieces.at(-1);
      if (isSpace && last) last.space.push({ text: part, marks });
      else if (isSpace)
        pieces.push({ word: { text: '', marks: NO_MARKS }, space: [{ text: part, marks }], isLast: false });
      else pieces.push({ word: { text: part, marks }, space: [], isLast: false });
    }
  }
  const last = pieces.at(-1);
  if (last) last.isLast = true;
  return pieces;
}

/** Where both changed the same words, ours stay. */
export function mergeWords(sides: Sides<Piece>, tally: Tally): RichRun[] {
  const merged = mergeSequence(sides, {
    keyOf: ({ word }) => runKey(word),
    isTelling: () => true,
    keepsBothInsertions: false,
    budget: tally.budget,
    settle: (base, ours, theirs) => {
      const isOurs = spaceKey(base) !== spaceKey(ours);
      return { ...(isOurs ? ours : theirs), word: ours.word };
    },
    resolve: (changed) => {
      tally.skipped += 1;
      return changed.ours;
    },
  });
  return merged.flatMap((piece, at) => [piece.word, ...spaceBehind(piece, at === merged.length - 1, sides)]);
}

function spaceBehind(piece: Piece, isLast: boolean, { base, ours, theirs }: Sides<Piece>): readonly RichRun[] {
  if (isLast === piece.isLast) return piece.space;
  if (!isLast) return piece.space.length > 0 ? piece.space : [{ text: ' ', marks: NO_MARKS }];
  // What stood behind it is gone: as the texts end.
  const [before, own, other] = [base, ours, theirs].map((pieces) => pieces.at(-1));
  const end = own && before && spaceKey(own) !== spaceKey(before) ? own : (other ?? own);
  return end?.space ?? [];
}

const NO_MARKS: ReadonlyMap<string, unknown> = new Map();

function spaceKey({ space }: Piece): string {
  return space.map(runKey).join('\n');
}

function runKey(run: RichRun): string {
  return (
    run.text +
    [...run.marks]
      .map(([name, value]) => `\n${markKey(name, value)}`)
      .sort()
      .join('')
  );
}
