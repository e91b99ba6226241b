/** Text by line, and where both changed the same lines, by word. */
import { lines, words } from '../edit/text-units.ts';
import { mergeSequence } from './merge-sequence.ts';
import type { Tally } from './tally.ts';

interface Texts {
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

export function mergeText(texts: Texts, tally: Tally): string {
  const resolve = (inner: Texts): string =>
    mergeUnits(inner, words, tally, false, ({ ours }) => {
      tally.skipped += 1;
      return ours;
    }).join('');
  return joinLines(mergeUnits(texts, lines, tally, true, resolve));
}

/** What was one side's last line may have lost its end, and what the other put in then follows it. */
function joinLines(merged: readonly string[]): string {
  const last = merged.findLastIndex((line) => line !== '');
  return merged.map((line, at) => (at < last && line !== '' && !line.endsWith('\n') ? `${line}\n` : line)).join('');
}

function mergeUnits(
  { base, ours, theirs }: Texts,
  cut: (text: string) => string[],
  tally: Tally,
  keepsBothInsertions: boolean,
  resolve: (texts: Texts) => string,
): string[] {
  return mergeSequence(
    { base: cut(base), ours: cut(ours), theirs: cut(theirs) },
    {
      keyOf: (unit) => unit,
      keepsBothInsertions,
      budget: tally.budget,
      resolve: (sides) => [
        resolve({ base: sides.base.join(''), ours: sides.ours.join(''), theirs: sides.theirs.join('') }),
      ],
    },
  );
}
