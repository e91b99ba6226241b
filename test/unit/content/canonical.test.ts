import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { contentHash, contentSize, readCanonical } from '../../../src/domain/content/canonical.ts';
import { createDocument, rootOf } from '../../../src/domain/content/document.ts';
import { normalizeContentType, shapeOf } from '../../../src/domain/content/shape.ts';
import { authorContent } from '../../../src/domain/edit/author.ts';
import { StudioError } from '../../../src/errors.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('canonical content');

const RICH = 'application/vnd.studio.prosemirror+yjs';

function read(doc: Y.Doc, contentType: string): string {
  return Buffer.from(readCanonical(doc, contentType)).toString('utf8');
}

function written(contentType: string, content: string): Y.Doc {
  const doc = createDocument({ gc: true });
  authorContent(doc, contentType, Buffer.from(content, 'utf8'));
  return doc;
}

test('content types become shapes', () => {
  const shapes = {
    'text/plain': 'text',
    'TEXT/Markdown; charset=UTF-8': 'text',
    'application/json': 'json',
    'application/ld+json': 'json',
    [RICH]: 'rich',
    'application/vnd.yjs': 'yjs',
    'image/png': 'binary',
  };
  for (const [contentType, shape] of Object.entries(shapes)) assert.is(shapeOf(contentType), shape);
  assert.is(normalizeContentType('Text/Plain ; charset="utf-8"'), 'text/plain');
});

test('what is no media type is CONTENT_TYPE_UNSUPPORTED', () => {
  for (const contentType of [
    '',
    'text',
    'text/',
    '/plain',
    'text/pl ain',
    'a/b/c',
    'text/plain; charset=latin1',
    'тext/plain',
  ]) {
    assert.throws(
      () => shapeOf(contentType),
      (error: unknown) => error instanceof StudioError && error.reason === 'CONTENT_TYPE_UNSUPPORTED',
    );
  }
});

test('text is its UTF-8', () => {
  const doc = written('text/plain', 'é😀\r\n\ufeff');
  assert.is(read(doc, 'text/plain'), 'é😀\r\n\ufeff');
  assert.is(contentSize(doc, 'text/plain'), Buffer.byteLength('é😀\r\n\ufeff'));
});

test('JSON is RFC 8785, whatever the root, and __proto__ is a key like any other', () => {
  const cases: Record<string, string> = {
    '{"b":1,"a":[1.0,1e2,-0],"€":"\\u20ac"}': '{"a":[1,100,0],"b":1,"€":"€"}',
    '"text"': '"text"',
    ' null ': 'null',
    '[]': '[]',
    '{"__proto__":{"x":1},"constructor":2,"toJSON":3}': '{"__proto__":{"x":1},"constructor":2,"toJSON":3}',
  };
  for (const [source, expected] of Object.entries(cases)) {
    const doc = written('application/json', source);
    assert.is(read(doc, 'application/json'), expected);
    const copy = createDocument({ gc: true });
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
    assert.is(read(copy, 'application/json'), expected, 'also elsewhere');
  }
  assert.is(read(createDocument({ gc: true }), 'application/json'), 'null');
  assert.is(({} as Record<string, unknown>)['x'], undefined);
});

test('rich content is XML with sorted attributes, joined runs and sorted marks', () => {
  const doc = createDocument({ gc: true });
  const root = rootOf(doc, 'rich');
  const paragraph = new Y.XmlElement('paragraph');
  root.insert(0, [paragraph]);
  paragraph.setAttribute('textAlign', 'left');
  paragraph.setAttribute('level', 2 as unknown as string);
  const text = new Y.XmlText();
  paragraph.insert(0, [text]);
  text.insert(0, 'a<b>c', {});
  text.format(0, 2, { link: { href: 'x"y' } });
  text.format(0, 2, { bold: true });
  text.format(2, 1, { bold: true, link: { href: 'x"y' } });
  assert.is(
    read(doc, RICH),
    '<paragraph level="2" textAlign="left"><bold><link href="x&quot;y">a&lt;b</link></bold>&gt;c</paragraph>',
  );
});

test('an opaque document is JSON of all its roots, with nothing of those only touched', () => {
  const doc = createDocument({ gc: true });
  doc.getText('note').insert(0, 'hi', { bold: true });
  doc.getMap('state').set('list', Y.Array.from([1, 'two']));
  doc.getArray('untouched');
  const copy = createDocument({ gc: true });
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  const expected =
    '{"note":{"list":[{"mark":["bold",true]},{"text":"hi"},{"mark":["bold",null]}]},' +
    '"state":{"map":{"list":{"content":{"list":[{"value":1},{"value":"two"}]},"type":"array"}}}}';
  assert.is(read(doc, 'application/vnd.yjs'), expected);
  assert.is(read(copy, 'application/vnd.yjs'), expected);
});

test('an opaque document may hold any number of values in a row', () => {
  const doc = createDocument({ gc: true });
  const points = doc.getArray<number>('points');
  for (let part = 0; part < 2; part++) points.push(Array<number>(100_000).fill(7));
  assert.is(points._start?.length, 200_000, 'Yjs has joined them');
  const values = Array<string>(200_000).fill('{"value":7}').join(',');
  assert.ok(read(doc, 'application/vnd.yjs') === `{"points":{"list":[${values}]}}`);
});

test('binary content is a register that holds its hash and size', () => {
  const doc = createDocument({ gc: true });
  assert.is(read(doc, 'image/png'), contentHash(new Uint8Array()));
  authorContent(doc, 'image/png', Uint8Array.of(1, 2, 3));
  assert.is(read(doc, 'image/png'), contentHash(Uint8Array.of(1, 2, 3)));
  assert.is(contentSize(doc, 'image/png'), 3);
});

test.run();
