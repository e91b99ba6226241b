import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { readCanonical } from '../../../src/domain/content/canonical.ts';
import { createDocument } from '../../../src/domain/content/document.ts';
import type { Patch } from '../../../src/domain/delta.ts';
import { authorContent, authorPatch } from '../../../src/domain/edit/author.ts';
import { StudioError } from '../../../src/errors.ts';
import { CONTENT_BYTES_MAX, CONTENT_DEPTH_MAX } from '../../../src/limits.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';
import { processorMs } from '../../harness/processor-time.ts';

const test = suite('authoring');

const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain';

function make(contentType: string, content: string): { doc: Y.Doc; updates: Uint8Array[] } {
  const doc = createDocument({ gc: true });
  authorContent(doc, contentType, Buffer.from(content, 'utf8'));
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  return { doc, updates };
}

function read(doc: Y.Doc, contentType: string): string {
  return Buffer.from(readCanonical(doc, contentType)).toString('utf8');
}

function rewrite(doc: Y.Doc, contentType: string, content: string): void {
  authorContent(doc, contentType, Buffer.from(content, 'utf8'));
}

function copyOf(doc: Y.Doc, clientId: number): Y.Doc {
  const copy = createDocument({ gc: true });
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  copy.clientID = clientId;
  return copy;
}

/** What two people make of one content who both replace the whole of it. */
function merged(contentType: string, base: string, one: string, other: string): string {
  const { doc } = make(contentType, base);
  const copies = [copyOf(doc, 10), copyOf(doc, 20)] as const;
  rewrite(copies[0], contentType, one);
  rewrite(copies[1], contentType, other);
  Y.applyUpdate(copies[0], Y.encodeStateAsUpdate(copies[1]));
  Y.applyUpdate(copies[1], Y.encodeStateAsUpdate(copies[0]));
  assert.is(read(copies[0], contentType), read(copies[1], contentType));
  return read(copies[0], contentType);
}

function reasonOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    assert.instance(error, StudioError);
    return (error as StudioError).reason;
  }
  return 'none';
}

function patched(contentType: string, content: string, patch: Patch): string {
  const { doc, updates } = make(contentType, content);
  authorPatch(doc, contentType, patch);
  assert.ok(updates.length <= 1, 'one update at the most');
  return read(doc, contentType);
}

test('whole text is written as what differs', () => {
  const { doc, updates } = make(TEXT_TYPE, `start ${'x'.repeat(10_000)} end`);
  rewrite(doc, TEXT_TYPE, `start ${'x'.repeat(5_000)}!${'x'.repeat(5_000)} END`);
  assert.is(updates.length, 1);
  assert.ok((updates[0]?.byteLength ?? 0) < 80, `${updates[0]?.byteLength} bytes`);
  rewrite(doc, TEXT_TYPE, read(doc, TEXT_TYPE));
  assert.is(updates.length, 1, 'the same content is no update');
});

test('whole texts replaced concurrently merge by what each changed', () => {
  assert.is(merged(TEXT_TYPE, 'one two three', 'ONE two three', 'one two THREE'), 'ONE two THREE');
});

test('a difference never splits a surrogate pair', () => {
  // 😀 and 😁 share their first half; 😀 and 🨀 their second.
  assert.is(patched(TEXT_TYPE, 'a😀b', { kind: 'content', content: Buffer.from('a😁b') }), 'a😁b');
  assert.is(patched(TEXT_TYPE, 'a\u{1f600}b', { kind: 'content', content: Buffer.from('a\u{1fa00}b') }), 'a\u{1fa00}b');
  assert.is(patched(TEXT_TYPE, '😀😁😀', { kind: 'content', content: Buffer.from('😁😁😂') }), '😁😁😂');
});

function shuffledText(text: string, random: Random): string {
  const parts = Array.from(text);
  for (let count = random.int(0, 6); count > 0; count--) {
    parts.splice(random.int(0, parts.length + 1), random.int(0, 4), ...Array.from(random.text(random.int(0, 5))));
  }
  return parts.join('');
}

test(
  'any text can be made any other',
  seeded((random) => {
    for (let round = 0; round < 200; round++) {
      const start = random.text(random.int(0, 80));
      const { doc } = make(TEXT_TYPE, start);
      for (const next of [shuffledText(start, random), random.text(random.int(0, 80))]) {
        rewrite(doc, TEXT_TYPE, next);
        assert.is(read(doc, TEXT_TYPE), next);
      }
    }
  }),
);

test('G7: large texts that differ throughout are rewritten in bounded time', () => {
  const { doc } = make(
    TEXT_TYPE,
    Array.from({ length: 60_000 }, (_, line) => `${line} ${(line * 7919) % 10_007}\n`).join(''),
  );
  const next = Array.from({ length: 60_000 }, (_, line) => `${line} ${(line * 104_729) % 10_009}\n`).join('');
  const took = processorMs(() => rewrite(doc, TEXT_TYPE, next));
  assert.ok(took < 4_000, `${took} ms`);
  assert.is(read(doc, TEXT_TYPE), next);
});

test('a few changed lines in a large text stay a small update', () => {
  const lines = Array.from({ length: 50_000 }, (_, line) => `line ${line}\n`);
  const { doc, updates } = make(TEXT_TYPE, lines.join(''));
  for (const line of [10, 20_000, 49_000]) lines[line] = 'changed\n';
  rewrite(doc, TEXT_TYPE, lines.join(''));
  assert.ok((updates[0]?.byteLength ?? Infinity) < 400, `${updates[0]?.byteLength} bytes`);
});

test('JSON changed concurrently merges by key and by element, and an object written again keeps its identity', () => {
  assert.is(merged(JSON_TYPE, '{"a":1,"b":2}', '{"a":9,"b":2}', '{"a":1,"b":8,"c":3}'), '{"a":9,"b":8,"c":3}');
  assert.is(merged(JSON_TYPE, '[1,2,3]', '[0,1,2,3]', '[1,2,3,4]'), '[0,1,2,3,4]');
  assert.is(
    merged(
      JSON_TYPE,
      '[{"id":1,"n":"x"},{"id":2}]',
      '[{"id":1,"n":"y"},{"id":2}]',
      '[{"id":1,"n":"x"},{"id":2,"m":1}]',
    ),
    '[{"id":1,"n":"y"},{"id":2,"m":1}]',
  );
  // One goes, the next is changed in the same version: the change stays in its own.
  assert.is(
    merged(
      JSON_TYPE,
      '[{"id":1,"n":"x"},{"id":2,"n":"y"}]',
      '[{"id":2,"n":"z"}]',
      '[{"id":1,"n":"x"},{"id":2,"n":"y","m":1}]',
    ),
    '[{"id":2,"m":1,"n":"z"}]',
  );
  const { doc, updates } = make(JSON_TYPE, '{"a":{"b":[1,2,{"c":true}]}}');
  rewrite(doc, JSON_TYPE, ' {"a": {"b": [1, 2.0, {"c": true}]}}');
  assert.is(updates.length, 0, 'the same value is no update');
});

test('objects and arrays below the root are shared types, strings plain', () => {
  const { doc } = make(JSON_TYPE, '{"list":[{"text":"x"}]}');
  const root = doc.getMap('content').get('root');
  assert.instance(root, Y.Map);
  const list = (root as Y.Map<unknown>).get('list');
  assert.instance(list, Y.Array);
  const [item] = (list as Y.Array<unknown>).toArray();
  assert.instance(item, Y.Map);
  assert.type((item as Y.Map<unknown>).get('text'), 'string');
});

function randomJson(random: Random, depth: number): unknown {
  const step = random.int(0, depth > 3 ? 3 : 5);
  if (step === 0) return random.pick([null, true, false, 0, 1, -2.5, 1e21]);
  if (step === 1) return random.text(random.int(0, 4));
  if (step === 2) return random.int(0, 5);
  const count = random.int(0, 5);
  if (step === 3) return Array.from({ length: count }, () => randomJson(random, depth + 1));
  return Object.fromEntries(
    Array.from({ length: count }, () => [random.pick(['a', 'b', 'c', 'd']), randomJson(random, depth + 1)]),
  );
}

function changedJson(value: unknown, random: Random): unknown {
  if (random.chance(0.1)) return randomJson(random, 2);
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => (random.chance(0.3) ? changedJson(item, random) : item));
    items.splice(
      random.int(0, items.length + 1),
      random.int(0, 2),
      ...(random.chance(0.5) ? [randomJson(random, 3)] : []),
    );
    return items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, changedJson(item, random)]));
}

test(
  'any JSON can be made any other',
  seeded((random) => {
    for (let round = 0; round < 200; round++) {
      const start = randomJson(random, 0);
      const { doc } = make(JSON_TYPE, JSON.stringify(start));
      for (const next of [changedJson(start, random), randomJson(random, 0)]) {
        rewrite(doc, JSON_TYPE, JSON.stringify(next));
        assert.is(read(doc, JSON_TYPE), read(make(JSON_TYPE, JSON.stringify(next)).doc, JSON_TYPE));
        assert.equal(JSON.parse(read(doc, JSON_TYPE)), next);
      }
    }
  }),
);

test('an array of very many values is kept', () => {
  const large = JSON.stringify(Array.from({ length: 300_000 }, (_, index) => index % 10));
  assert.is(read(make(JSON_TYPE, large).doc, JSON_TYPE), large);
});

test('JSON that would not come out as it went in is CONTENT_INVALID', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  const refused = [
    '',
    '{',
    '01',
    '1e400',
    '12345678901234567890',
    '9007199254740993',
    '1e-400',
    '"\\ud800"',
    '{"\\udc00":1}',
    nested(CONTENT_DEPTH_MAX + 1),
    nested(1_000_000),
  ];
  for (const source of refused)
    assert.is(
      reasonOf(() => make(JSON_TYPE, source)),
      'CONTENT_INVALID',
      source.slice(0, 40),
    );
  for (const source of [
    '0.1',
    '0.10000000000000001',
    '1e21',
    '9007199254740992',
    '0.0e5',
    '-0',
    '5e-324',
    nested(CONTENT_DEPTH_MAX),
  ]) {
    assert.is(
      reasonOf(() => make(JSON_TYPE, source)),
      'none',
      source.slice(0, 40),
    );
  }
});

test('bytes that are not UTF-8 are CONTENT_INVALID, too many CONTENT_TOO_LARGE, and change nothing', () => {
  const { doc, updates } = make(TEXT_TYPE, 'kept');
  assert.is(
    reasonOf(() => authorContent(doc, TEXT_TYPE, Uint8Array.of(0x61, 0xff))),
    'CONTENT_INVALID',
  );
  assert.is(
    reasonOf(() => authorContent(doc, TEXT_TYPE, new Uint8Array(CONTENT_BYTES_MAX + 1))),
    'CONTENT_TOO_LARGE',
  );
  assert.is(updates.length, 0);
  assert.is(read(doc, TEXT_TYPE), 'kept');
});

test('a patch whose form does not fit the type is PATCH_UNSUPPORTED', () => {
  const edits: Patch = { kind: 'text_edits', edits: [], encoding: 'utf16' };
  const content: Patch = { kind: 'content', content: Buffer.from('<p></p>') };
  assert.is(
    reasonOf(() => patched(JSON_TYPE, '{}', edits)),
    'PATCH_UNSUPPORTED',
  );
  assert.is(
    reasonOf(() => patched(TEXT_TYPE, '', { kind: 'json_patch', patch: '[]' })),
    'PATCH_UNSUPPORTED',
  );
  assert.is(
    reasonOf(() => patched('image/png', '', { kind: 'merge_patch', patch: '{}' })),
    'PATCH_UNSUPPORTED',
  );
  assert.is(
    reasonOf(() => patched('application/vnd.yjs', '', content)),
    'PATCH_UNSUPPORTED',
  );
  assert.is(
    reasonOf(() => patched(TEXT_TYPE, '', { kind: 'revert', target: { kind: 'version', version: 1 } })),
    'PATCH_UNSUPPORTED',
  );
});

test('RFC 6902 patches', () => {
  const apply = (content: string, ...operations: unknown[]): string =>
    patched(JSON_TYPE, content, { kind: 'json_patch', patch: JSON.stringify(operations) });
  assert.is(
    apply('{"a":[1,2]}', { op: 'add', path: '/a/1', value: 9 }, { op: 'add', path: '/a/-', value: 3 }),
    '{"a":[1,9,2,3]}',
  );
  assert.is(apply('{"a/b":{"m~n":1}}', { op: 'replace', path: '/a~1b/m~0n', value: 2 }), '{"a/b":{"m~n":2}}');
  assert.is(apply('{"a":1,"b":[0]}', { op: 'move', from: '/a', path: '/b/0' }), '{"b":[1,0]}');
  assert.is(
    apply('{"a":{"x":1}}', { op: 'copy', from: '/a', path: '/b' }, { op: 'remove', path: '/a' }),
    '{"b":{"x":1}}',
  );
  assert.is(
    apply(
      '[1]',
      { op: 'test', path: '/0', value: 1 },
      { op: 'replace', path: '', value: { __proto__: null, ok: true } },
    ),
    '{"ok":true}',
  );
});

test('a JSON patch that fails anywhere changes nothing', () => {
  const failing: readonly unknown[] = [
    { op: 'test', path: '/a', value: 2 },
    { op: 'remove', path: '/nothing' },
    { op: 'add', path: '/list/9', value: 1 },
    { op: 'add', path: '/list/01', value: 1 },
    { op: 'replace', path: 'a', value: 1 },
    { op: 'move', from: '/list', path: '/list/0' },
    { op: 'add', path: '/a' },
    { op: 'remove', path: '/toString' },
    { op: 'bogus', path: '/a' },
  ];
  for (const operation of failing) {
    const { doc, updates } = make(JSON_TYPE, '{"a":1,"list":[]}');
    const patch = JSON.stringify([{ op: 'add', path: '/b', value: 1 }, operation]);
    assert.is(
      reasonOf(() => authorPatch(doc, JSON_TYPE, { kind: 'json_patch', patch })),
      'CONTENT_INVALID',
      JSON.stringify(operation),
    );
    assert.is(updates.length, 0);
    assert.is(read(doc, JSON_TYPE), '{"a":1,"list":[]}');
  }
});

test('G7: copies that double reach neither any depth nor any size', () => {
  const doubling = Array.from({ length: 200 }, () => ({ op: 'copy', from: '', path: '/x' }));
  const growing = Array.from({ length: 40 }, (_, step) => ({ op: 'copy', from: '', path: `/k${step}` }));
  const run = (operations: unknown): string =>
    reasonOf(() => patched(JSON_TYPE, '{"t":"0123456789"}', { kind: 'json_patch', patch: JSON.stringify(operations) }));
  assert.is(run(doubling), 'CONTENT_INVALID');
  assert.is(run(growing), 'CONTENT_TOO_LARGE');
});

test.run();
