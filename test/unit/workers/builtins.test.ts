import * as assert from 'uvu/assert';
import { expander } from '../../../src/workers/builtins/expander.ts';
import { markdownHtml } from '../../../src/workers/builtins/markdown-html.ts';
import { countText, textStatistics } from '../../../src/workers/builtins/text-statistics.ts';
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

test('markdown-html: CommonMark, with raw HTML and script links harmless', async () => {
  assert.is(await markdownHtml.run('# Title\n\n*a* `b`'), '<h1>Title</h1>\n<p><em>a</em> <code>b</code></p>\n');
  const html = await markdownHtml.run('<script>alert(1)</script>\n\n[x](javascript:alert(1))');
  assert.not.match(html, /<script|href="javascript/);
});

test.run();
