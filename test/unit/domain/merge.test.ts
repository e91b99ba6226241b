import * as assert from 'uvu/assert';
import { mergeThreeWay } from '../../../src/domain/merge.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('domain/merge');

function text(base: string, ours: string, theirs: string): string {
  const bytes = mergeThreeWay('text/plain', Buffer.from(base), Buffer.from(ours), Buffer.from(theirs));
  return Buffer.from(bytes).toString('utf8');
}

function json(base: unknown, ours: unknown, theirs: unknown): unknown {
  const [o, a, b] = [base, ours, theirs].map((value) => Buffer.from(JSON.stringify(value)));
  if (!o || !a || !b) throw new Error('three sides');
  return JSON.parse(Buffer.from(mergeThreeWay('application/json', o, a, b)).toString('utf8'));
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
  const merged = mergeThreeWay('application/json', proto(1), Buffer.from('{"__proto__":1,"a":7}'), proto(2));
  assert.is(Buffer.from(merged).toString('utf8'), '{"__proto__":2,"a":7}');
});

test('a key that people removed stays removed, and one the provider removed goes', () => {
  assert.equal(json({ a: 1, b: 1, c: 1 }, { b: 1, c: 1 }, { a: 1, c: 2 }), { c: 2 });
});

test.run();
