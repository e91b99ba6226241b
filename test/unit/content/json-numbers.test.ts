import * as assert from 'uvu/assert';
import { parseJson } from '../../../src/domain/content/json-value.ts';
import { processorMs } from '../../harness/processor-time.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('numbers in JSON');
const parse = (text: string): unknown => parseJson(Buffer.from(text));

test('zeros around the digits are not digits', () => {
  assert.is(parse('1000000000000000000000'), 1e21);
  assert.is(parse('0.00000000000000000000100'), 1e-21);
  assert.is(parse('0.000000000000000000000000'), 0);
  assert.throws(() => parse('0.10000000000000000000001'), /more digits than a double/);
});

test('a number too small for all its digits is refused, not rounded', () => {
  for (const literal of ['1.23456789e-320', '4e-324', '1e-400']) {
    assert.throws(() => parse(literal), /more digits than a double/, literal);
  }
  assert.is(parse('5e-324'), 5e-324);
  assert.is(parse('2.2250738585072014e-308'), 2 ** -1022);
});

test('G7 a number with many zeros within is refused in time linear in its length', () => {
  const short = `0.1${'0'.repeat(500)}1`;
  const refuse = (text: string): void => assert.throws(() => parse(text), /more digits than a double/);
  refuse(short);
  const bound = processorMs(() => {
    for (let times = 0; times < 1_000; times++) refuse(short);
  });
  const took = processorMs(() => refuse(`0.1${'0'.repeat(50_000)}1`));
  assert.ok(took < bound, `${took} ms, against ${bound} ms for ten times as much in short numbers`);
});

test.run();
