import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { createDocument } from '../../../src/domain/content/document.ts';
import { markedHtml } from '../../../src/domain/difference/marked-html.ts';
import { compareRich, type ComparedNode } from '../../../src/domain/difference/rich-difference.ts';
import { readRichTree, type RichNode, type RichText, type TextRun } from '../../../src/domain/difference/rich-tree.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('rich differences');

const run = (text: string, ...marks: string[]): TextRun => ({
  text,
  marks: marks.map((mark) => [mark, true] as const),
});
const text = (...runs: TextRun[]): RichText => ({ kind: 'text', runs });
const node = (name: string, ...children: RichNode[]): RichNode => ({ kind: 'element', name, attributes: {}, children });
const p = (words: string): RichNode => node('paragraph', text(run(words)));

function shown(old: readonly RichNode[], next: readonly RichNode[]): string {
  const compared = compareRich(old, next);
  return compared ? markedHtml(compared) : '(equal)';
}

test('characters, nodes, marks and attributes, each where it changed', () => {
  assert.is(shown([p('one')], [p('one')]), '(equal)');
  assert.is(shown([p('one two')], [p('one and two')]), '<p>one <ins>and </ins>two</p>');
  assert.is(
    shown([p('first'), p('second')], [p('first'), p('a wholly new line'), p('second')]),
    '<p>first</p><p data-diff="inserted"><ins>a wholly new line</ins></p><p>second</p>',
  );
  assert.is(
    shown([p('first'), p('gone'), p('last')], [p('first'), p('last')]),
    '<p>first</p><p data-diff="deleted"><del>gone</del></p><p>last</p>',
  );
  assert.is(
    shown([node('paragraph', text(run('so bold')))], [node('paragraph', text(run('so '), run('bold', 'bold')))]),
    '<p>so <del>bold</del><ins><strong>bold</strong></ins></p>',
  );
  const heading = (level: number): RichNode => ({
    kind: 'element',
    name: 'heading',
    attributes: { level },
    children: [text(run('T'))],
  });
  assert.is(
    shown([heading(1)], [heading(2)]),
    '<h2 data-diff="changed" data-diff-before="{&quot;level&quot;:1}">T</h2>',
  );
});

test('a changed paragraph is found beside new ones', () => {
  const html = shown(
    [p('The quick brown fox jumps over the lazy dog')],
    [p('Something else'), p('The quick brown cat jumps over the lazy dog'), p('And more')],
  );
  assert.match(html, /<p>The quick brown .*jumps over the lazy dog<\/p>/);
  assert.is(html.match(/data-diff="inserted"/g)?.length, 2);
  assert.not.match(html, /data-diff="deleted"/);
});

test('nothing in the HTML runs', () => {
  const link = (href: string): RichNode =>
    node('paragraph', { kind: 'text', runs: [{ text: 'x', marks: [['link', { href }]] }] });
  const html = shown(
    [],
    [
      p('<script>alert(1)</script>'),
      link('javascript:alert(1)'),
      link('https://a.example/?q="x'),
      { kind: 'element', name: 'script" onload="x', attributes: {}, children: [] },
      { kind: 'element', name: 'image', attributes: { src: 'data:text/html,x', alt: '"><b>' }, children: [] },
      node('paragraph', text(run('y', '__proto__'), run('z', 'constructor'))),
    ],
  );
  assert.not.match(html, /<script|javascript:|data:text| onload="/);
  assert.match(html, /href="https:\/\/a\.example\/\?q=&quot;x"/);
  assert.match(html, /<div data-node="script&quot; onload=&quot;x"/);
});

function randomTree(random: Random): RichNode[] {
  return Array.from({ length: random.int(0, 6) }, () => {
    const runs: TextRun[] = [];
    for (let count = random.int(0, 4); count > 0; count--) {
      const last = runs.at(-1)?.marks[0]?.[0] ?? '';
      const mark = random.pick(['', 'bold', 'italic'].filter((name) => name !== last || runs.length === 0));
      runs.push(run(random.text(random.int(1, 20)), ...(mark ? [mark] : [])));
    }
    const inner = text(...runs);
    return random.chance(0.2)
      ? node('bulletList', node('listItem', node('paragraph', inner)))
      : node('paragraph', inner);
  });
}

function mutateTree(random: Random, nodes: readonly RichNode[]): RichNode[] {
  const result = nodes.flatMap((one): RichNode[] => {
    if (random.chance(0.1)) return [];
    if (one.kind === 'text') {
      const runs = one.runs.flatMap((each) =>
        random.chance(0.2) ? [] : [{ ...each, text: random.chance(0.5) ? `${each.text.slice(1)}é` : each.text }],
      );
      return [{ kind: 'text', runs: joined(runs.filter((each) => each.text !== '')) }];
    }
    return [{ ...one, children: mutateTree(random, one.children) }];
  });
  if (random.chance(0.3)) result.splice(random.int(0, result.length + 1), 0, ...randomTree(random).slice(0, 1));
  return result;
}

/** As a document has them: neighbours of the same marks are one. */
function joined(runs: readonly TextRun[]): TextRun[] {
  const result: TextRun[] = [];
  for (const each of runs) {
    const last = result.at(-1);
    if (last && JSON.stringify(last.marks) === JSON.stringify(each.marks))
      result[result.length - 1] = { ...last, text: last.text + each.text };
    else result.push(each);
  }
  return result;
}

/** One side of a compared tree. */
function side(nodes: readonly ComparedNode[], other: 'inserted' | 'deleted'): unknown[] {
  return nodes.flatMap((one): unknown[] => {
    if (one.kind === 'text') {
      const runs = joined(
        one.runs.filter((each) => each.change !== other).map(({ text: words, marks }) => ({ text: words, marks })),
      );
      // A text node of which all was inserted is not there on the other side, or is there and empty.
      return runs.length === 0 ? [] : [{ kind: 'text', runs }];
    }
    if (one.change === other) return [];
    return [[one.name, side(one.children, other)]];
  });
}

function plain(nodes: readonly RichNode[]): unknown[] {
  return nodes.flatMap((one): unknown[] => {
    if (one.kind === 'text') return one.runs.length === 0 ? [] : [{ kind: 'text', runs: joined(one.runs) }];
    return [[one.name, plain(one.children)]];
  });
}

test(
  'of random differences both sides can be read back',
  seeded((random) => {
    for (let round = 0; round < 400; round++) {
      const old = randomTree(random);
      const next = random.chance(0.8) ? mutateTree(random, old) : randomTree(random);
      const compared = compareRich(old, next);
      if (!compared) {
        assert.equal(plain(old), plain(next));
        continue;
      }
      assert.equal(side(compared, 'inserted'), plain(old));
      assert.equal(side(compared, 'deleted'), plain(next));
      const html = markedHtml(compared);
      assert.is(html.split('<ins>').length, html.split('</ins>').length);
    }
  }),
);

test('a document is read as a tree: names, attributes, texts by marks', () => {
  const doc = createDocument({ gc: true });
  const fragment = doc.getXmlFragment('default');
  const heading = new Y.XmlElement('heading');
  heading.setAttribute('level', 2 as unknown as string);
  const words = new Y.XmlText();
  fragment.insert(0, [heading]);
  heading.insert(0, [words]);
  words.insert(0, 'plain bold', {});
  words.format(6, 4, { bold: true });
  assert.equal(JSON.parse(JSON.stringify(readRichTree(doc))), [
    {
      kind: 'element',
      name: 'heading',
      attributes: { level: 2 },
      children: [
        {
          kind: 'text',
          runs: [
            { text: 'plain ', marks: [] },
            { text: 'bold', marks: [['bold', true]] },
          ],
        },
      ],
    },
  ]);
});

test.run();
