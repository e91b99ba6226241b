import * as assert from 'uvu/assert';
import { expander } from '../../../src/workers/builtins/expander.ts';
import { countGraphemes } from '../../../src/workers/builtins/graphemes.ts';
import { markdownHtml } from '../../../src/workers/builtins/markdown-html.ts';
import { countText, textStatistics } from '../../../src/workers/builtins/text-statistics.ts';
import { Random } from '../../harness/random.ts';
import { processorMs } from '../../harness/processor-time.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('built-ins');

test('expander: starts with Expanded: and spells short forms out', () => {
  assert.is(
    expander.run("We can't go, e.g. today; they're late. I’ll ask ASAP (w/ Bob). Didn't it?"),
    'Expanded:\nWe cannot go, for example today; they are late. I will ask As soon as possible (with Bob). Did not it?',
  );
  assert.is(expander.run(''), 'Expanded:\n');
});

test('expander: leaves everything else as it is', () => {
  const text = "Bob's etcetera\n\n\tcode_w/x 日本語 😀 http://e.g.example constructor toString __proto__ 'm n't";
  assert.is(expander.run(text), `Expanded:\n${text}`);
});

test('text-statistics: counts what a reader and a machine call characters', () => {
  assert.equal(countText('Grüße 👩‍👩‍👧! One.\nTwo?\n\nA third paragraph'), {
    characters: 37,
    code_points: 41,
    bytes: 56,
    words: 6,
    unique_words: 6,
    lines: 4,
    sentences: 4,
    paragraphs: 2,
    reading_minutes: 1,
  });
});

test('text-statistics: the empty text and the one-line text', async () => {
  const empty = countText('');
  assert.is(empty.lines, 0);
  assert.is(empty.sentences, 0);
  assert.is(empty.reading_minutes, 0);
  assert.equal(JSON.parse(await textStatistics.run('one two')), {
    characters: 7,
    code_points: 7,
    bytes: 7,
    words: 2,
    unique_words: 2,
    lines: 1,
    sentences: 1,
    paragraphs: 1,
    reading_minutes: 1,
  });
});

test('text-statistics: whole runs of marks end a sentence, with what closes after them', () => {
  assert.is(countText('Wait… what?! (Yes.) "No." 「はい。」').sentences, 5);
  assert.is(countText('1.5 is not 1. Nor is a.b.c or ...x').sentences, 2);
  assert.is(countText('..."? ').sentences, 0 + countText('a? ').sentences);
});

test('G7 text-statistics: a long run of marks that ends no sentence costs no more than other text', () => {
  const marks = `${'.'.repeat(60_000)}x`;
  const ordinary = 'So. '.repeat(15_000);
  countText(ordinary);
  const bound = processorMs(() => {
    for (let times = 0; times < 50; times++) countText(ordinary);
  });
  const took = processorMs(() => assert.is(countText(marks).sentences, 1));
  assert.ok(took < bound, `${took} ms, against ${bound} ms for fifty times as much ordinary text`);
});

test('text-statistics: a character across any number of windows counts once, as the whole text segmented tells', () => {
  const long = `a${'\u0301'.repeat(3_000)}`;
  const parts = ['é', '🇩🇪', '🇩', '👩\u200d👩\u200d👧', '👍🏽', '\r\n', 'क्ष', 'x', long, '\u{e0100}', ' '];
  const random = new Random(7);
  for (let round = 0; round < 60; round++) {
    let text = '';
    const units = random.int(0, 3_000);
    const few = parts.filter(() => random.chance(0.33));
    while (few.length > 0 && text.length < units) text += random.pick(few);
    const whole = [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)].length;
    assert.is(countGraphemes(text), whole, JSON.stringify(few));
  }
});

test('G7 text-statistics: characters are counted in time linear in the text', () => {
  const part = 'Grüße und Küsse\t'.repeat(250);
  countGraphemes(part);
  const bound = processorMs(() => {
    for (let times = 0; times < 100; times++) countGraphemes(part);
  });
  const took = processorMs(() => countGraphemes(part.repeat(20)));
  assert.ok(took < bound, `${took} ms, against ${bound} ms for five times as much in small parts`);
});

test('markdown-html: CommonMark, with raw HTML and script links harmless', async () => {
  assert.is(await markdownHtml.run('# Title\n\n*a* `b`'), '<h1>Title</h1>\n<p><em>a</em> <code>b</code></p>\n');
  const html = await markdownHtml.run('<script>alert(1)</script>\n\n[x](javascript:alert(1))');
  assert.not.match(html, /<script|href="javascript/);
});

test.run();
