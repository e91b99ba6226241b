import * as assert from 'uvu/assert';
import { mergeThreeWay } from '../../../src/domain/merge/merge.ts';
import { StudioError } from '../../../src/errors.ts';
import { suite } from '../../harness/suite.ts';
import { processorMs } from '../../harness/processor-time.ts';

const test = suite('domain/merge');

function text(base: string, ours: string, theirs: string): string {
  const { content: bytes } = mergeThreeWay('text/plain', Buffer.from(base), Buffer.from(ours), Buffer.from(theirs));
  return Buffer.from(bytes).toString('utf8');
}

function json(base: unknown, ours: unknown, theirs: unknown): unknown {
  const [o, a, b] = [base, ours, theirs].map((value) => Buffer.from(JSON.stringify(value)));
  if (!o || !a || !b) throw new Error('three sides');
  return JSON.parse(Buffer.from(mergeThreeWay('application/json', o, a, b).content).toString('utf8'));
}

test('both fix the same word: it is fixed once', () => {
  assert.is(text('teh cat\n', 'the cat\n', 'the cat\nand a dog\n'), 'the cat\nand a dog\n');
});

test('a paragraph that people deleted does not come back', () => {
  assert.is(text('one\ntwo\nthree\nfour\n', 'one\nthree\nfour\n', 'one\ntwo\nthree\nfour!\n'), 'one\nthree\nfour!\n');
});

test('people and the provider in different words of one line: both stay', () => {
  assert.is(text('a big red house\n', 'a huge red house\n', 'a big red castle\n'), 'a huge red castle\n');
});

test('people and the provider in the same word: people stay', () => {
  assert.is(text('a big house\n', 'a huge house\n', 'a large house\n'), 'a huge house\n');
});

test('a last line without an end is not glued to what the provider puts after it', () => {
  assert.is(text('- a\n- b\n', '- a\n- b', '- a\n- b\n- c\n'), '- a\n- b\n- c\n');
  assert.is(text('- a\n- b\n', '- a\n- b\nmine', '- a\n- b\n- c\n'), '- a\n- b\nmine\n- c\n');
  assert.is(text('a\n', 'a\nfoo', 'a\nbar'), 'a\nfoo\nbar');
  assert.is(text('a\nb', 'a\nb', 'a\nb\n'), 'a\nb\n');
});

test('any number of lines put in at one place by both sides', () => {
  const many = (word: string): string =>
    Array.from({ length: 200_000 }, (_none, index) => `${word} ${index}\n`).join('');
  const merged = text('a\nb\n', `a\n${many('ours')}b\n`, `a\n${many('theirs')}b\n`);
  assert.ok(merged === `a\n${many('ours')}${many('theirs')}b\n`);
});

test('nobody touched it: the new output as it is, to the byte', () => {
  assert.is(text('x', 'x', 'no newline at all'), 'no newline at all');
});

test('JSON by key, __proto__ among them', () => {
  assert.equal(json({ a: 1, b: { c: 1, d: 1 } }, { a: 1, b: { c: 2, d: 1 } }, { a: 5, b: { c: 1, d: 3 }, e: 1 }), {
    a: 5,
    b: { c: 2, d: 3 },
    e: 1,
  });
  const proto = (value: number): Buffer => Buffer.from(`{"__proto__":${value},"a":${value}}`);
  const { content: merged } = mergeThreeWay(
    'application/json',
    proto(1),
    Buffer.from('{"__proto__":1,"a":7}'),
    proto(2),
  );
  assert.is(Buffer.from(merged).toString('utf8'), '{"__proto__":2,"a":7}');
});

test('G3 a new output is read as strictly as a first one', () => {
  for (const [contentType, theirs] of [
    ['application/json', 'not json'],
    ['application/json', '{"a":12345678901234567890}'],
    ['application/json', '{"a":1e400}'],
    ['text/plain', Buffer.from([0xff])],
  ] as const) {
    const [base, ours] = [Buffer.from('{"a":1}'), Buffer.from('{"a":2}')];
    const merge = (): unknown => mergeThreeWay(contentType, base, ours, Buffer.from(theirs));
    assert.throws(merge, (error: unknown) => StudioError.from(error).reason === 'CONTENT_INVALID');
  }
});

test('a key that people removed stays removed, and one the provider removed goes', () => {
  assert.equal(json({ a: 1, b: 1, c: 1 }, { b: 1, c: 1 }, { a: 1, c: 2 }), { c: 2 });
});

function skipped(contentType: string, ...sides: [string, string, string]): number {
  const [base, ours, theirs] = sides.map((side) => Buffer.from(side)) as [Buffer, Buffer, Buffer];
  return mergeThreeWay(contentType, base, ours, theirs).skipped;
}

test('changes of neighbouring lines both stay, and so does a line put beside a changed one', () => {
  assert.is(text('one\ntwo\nthree\n', 'ONE\ntwo\nthree\n', 'one\nTWO\nthree\n'), 'ONE\nTWO\nthree\n');
  assert.is(text('one\ntwo\n', 'ONE\ntwo\n', 'one\nnew\ntwo\n'), 'ONE\nnew\ntwo\n');
  assert.is(text('one\ntwo\n', 'one\nTWO\n', 'one\nnew\ntwo\n'), 'one\nnew\nTWO\n');
  assert.is(text('one\ntwo\n', 'two\n', 'one\nTWO\n'), 'TWO\n');
});

test('both add at the same place: lines of both, what is the same once', () => {
  assert.is(text('a\nz\n', 'a\nours\nsame\nz\n', 'a\ntheirs\nsame\nz\n'), 'a\nours\ntheirs\nsame\nz\n');
  assert.is(text('a house\n', 'a big house\n', 'a large house\n'), 'a big house\n');
});

test('changes that were left out are counted', () => {
  assert.is(skipped('text/plain', 'a big red house\n', 'a huge red house\n', 'a large red castle\n'), 1);
  assert.is(skipped('text/plain', 'a\nb\nc\nd\n', 'a!\nb\nc!\nd\n', 'a?\nb\nc?\nd?\n'), 2);
  assert.is(skipped('text/plain', 'one\ntwo\n', 'ONE\ntwo\n', 'one\nTWO\n'), 0);
  assert.is(skipped('application/json', '{"a":1,"b":1}', '{"a":2}', '{"a":3,"b":2,"c":1}'), 2);
  assert.is(skipped('image/png', 'a', 'b', 'c'), 1);
});

test('a long text of equal lines is merged in bounded time', () => {
  const lines = Array.from({ length: 200_000 }, (_, index) => (index % 3 === 0 ? '\n' : `line ${index % 50}\n`));
  const changed = (at: number): string => lines.with(at, 'changed\n').join('');
  let merged = '';
  const took = processorMs(() => (merged = text(lines.join(''), changed(10), changed(199_990))));
  assert.ok(took < 5_000, `${took} ms`);
  assert.is(merged, lines.with(10, 'changed\n').with(199_990, 'changed\n').join(''));
});

test('arrays by element: what people put in, changed and took out stays so', () => {
  assert.equal(json([1, 2, 3], [1, 3, 4], [0, 1, 2, 3]), [0, 1, 3, 4]);
  assert.equal(json([{ id: 1, n: 'x' }], [{ id: 1, n: 'y' }], [{ id: 1, n: 'x', m: 2 }, { id: 2 }]), [
    { id: 1, n: 'y', m: 2 },
    { id: 2 },
  ]);
  assert.equal(json([{ id: 1, n: 'x' }], [{ id: 1, n: 'y' }], [{ id: 1, n: 'x', m: 2 }]), [{ id: 1, n: 'y', m: 2 }]);
});

test('rich documents by node, attribute and word', () => {
  const rich = (...content: unknown[]): string => JSON.stringify({ type: 'doc', content });
  const block = (type: string, text: string, attrs?: object): object => ({
    type,
    ...(attrs ? { attrs } : {}),
    content: [{ type: 'text', text }],
  });
  const merge = (base: string, ours: string, theirs: string): [unknown, number] => {
    const [o, a, b] = [base, ours, theirs].map((side) => Buffer.from(side)) as [Buffer, Buffer, Buffer];
    const merged = mergeThreeWay('application/vnd.studio.prosemirror+yjs', o, a, b);
    return [JSON.parse(Buffer.from(merged.content).toString('utf8')), merged.skipped];
  };
  const base = rich(
    block('heading', 'A title', { level: 1 }),
    block('paragraph', 'teh first'),
    block('paragraph', 'gone'),
  );
  assert.equal(
    merge(
      base,
      rich(block('heading', 'The title', { level: 1 }), block('paragraph', 'the first')),
      rich(
        block('heading', 'A title', { level: 2 }),
        block('paragraph', 'the first one'),
        block('paragraph', 'gone'),
        block('paragraph', 'new'),
      ),
    ),
    [
      JSON.parse(
        rich(
          block('heading', 'The title', { level: 2 }),
          block('paragraph', 'the first one'),
          block('paragraph', 'new'),
        ),
      ),
      0,
    ],
  );
  const [, left] = merge(
    base,
    rich(block('heading', 'A title', { level: 1 }), block('paragraph', 'a first')),
    rich(block('heading', 'A title', { level: 1 }), block('paragraph', 'b first'), block('paragraph', 'gone?')),
  );
  assert.is(left, 2);
});

test("G9 no value of one item gets into another: people's stays whole, the provider's comes beside it", () => {
  const ann = { name: 'Ann', phone: '1' };
  const [bob, carol] = [
    { name: 'Bob', phone: '999' },
    { name: 'Carol', phone: '3' },
  ];
  assert.equal(json([ann, { ...bob, phone: '2' }], [ann, bob], [ann, carol]), [ann, bob, carol]);
  const question = { q: 'Capital of France?', a: 'Lyon' };
  const other = { q: 'Largest planet?', a: 'Jupiter' };
  assert.equal(json([question], [{ ...question, a: 'Paris' }], [other]), [{ ...question, a: 'Paris' }, other]);
  const days = [['Mon', 1]];
  assert.equal(json([...days, ['Tue', 2]], [...days, ['Tue', 99]], [...days, ['Wed', 3]]), [
    ...days,
    ['Tue', 99],
    ['Wed', 3],
  ]);
});

test('G9 a sentence that the provider wrote anew is not mixed with what people made of the old one', () => {
  const [brown, red] = ['The quick brown fox jumps over it\n', 'The quick red fox jumps over it\n'];
  const anew = 'A totally different sentence about cats here\n';
  assert.is(text(brown, red, anew), red + anew);
  assert.is(skipped('text/plain', brown, red, anew), 1);
  assert.is(text('w0 w1 w2 w3 w4 w5\n', 'w0 w1 w3 w4 w5\n', 'w0 Q w1 w4 w5\n'), 'w0 Q w1 w4 w5\n');
  assert.is(text('a b c d e\n', 'a b c e\n', 'a b c P d Q e\n'), 'a b c P Q e\n');
  // Wrapped otherwise, it is the same text.
  assert.is(
    text('one two three\nfour five\n', 'one two three\nfour 5\n', 'one two\nthree four five\n'),
    'one two\nthree four 5\n',
  );
});

test('G9 what the provider moves does not come back where people deleted it, nor twice where they changed it', () => {
  const [fruit, sorted] = ['banana\napple\ncherry\n', 'apple\nbanana\ncherry\n'];
  assert.is(text(fruit, 'apple\ncherry\n', sorted), 'apple\ncherry\n');
  assert.is(skipped('text/plain', fruit, 'apple\ncherry\n', sorted), 1);
  assert.is(
    text('milk\neggs\nbread\n', 'milk\neggs\nbread (rye)\n', 'bread\neggs\nmilk\n'),
    'bread (rye)\neggs\nmilk\n',
  );
  const items = ['a', 'b', 'c'].map((t, id) => ({ id, t }));
  const [a, b, c] = items;
  assert.equal(json(items, [a, { id: 1, t: 'MINE' }, c], [b, a, c]), [{ id: 1, t: 'MINE' }, a, c]);
});

test("G9 of new items with one id people's is the one, and the other is counted", () => {
  const [a, mine, other] = [{ id: 1 }, { id: 2, t: 'mine' }, { id: 2, t: 'other' }];
  assert.equal(json([a], [a, mine], [a, other, { id: 3 }]), [a, mine, { id: 3 }]);
  assert.equal(json([a], [mine, a], [a, mine, { id: 3 }]), [mine, a, { id: 3 }]);
  const sides = [[a], [a, mine], [a, other]].map((side) => JSON.stringify(side)) as [string, string, string];
  assert.is(skipped('application/json', ...sides), 1);
});

test('G9 a last line without an end takes nothing of what the provider puts after it, and blank lines stay between', () => {
  assert.is(text('# T\n\nOne', '# T\n\nOne\n', '# T\n\nOne\n\n- new\n- more'), '# T\n\nOne\n\n- new\n- more');
  assert.is(
    text('intro\nlast line', 'intro\nlast line mine', 'intro\nlast line\nnew line'),
    'intro\nlast line mine\nnew line',
  );
  assert.is(text('Milk\n', 'Milk\n\nAsk Bob\n', 'Milk\n\nBuy eggs\n'), 'Milk\n\nAsk Bob\n\nBuy eggs\n');
  assert.is(text('Total: 5 ', 'Total: 5', 'Total: 5 items'), 'Total: 5 items');
  assert.is(text('a b\nc', 'a b', 'a B\nc'), 'a B');
});

test.run();
