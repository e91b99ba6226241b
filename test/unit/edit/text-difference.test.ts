import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { createDocument } from '../../../src/domain/content/document.ts';
import { authorContent } from '../../../src/domain/edit/author.ts';
import { textDifference } from '../../../src/domain/edit/text-difference.ts';
import { splitsPair } from '../../../src/domain/edit/surrogates.ts';
import { DIFFERENCE_PLACES_MAX } from '../../../src/limits.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';
import { processorMs } from '../../harness/processor-time.ts';

const test = suite('differences of texts');

const MEBIBYTE = 1024 * 1024;

function letters(random: Random, length: number, alphabet: readonly string[]): string {
  const parts: string[] = [];
  for (let left = length; left > 0; left--) parts.push(random.pick(alphabet));
  return parts.join('');
}

/** A few letters changed at so many places. */
function scattered(text: string, places: number, random: Random): string {
  const parts: string[] = [];
  const step = Math.floor(text.length / places);
  for (let place = 0; place < places; place++) {
    const part = text.slice(place * step, place === places - 1 ? undefined : (place + 1) * step);
    const at = random.int(0, part.length - 10);
    const end = at + random.int(0, 5);
    parts.push(part.slice(0, at), random.pick(['', 'new', 'x', 'some more']), part.slice(end));
  }
  return parts.join('');
}

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz0123456789'];

function lines(random: Random): string {
  return Array.from({ length: 60_000 }, () => `${letters(random, 80, [...LETTERS, ' ', ' ', ' '])}\n`).join('');
}

function oneLine(random: Random): string {
  return Array.from({ length: 800_000 }, () => letters(random, random.int(2, 10), LETTERS)).join(' ');
}

function unbroken(random: Random): string {
  return letters(random, 5 * MEBIBYTE, LETTERS);
}

for (const [name, make] of Object.entries({ lines, oneLine, unbroken })) {
  test(
    `G7: 5 MB (${name}) with changes all over: as small an update, in bounded time`,
    seeded((random) => {
      const text = make(random);
      assert.ok(text.length > 4 * MEBIBYTE);
      const doc = createDocument({ gc: true });
      authorContent(doc, 'text/plain', Buffer.from(text));
      let bytes = 0;
      doc.on('update', (update: Uint8Array) => (bytes = update.byteLength));
      const next = scattered(text, 500, random);
      const took = processorMs(() => authorContent(doc, 'text/plain', Buffer.from(next)));
      assert.ok(doc.getText('content').toJSON() === next, 'the text is what was asked for');
      assert.ok(bytes < 500 * 200, `${bytes} bytes`);
      assert.ok(took < 6_000, `${took} ms`);
    }),
  );
}

test(
  'concurrent work between the places that changed survives',
  seeded((random) => {
    const text = oneLine(random);
    const base = createDocument({ gc: true });
    authorContent(base, 'text/plain', Buffer.from(text));
    const other = createDocument({ gc: true });
    Y.applyUpdate(other, Y.encodeStateAsUpdate(base));
    authorContent(base, 'text/plain', Buffer.from(`START ${text.slice(6, -6)} FINISH`));
    other.getText('content').insert(MEBIBYTE, 'IN BETWEEN');
    Y.applyUpdate(base, Y.encodeStateAsUpdate(other));
    assert.ok(base.getText('content').toJSON().includes('IN BETWEEN'));
  }),
);

test(
  'a difference leads from the one to the other, and never splits a character',
  seeded((random) => {
    const alphabet = ['a', 'b', '\n', ' ', '😀', '😁', '\u{1fa00}', '👩‍👩‍👧', '漢'];
    for (let round = 0; round < 400; round++) {
      const old = letters(random, random.int(0, 60), alphabet);
      const next = random.chance(0.5)
        ? letters(random, random.int(0, 60), alphabet)
        : [...old].map((each) => (random.chance(0.2) ? random.pick(alphabet) : each)).join('');
      let text = old;
      for (const { at, deleted, insert } of textDifference(old, next).reverse()) {
        assert.not(splitsPair(old, at) || splitsPair(old, at + deleted), 'within a character');
        text = text.slice(0, at) + insert + text.slice(at + deleted);
      }
      assert.is(text, next);
    }
  }),
);

test('G7: more places than one edit may change become larger ones', () => {
  const numbered = Array.from({ length: 200_000 }, (_, index) => `${index} line\n`);
  const old = numbered.join('');
  const next = numbered.map((line, index) => (index % 3 === 0 ? 'changed\n' : line)).join('');
  const difference = textDifference(old, next);
  assert.ok(difference.length <= DIFFERENCE_PLACES_MAX && difference.length > DIFFERENCE_PLACES_MAX / 2);
  const doc = createDocument({ gc: true });
  authorContent(doc, 'text/plain', Buffer.from(old));
  const took = processorMs(() => authorContent(doc, 'text/plain', Buffer.from(next)));
  assert.ok(took < 8_000, `${took} ms`);
  assert.ok(doc.getText('content').toJSON() === next);
});

test('G7: many lines of which none is the same are looked at by words up to an amount of text', () => {
  const text = (lines: number, sign: string): string =>
    Array.from({ length: lines }, (_, index) => `word${index} and ${sign} more${index}\n`).join('');
  const places = (lines: number): number => textDifference(text(lines, '1st'), text(lines, 'next')).length;
  assert.ok(places(20_000) > 1_000, 'a million characters are looked at');
  assert.is(places(100_000), 1, 'five million are not');
});

test('more different lines than there are letters against few', () => {
  const many = Array.from({ length: 70_000 }, (_none, index) => `line ${index}\n`).join('');
  for (const [old, next] of [
    [many, 'cleared, sorry'],
    ['one line\n', many],
    ['line 69999\n', many],
  ] as const) {
    const doc = createDocument({ gc: true });
    authorContent(doc, 'text/plain', Buffer.from(old));
    authorContent(doc, 'text/plain', Buffer.from(next));
    assert.ok(doc.getText('content').toJSON() === next, `${old.length} to ${next.length}`);
  }
});

test.run();
