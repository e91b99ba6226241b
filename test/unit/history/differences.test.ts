/** What leads from one content to another really does, and is small. */
import * as assert from 'uvu/assert';
import { canonicalJson, type JsonValue } from '../../../src/domain/content/json-value.ts';
import { createDocument } from '../../../src/domain/content/document.ts';
import { jsonPatchBetween } from '../../../src/domain/difference/json-patch-between.ts';
import { joinNeighbours, textEditsBetween } from '../../../src/domain/difference/text-edits.ts';
import { applyJsonPatch } from '../../../src/domain/edit/json-patch.ts';
import { authorTextEdits } from '../../../src/domain/edit/text-edits.ts';
import { JSON_PATCH_OPERATIONS_MAX, TEXT_EDITS_PER_DELTA_MAX } from '../../../src/limits.ts';
import { processorMs } from '../../harness/processor-time.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('differences');

function editedText(old: string, next: string): { text: string; inserted: number; deleted: number; edits: number } {
  const doc = createDocument({ gc: true });
  doc.getText('content').insert(0, old);
  const edits = textEditsBetween(old, next);
  authorTextEdits(doc, edits, 'code_points');
  return {
    text: doc.getText('content').toJSON(),
    inserted: edits.reduce((sum, { insert }) => sum + Array.from(insert).length, 0),
    deleted: edits.reduce((sum, { deleteCount }) => sum + deleteCount, 0),
    edits: edits.length,
  };
}

test('text: edits in code points, in sequence', () => {
  assert.equal(textEditsBetween('a😀b', 'a😀b'), []);
  assert.equal(textEditsBetween('a😀b😀c', 'a😀Xb😀'), [
    { offset: 2, deleteCount: 0, insert: 'X' },
    { offset: 5, deleteCount: 1, insert: '' },
  ]);
  assert.equal(textEditsBetween('', 'new'), [{ offset: 0, deleteCount: 0, insert: 'new' }]);
  assert.equal(textEditsBetween('old', ''), [{ offset: 0, deleteCount: 3, insert: '' }]);
});

test('text: what is inserted or deleted begins and ends where words do, if that is as small', () => {
  const only = (old: string, next: string): unknown[] =>
    textEditsBetween(old, next).map(({ offset, deleteCount, insert }) => [offset, deleteCount, insert]);
  assert.equal(only('one three', 'one two three'), [[4, 0, 'two ']]);
  assert.equal(only('one two three', 'one three'), [[4, 4, '']]);
  assert.equal(only('a\nb\n', 'a\na\nb\n'), [[2, 0, 'a\n']]);
  assert.equal(only('😀😁 😂', '😀😁 😁 😂'), [[3, 0, '😁 ']]);
});

function mutate(random: Random, text: string): string {
  const characters = Array.from(text);
  for (let count = random.int(0, 6); count > 0; count--) {
    const at = random.int(0, characters.length + 1);
    characters.splice(at, random.int(0, 4), ...Array.from(random.text(random.int(0, 4))));
  }
  return characters.join('');
}

test(
  'text: random differences lead where they should and are no larger than what changed',
  seeded((random) => {
    for (let round = 0; round < 300; round++) {
      const old = random.text(random.int(0, 200));
      const next = random.chance(0.8) ? mutate(random, old) : random.text(random.int(0, 100));
      const result = editedText(old, next);
      assert.is(result.text, next);
      assert.is(result.inserted - result.deleted, Array.from(next).length - Array.from(old).length);
      assert.ok(result.inserted <= Array.from(next).length && result.deleted <= Array.from(old).length);
    }
  }),
);

test('G7: text: more edits than one delta may have are joined where least lies between them', () => {
  const old = 'ab'.repeat(TEXT_EDITS_PER_DELTA_MAX + 500);
  const next = 'a-'.repeat(TEXT_EDITS_PER_DELTA_MAX + 500);
  const result = editedText(old, next);
  assert.is(result.text, next);
  assert.ok(result.edits <= TEXT_EDITS_PER_DELTA_MAX);
  assert.equal(
    joinNeighbours(
      'a12bc345678d',
      [
        { at: 0, deleted: 1, insert: 'A' },
        { at: 3, deleted: 2, insert: 'BC' },
        { at: 11, deleted: 1, insert: '' },
      ],
      2,
    ),
    [
      { at: 0, deleted: 5, insert: 'A12BC' },
      { at: 11, deleted: 1, insert: '' },
    ],
  );
});

function patched(old: JsonValue, next: JsonValue): number {
  const operations = jsonPatchBetween(old, next);
  assert.is(canonicalJson(applyJsonPatch(old, JSON.stringify(operations))), canonicalJson(next));
  assert.ok(operations.length <= JSON_PATCH_OPERATIONS_MAX);
  return operations.length;
}

const parse = (text: string): JsonValue => JSON.parse(text) as JsonValue;

test('JSON: objects by key, arrays by value, pointers escaped', () => {
  const shared = { same: 'x'.repeat(200) };
  assert.equal(jsonPatchBetween(parse('{"a":1,"b":[1,2]}'), parse('{"b":[1,2],"a":1}')), []);
  assert.equal(jsonPatchBetween({ ...shared, 'a/b': 1, 'm~n': 2, x: 0 }, { ...shared, 'a/b': 2, 'm~n': 2, é: null }), [
    { op: 'remove', path: '/x' },
    { op: 'replace', path: '/a~1b', value: 2 },
    { op: 'add', path: '/é', value: null },
  ]);
  const long = Array.from({ length: 50 }, (_, id) => ({ id, title: `the title of number ${id}`, tags: ['a', 'b'] }));
  const inserted = [...long.slice(0, 10), { id: 99, title: 'new', tags: [] }, ...long.slice(10)];
  assert.equal(jsonPatchBetween(long, inserted), [{ op: 'add', path: '/10', value: inserted[10] as JsonValue }]);
  const changed = long.map((item) => (item.id === 7 ? { ...item, tags: ['a', 'c'] } : item));
  assert.equal(jsonPatchBetween(long, changed), [{ op: 'replace', path: '/7/tags/1', value: 'c' }]);
  assert.equal(jsonPatchBetween(null, [1]), [{ op: 'replace', path: '', value: [1] }]);
});

test('JSON: what has nothing in common is replaced whole; keys of every kind are keys', () => {
  assert.is(patched(parse('{"a":1,"b":2,"c":3}'), parse('{"d":4,"e":5,"f":6}')), 1);
  assert.ok(
    patched(parse('{"__proto__":1,"constructor":2,"":3}'), parse('{"__proto__":{"a":1},"constructor":2}')) >= 1,
  );
  assert.ok(patched(parse('{"0":1,"-":2}'), parse('{"0":2,"-":[]}')) >= 1);
});

test('G7: JSON: what would take too many operations is replaced in larger parts', () => {
  const rows = Array.from({ length: JSON_PATCH_OPERATIONS_MAX + 1 }, (_, id) => ({
    id,
    text: `row ${id} ${'x'.repeat(80)}`,
  }));
  const document = { title: 'x'.repeat(500), inner: { rows } };
  const next = { title: document.title, inner: { rows: rows.map((row) => ({ ...row, id: row.id + 1 })) } };
  const count = patched(document, next);
  assert.ok(count < 10, String(count));
});

test('G7: JSON: long lists without anything in common take no long time', () => {
  const list = (factor: number): JsonValue =>
    Array.from({ length: 60_000 }, (_, index) => (index * factor) % 1_000_003);
  const took = processorMs(() => patched({ list: list(7) }, { list: list(11) }));
  assert.ok(took < 10_000, `${took} ms`);
});

test('G7: JSON: lists that differ in more places than a patch may have operations are not gone through again and again', () => {
  let looks = 0;
  const counted = new Proxy(
    Array.from({ length: 20_000 }, (_, index) => index),
    {
      get: (list, key) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) looks += 1;
        return Reflect.get(list, key) as unknown;
      },
    },
  );
  const next = counted.map((value) => -1 - value);
  looks = 0;
  assert.equal(jsonPatchBetween({ inner: counted }, { inner: next }), [{ op: 'replace', path: '/inner', value: next }]);
  assert.ok(looks < 2.5 * next.length, `${looks} looks`);
});

function randomValue(random: Random, depth: number): JsonValue {
  const kind = random.int(0, depth > 0 ? 6 : 4);
  if (kind === 0) return random.int(-3, 4);
  if (kind === 1) return random.text(random.int(0, 4));
  if (kind === 2) return random.chance(0.5);
  if (kind === 3) return null;
  if (kind === 4) return Array.from({ length: random.int(0, 6) }, () => randomValue(random, depth - 1));
  const object: Record<string, JsonValue> = {};
  for (let count = random.int(0, 6); count > 0; count--)
    object[random.pick(['a', 'b', 'c', '~', '/', '~1', '', 'é'])] = randomValue(random, depth - 1);
  return object;
}

function mutateValue(random: Random, value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null || random.chance(0.15)) return randomValue(random, 2);
  if (Array.isArray(value)) {
    const items = (value as readonly JsonValue[]).map((item) =>
      random.chance(0.3) ? mutateValue(random, item) : item,
    );
    if (random.chance(0.5)) items.splice(random.int(0, items.length + 1), random.int(0, 3), randomValue(random, 1));
    return items;
  }
  const entries = Object.entries(value as Readonly<Record<string, JsonValue>>)
    .filter(() => random.chance(0.85))
    .map(([key, item]) => [key, random.chance(0.4) ? mutateValue(random, item) : item] as const);
  return Object.fromEntries(random.chance(0.4) ? [...entries, ['new', randomValue(random, 1)]] : entries);
}

test(
  'JSON: random patches, applied, give the other value, and are never longer than replacing it',
  seeded((random) => {
    for (let round = 0; round < 1_500; round++) {
      const old = randomValue(random, 4);
      const next = random.chance(0.8) ? mutateValue(random, old) : randomValue(random, 4);
      patched(old, next);
      const size = JSON.stringify(jsonPatchBetween(old, next)).length;
      assert.ok(size <= JSON.stringify([{ op: 'replace', path: '', value: next }]).length + 60);
    }
  }),
);

test.run();
