/** The examples of RFC 6902 and RFC 7396 (their Appendix A), whole, and what concurrent work does to patches. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { readCanonical } from '../../../src/domain/content/canonical.ts';
import { createDocument } from '../../../src/domain/content/document.ts';
import { authorContent, authorPatch } from '../../../src/domain/edit/author.ts';
import { StudioError } from '../../../src/errors.ts';
import { JSON_STRUCTS_MAX } from '../../../src/limits.ts';
import { suite } from '../../harness/suite.ts';
import { processorMs } from '../../harness/processor-time.ts';

const test = suite('JSON Patch and Merge Patch');

const JSON_TYPE = 'application/json';

function made(content: string): Y.Doc {
  const doc = createDocument({ gc: true });
  authorContent(doc, JSON_TYPE, Buffer.from(content));
  return doc;
}

function read(doc: Y.Doc): unknown {
  return JSON.parse(Buffer.from(readCanonical(doc, JSON_TYPE)).toString('utf8'));
}

type Kind = 'json_patch' | 'merge_patch';

function apply(doc: Y.Doc, kind: Kind, patch: string): string {
  try {
    authorPatch(doc, JSON_TYPE, { kind, patch });
    return 'ok';
  } catch (error) {
    assert.instance(error, StudioError);
    return (error as StudioError).reason;
  }
}

/** Section, document, patch, result; undefined: it must fail, and change nothing. */
const RFC_6902: readonly (readonly [string, string, string, string | undefined])[] = [
  ['A.1', '{"foo":"bar"}', '[{"op":"add","path":"/baz","value":"qux"}]', '{"baz":"qux","foo":"bar"}'],
  ['A.2', '{"foo":["bar","baz"]}', '[{"op":"add","path":"/foo/1","value":"qux"}]', '{"foo":["bar","qux","baz"]}'],
  ['A.3', '{"baz":"qux","foo":"bar"}', '[{"op":"remove","path":"/baz"}]', '{"foo":"bar"}'],
  ['A.4', '{"foo":["bar","qux","baz"]}', '[{"op":"remove","path":"/foo/1"}]', '{"foo":["bar","baz"]}'],
  ['A.5', '{"baz":"qux","foo":"bar"}', '[{"op":"replace","path":"/baz","value":"boo"}]', '{"baz":"boo","foo":"bar"}'],
  [
    'A.6',
    '{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}',
    '[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]',
    '{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}',
  ],
  [
    'A.7',
    '{"foo":["all","grass","cows","eat"]}',
    '[{"op":"move","from":"/foo/1","path":"/foo/3"}]',
    '{"foo":["all","cows","eat","grass"]}',
  ],
  [
    'A.8',
    '{"baz":"qux","foo":["a",2,"c"]}',
    '[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]',
    '{"baz":"qux","foo":["a",2,"c"]}',
  ],
  ['A.9', '{"baz":"qux"}', '[{"op":"test","path":"/baz","value":"bar"}]', undefined],
  [
    'A.10',
    '{"foo":"bar"}',
    '[{"op":"add","path":"/child","value":{"grandchild":{}}}]',
    '{"foo":"bar","child":{"grandchild":{}}}',
  ],
  ['A.11', '{"foo":"bar"}', '[{"op":"add","path":"/baz","value":"qux","xyz":123}]', '{"foo":"bar","baz":"qux"}'],
  ['A.12', '{"foo":"bar"}', '[{"op":"add","path":"/baz/bat","value":"qux"}]', undefined],
  ['A.13', '{"foo":"bar"}', '[{"op":"add","path":"/baz","value":"qux","op":"remove"}]', undefined],
  ['A.14', '{"/":9,"~1":10}', '[{"op":"test","path":"/~01","value":10}]', '{"/":9,"~1":10}'],
  ['A.15', '{"/":9,"~1":10}', '[{"op":"test","path":"/~01","value":"10"}]', undefined],
  ['A.16', '{"foo":["bar"]}', '[{"op":"add","path":"/foo/-","value":["abc","def"]}]', '{"foo":["bar",["abc","def"]]}'],
];

for (const [section, document, patch, result] of RFC_6902) {
  test(`RFC 6902 ${section}`, () => {
    const doc = made(document);
    assert.is(apply(doc, 'json_patch', patch), result === undefined ? 'CONTENT_INVALID' : 'ok');
    assert.equal(read(doc), JSON.parse(result ?? document));
  });
}

const RFC_7396: readonly (readonly [string, string, string])[] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', 'null', 'null'],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

for (const [index, [document, patch, result]] of RFC_7396.entries()) {
  test(`RFC 7396 Appendix A, example ${index + 1}`, () => {
    const doc = made(document);
    assert.is(apply(doc, 'merge_patch', patch), 'ok');
    assert.equal(read(doc), JSON.parse(result));
  });
}

/** What two patches of one document, not knowing of each other, come to. */
function merged(base: string, one: [Kind, string], other: [Kind, string]): unknown {
  const doc = made(base);
  const copies = [one, other].map(([kind, patch], index) => {
    const copy = createDocument({ gc: true });
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
    copy.clientID = 10 + index;
    assert.is(apply(copy, kind, patch), 'ok');
    return copy;
  });
  const [first, second] = copies as [Y.Doc, Y.Doc];
  Y.applyUpdate(first, Y.encodeStateAsUpdate(second));
  Y.applyUpdate(second, Y.encodeStateAsUpdate(first));
  assert.equal(read(first), read(second));
  return read(first);
}

test('patches of different parts both stay', () => {
  assert.equal(
    merged(
      '{"list":[{"n":1},{"n":2},{"n":3}],"o":{"a":1}}',
      ['json_patch', '[{"op":"remove","path":"/list/0"},{"op":"add","path":"/list/0/x","value":true}]'],
      ['json_patch', '[{"op":"replace","path":"/list/1/n","value":9},{"op":"add","path":"/list/-","value":4}]'],
    ),
    { list: [{ n: 9, x: true }, { n: 3 }, 4], o: { a: 1 } },
  );
  assert.equal(
    merged(
      '{"o":{"a":1,"b":{"c":1}}}',
      ['merge_patch', '{"o":{"b":{"c":2}}}'],
      ['json_patch', '[{"op":"add","path":"/o/b/d","value":3}]'],
    ),
    { o: { a: 1, b: { c: 2, d: 3 } } },
  );
});

test('"__proto__" is a key like any other in patches too', () => {
  const doc = made('{"a":1}');
  assert.is(
    apply(
      doc,
      'json_patch',
      '[{"op":"add","path":"/__proto__","value":{"x":1}},{"op":"copy","from":"/__proto__","path":"/b"}]',
    ),
    'ok',
  );
  assert.is(Buffer.from(readCanonical(doc, JSON_TYPE)).toString('utf8'), '{"__proto__":{"x":1},"a":1,"b":{"x":1}}');
  assert.is(apply(doc, 'merge_patch', '{"__proto__":{"x":null,"y":2}}'), 'ok');
  assert.is(Buffer.from(readCanonical(doc, JSON_TYPE)).toString('utf8'), '{"__proto__":{"y":2},"a":1,"b":{"x":1}}');
  assert.is(
    apply(doc, 'json_patch', '[{"op":"remove","path":"/__proto__"},{"op":"test","path":"/constructor","value":1}]'),
    'CONTENT_INVALID',
  );
  assert.is(({} as Record<string, unknown>)['x'], undefined);
});

test('G7: a thousand operations on a large document take bounded time', () => {
  const large = JSON.stringify(
    Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`key ${index}`, index])),
  );
  const doc = made(large);
  const patches = [
    Array.from({ length: 1_000 }, (_, index) => ({ op: 'add', path: `/new${index}`, value: index })),
    Array.from({ length: 1_000 }, (_, index) => ({ op: 'replace', path: `/key ${index}`, value: 0 })),
    Array.from({ length: 100 }, () => ({ op: 'copy', from: '', path: '/key 0' })),
    Array.from({ length: 250 }, (_, index) => ({
      op: 'add',
      path: '/deep'.repeat(index + 1),
      value: JSON.parse('{"deep":'.repeat(100) + '1' + '}'.repeat(100)),
    })),
  ];
  for (const [index, expected] of ['ok', 'ok', 'CONTENT_TOO_LARGE', 'CONTENT_INVALID'].entries()) {
    const patch = JSON.stringify(patches[index]);
    const took = processorMs(() => assert.is(apply(doc, 'json_patch', patch), expected));
    assert.ok(took < 8_000, `${index}: ${took} ms`);
  }
});

test('more objects and keys than are kept apart are CONTENT_TOO_LARGE', () => {
  const doc = made('{"kept":1}');
  const many = `[${'[],'.repeat(JSON_STRUCTS_MAX)}[]]`;
  assert.throws(
    () => authorContent(doc, JSON_TYPE, Buffer.from(many)),
    (error: unknown) => error instanceof StudioError && error.reason === 'CONTENT_TOO_LARGE',
  );
  assert.equal(read(doc), { kept: 1 });
});

test.run();
