/** What a merge costs where both sides changed everything. */
import * as assert from 'uvu/assert';
import { parseJson } from '../../../src/domain/content/json-value.ts';
import { parseProsemirror } from '../../../src/domain/content/prosemirror-parse.ts';
import { mergeJson } from '../../../src/domain/merge/merge-json.ts';
import { mergeRich } from '../../../src/domain/merge/merge-rich.ts';
import type { Sides } from '../../../src/domain/merge/merge-sequence.ts';
import { mergeText } from '../../../src/domain/merge/merge-text.ts';
import { Tally } from '../../../src/domain/merge/tally.ts';
import { processorMs } from '../../harness/processor-time.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('domain/merge bounds');

const UNITS = 2_000;
const WORDS = 12;

function sentences(end: string): string[] {
  return Array.from({ length: UNITS }, (_none, at) => {
    const words = Array.from({ length: WORDS }, (_word, index) => `w${(at * 31 + index * 17) % 2_000}`);
    return `${at} ${words.join(' ')} ${end}`;
  });
}

function sidesOf<T>(make: (end: string) => T): { base: T; ours: T; theirs: T } {
  return { base: make('base'), ours: make('ours'), theirs: make('theirs') };
}

function merging<T>(
  sides: Sides<T>,
  merge: (sides: Sides<T>, tally: Tally) => readonly T[],
): (tally: Tally) => boolean {
  return (tally) => merge(sides, tally).length === sides.ours.length;
}

const texts = sidesOf((end) => `${sentences(end).join('\n')}\n`);
const FORMS: Record<string, (tally: Tally) => boolean> = {
  lines: (tally) => mergeText(texts, tally) === texts.ours,
  items: merging(
    sidesOf((end) => sentences(end).map((text) => parseJson(Buffer.from(JSON.stringify({ text }))))),
    ({ base, ours, theirs }, tally) => mergeJson(base, ours, theirs, tally) as [],
  ),
  nodes: merging(
    sidesOf((end) => {
      const content = sentences(end).map((text) => ({ type: 'paragraph', content: [{ type: 'text', text }] }));
      return parseProsemirror(Buffer.from(JSON.stringify({ type: 'doc', content })));
    }),
    mergeRich,
  ),
};

for (const [name, merge] of Object.entries(FORMS)) {
  test(`G7 ${name} that both sides changed are read up to a limit; beyond it people's stay and it costs a part`, () => {
    const run = (tally: Tally): number => processorMs(() => assert.ok(merge(tally)));
    for (const warm of [new Tally(), new Tally(0)]) run(warm);
    const [whole, few] = [new Tally(), new Tally(0)];
    const [all, none] = [run(whole), run(few)];
    assert.ok(none < all / 2, `${none} ms without reading, ${all} ms with`);
    assert.is(few.skipped, UNITS);
  });
}

test("G7 of more units than are looked at people's stay as one", () => {
  const numbers = (offset: number): number[] => Array.from({ length: 150_000 }, (_none, at) => at * 3 + offset);
  const tally = new Tally();
  const ours = numbers(1);
  assert.equal((mergeJson(numbers(0), ours, numbers(2), tally) as number[]).join() === ours.join(), true);
  assert.is(tally.skipped, 1);
});

test.run();
