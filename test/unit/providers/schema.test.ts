import { RE2JS } from 're2js';
import * as assert from 'uvu/assert';
import { stepsOf } from '../../../src/domain/derivation/linear-pattern.ts';
import { compilePatterns } from '../../../src/domain/derivation/pattern.ts';
import { compileSchema, schemaValue } from '../../../src/domain/derivation/schema.ts';
import type { StudioError } from '../../../src/errors.ts';
import { processorMs } from '../../harness/processor-time.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('schemas and patterns');
const MS_MAX = 1_000;

test('a value is held against the schema, and the place it breaks it is named', () => {
  const check = compileSchema(
    '{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]}',
    'input_schema',
  );
  assert.is(check({ a: 1 }), undefined);
  assert.match(String(check({ a: 'x' })), /\/a must be number/);
  assert.match(String(check({})), /required property 'a'/);
  assert.is(compileSchema('', 'input_schema')('anything'), undefined);
  assert.type(compileSchema('false', 'input_schema')('anything'), 'string');
});

test('text is checked as a JSON string, JSON as its value, bytes as base64', () => {
  assert.is(schemaValue(Buffer.from('{}'), 'text/plain'), '{}');
  assert.equal(schemaValue(Buffer.from('{"a":[1]}'), 'application/json'), { a: [1] });
  assert.is(schemaValue(Uint8Array.of(255), 'image/png'), '/w==');
});

test('several patterns in one schema, and a schema that refers to itself', () => {
  const patterns = compileSchema('{"properties":{"a":{"pattern":"^x$"},"b":{"pattern":"^y$"}}}', 'input_schema');
  assert.is(patterns({ a: 'x', b: 'y' }), undefined);
  assert.match(String(patterns({ a: 'x', b: 'x' })), /\/b must match pattern/);
  const tree = compileSchema('{"type":"object","properties":{"child":{"$ref":"#"}}}', 'input_schema');
  assert.is(tree({ child: { child: {} } }), undefined);
  assert.match(String(tree({ child: { child: 1 } })), /\/child\/child must be object/);
});

test('two schemas of one $id do not get into each other', () => {
  const one = compileSchema('{"$id":"https://x.example/s","type":"string"}', 'input_schema');
  const two = compileSchema('{"$id":"https://x.example/s","type":"number"}', 'input_schema');
  assert.is(one('a'), undefined);
  assert.is(two(1), undefined);
});

test('G7 a pattern that makes a backtracking engine run for ever takes linear time, in triggers and in schemas', () => {
  const evil = '(a+)+$';
  const text = `${'a'.repeat(50_000)}b`;
  const took = processorMs(() => {
    assert.not.ok(compilePatterns([evil], 'trigger_patterns')(text));
    assert.type(compileSchema(JSON.stringify({ type: 'string', pattern: evil }), 'input_schema')(text), 'string');
  });
  assert.ok(took < MS_MAX, `${took} ms`);
});

test('G7 a schema that refers to itself without end is an answer, not a crash', () => {
  const check = compileSchema('{"$ref":"#"}', 'input_schema');
  assert.type(check({}), 'string');
});

test('G7 patterns that a few characters blow up are refused before they are compiled, in triggers and in schemas', () => {
  const large = 'a{1000}'.repeat(140);
  const schema = { allOf: Array.from({ length: 60 }, (_none, index) => ({ pattern: `${large}${index}` })) };
  const took = processorMs(() => {
    const refused = (compile: () => unknown, reason: string): void =>
      assert.throws(compile, (error: StudioError) => error.reason === reason && /steps/.test(error.message));
    refused(() => compilePatterns([large], 'trigger_patterns'), 'PATTERN_INVALID');
    refused(
      () =>
        compilePatterns(
          Array(32)
            .fill(0)
            .map((_, at) => `x{1000}${at}`),
          'trigger_patterns',
        ),
      'PATTERN_INVALID',
    );
    refused(() => compileSchema(JSON.stringify(schema), 'input_schema'), 'SCHEMA_INVALID');
  });
  assert.ok(took < MS_MAX, `${took} ms`);
  // The same one again takes nothing.
  const same = { allOf: Array.from({ length: 60 }, () => ({ pattern: '^.{1,1000}$' })) };
  assert.is(compileSchema(JSON.stringify(same), 'input_schema')('x'), undefined);
});

test('G7 the steps of a pattern are known before it is compiled', () => {
  const parts = [
    'a{3}',
    'b{0,5}',
    '(?:cd{2,}){4}',
    '(e|f+)?',
    '[]g\\]{]{7}',
    '[^[:alpha:]](?i)',
    '\\Q(h{9}\\E',
    '\\x{41}{5}',
    '(?P<n>i*){6}',
  ];
  for (const pattern of ['', 'a||b', ...parts, parts.join(''), `(?:${parts.join('|')}){3}`]) {
    assert.ok(stepsOf(pattern) + 2 >= RE2JS.compile(pattern).programSize(), pattern);
  }
});

test('a schema that is nested too deep is refused as a schema', () => {
  let schema: unknown = { type: 'string' };
  for (let depth = 0; depth < 1_500; depth++) schema = { anyOf: [schema, {}] };
  const compile = (): unknown => compileSchema(JSON.stringify(schema), 'input_schema');
  assert.throws(compile, (error: StudioError) => error.reason === 'SCHEMA_INVALID' && /deeper/.test(error.message));
});

test('one of the patterns must occur; none means all', () => {
  assert.ok(compilePatterns([], 'trigger_patterns')('x'));
  assert.ok(compilePatterns(['^nothing$', 'TODO'], 'trigger_patterns')('a TODO b'));
  assert.not.ok(compilePatterns(['^TODO'], 'trigger_patterns')('a TODO b'));
});

test.run();
