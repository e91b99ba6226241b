import * as assert from 'uvu/assert';
import { Node } from 'prosemirror-model';
import {
  prosemirrorToYXmlFragment,
  yXmlFragmentToProsemirrorJSON,
  yXmlFragmentToProseMirrorRootNode,
} from 'y-prosemirror';
import * as Y from 'yjs';
import { type ContentFormat, readContent } from '../../../src/domain/content/format.ts';
import { createDocument } from '../../../src/domain/content/document.ts';
import { RICH_CONTENT_TYPE } from '../../../src/domain/content/shape.ts';
import { authorContent } from '../../../src/domain/edit/author.ts';
import { StudioError } from '../../../src/errors.ts';
import { CONTENT_DEPTH_MAX, RICH_STRUCTS_MAX } from '../../../src/limits.ts';
import { Guard } from '../../../src/domain/guard/guard.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';
import { changedDocument, normalized, randomDocument, SCHEMA } from './rich-documents.ts';

const test = suite('rich content as ProseMirror’s JSON');

function read(doc: Y.Doc, format: ContentFormat = 'prosemirror_json'): string {
  return Buffer.from(readContent(doc, RICH_CONTENT_TYPE, format)).toString('utf8');
}

function write(doc: Y.Doc, content: unknown): void {
  authorContent(doc, RICH_CONTENT_TYPE, Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)));
}

function made(content: unknown): Y.Doc {
  const doc = createDocument({ gc: true });
  write(doc, content);
  return doc;
}

/** As an editor of y-prosemirror's would have it on its first binding. */
function stock(json: unknown): Y.Doc {
  const doc = new Y.Doc();
  prosemirrorToYXmlFragment(Node.fromJSON(SCHEMA, json), doc.getXmlFragment('default'));
  return doc;
}

/** What stock y-prosemirror reads; empty content left out, as ProseMirror itself leaves it out. */
function stockReading(doc: Y.Doc): unknown {
  return JSON.parse(
    JSON.stringify(yXmlFragmentToProsemirrorJSON(doc.getXmlFragment('default')), (key, value: unknown) =>
      key === 'content' && Array.isArray(value) && value.length === 0 ? undefined : value,
    ),
  );
}

/** What an editor bound to the document shows. */
function inEditor(doc: Y.Doc): unknown {
  return yXmlFragmentToProseMirrorRootNode(doc.getXmlFragment('default'), SCHEMA).toJSON();
}

function requireGuarded(doc: Y.Doc): void {
  new Guard({ doc: createDocument({ gc: true }), shape: 'rich', owners: new Map() }).check(
    Y.encodeStateAsUpdate(doc),
    'ann',
  );
}

function randomWritten(random: Random): Y.Doc {
  const doc = stock(randomDocument(random));
  for (let round = random.int(0, 4); round > 0; round--) {
    const editor = new Y.Doc();
    Y.applyUpdate(editor, Y.encodeStateAsUpdate(doc));
    prosemirrorToYXmlFragment(
      Node.fromJSON(SCHEMA, changedDocument(JSON.parse(read(doc)), random)),
      editor.getXmlFragment('default'),
    );
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(editor));
  }
  return doc;
}

test(
  'what y-prosemirror wrote reads as y-prosemirror reads it',
  seeded((random) => {
    for (let round = 0; round < 150; round++) {
      const doc = randomWritten(random);
      const ours: unknown = JSON.parse(read(doc));
      assert.equal(normalized(ours), normalized(stockReading(doc)));
      assert.equal(normalized(ours), normalized(inEditor(doc)));
      const first = stock(randomDocument(random));
      assert.equal(JSON.parse(read(first)), { content: [], ...(stockReading(first) as object) });
    }
  }),
);

test(
  'JSON that is written reads the same, here and in y-prosemirror, and passes the guard',
  seeded((random) => {
    for (let round = 0; round < 150; round++) {
      const json = randomDocument(random);
      const doc = made(json);
      assert.equal(normalized(JSON.parse(read(doc))), normalized(json));
      assert.equal(normalized(inEditor(doc)), normalized(json));
      requireGuarded(doc);
      // Which marks may overlap only the editor's schema knows.
      if (!JSON.stringify(json).includes('"comment"'))
        assert.is(read(doc, 'canonical'), read(stock(json), 'canonical'));
    }
  }),
);

test(
  'any rich document can be made any other; made what it is, nothing changes',
  seeded((random) => {
    for (let round = 0; round < 150; round++) {
      const doc = round % 2 === 0 ? made(randomDocument(random)) : randomWritten(random);
      for (let step = 0; step < 3; step++) {
        const next = step < 2 ? changedDocument(JSON.parse(read(doc)), random) : randomDocument(random);
        write(doc, next);
        assert.equal(normalized(JSON.parse(read(doc))), normalized(next));
        requireGuarded(doc);
        const before = Y.encodeStateVector(doc);
        const updates: Uint8Array[] = [];
        doc.on('update', (update: Uint8Array) => updates.push(update));
        write(doc, read(doc));
        write(doc, normalized(next));
        write(doc, read(doc, 'canonical'));
        assert.is(updates.length, 0, 'no update');
        assert.equal(Y.encodeStateVector(doc), before);
      }
    }
  }),
);

test('marks that overlap their own type are read by type and written under y-prosemirror’s names', () => {
  const marks = [
    { type: 'comment', attrs: { id: '1' } },
    { type: 'comment', attrs: { id: '2' } },
  ];
  const json = { type: 'doc', content: [{ type: 'paragraph', content: [{ type: 'text', text: 'both', marks }] }] };
  const doc = made(json);
  const names = markNames(doc)[0] ?? [];
  assert.is(names.length, 2);
  for (const name of names) assert.match(name, /^comment--[A-Za-z0-9+/=]{8}$/);
  assert.equal(JSON.parse(read(doc)), json);
  // Where one of them ends, the other goes on under the name it has.
  write(doc, {
    type: 'doc',
    content: [
      {
        type: 'paragraph',
        content: [
          { type: 'text', text: 'bo', marks },
          { type: 'text', text: 'th', marks: marks.slice(1) },
        ],
      },
    ],
  });
  assert.equal(markNames(doc)[1], names.slice(1));
});

/** Of each run of the first paragraph. */
function markNames(doc: Y.Doc): string[][] {
  const [text] = (doc.getXmlFragment('default').get(0) as Y.XmlElement).toArray();
  const delta = (text as Y.XmlText).toDelta() as { attributes?: object }[];
  return delta.map(({ attributes }) => Object.keys(attributes ?? {}));
}

test('plain text: a line for each innermost block, hard breaks among them', () => {
  const text = (value: string): object => ({ type: 'text', text: value });
  const doc = made({
    type: 'doc',
    content: [
      { type: 'heading', attrs: { level: 1 }, content: [text('Title')] },
      {
        type: 'paragraph',
        content: [text('one'), { type: 'hardBreak' }, text('two '), { type: 'mention', attrs: { id: 'a' } }, text('!')],
      },
      { type: 'paragraph' },
      {
        type: 'bulletList',
        content: [{ type: 'listItem', content: [{ type: 'paragraph', content: [text('item')] }] }],
      },
    ],
  });
  assert.is(read(doc, 'plain_text'), 'Title\none\ntwo !\n\nitem');
  assert.is(read(createDocument({ gc: true }), 'plain_text'), '');
  assert.is(read(createDocument({ gc: true })), '{"type":"doc","content":[]}');
});

test('plain text is text itself; other forms of other types are CONTENT_FORMAT_UNSUPPORTED', () => {
  const doc = createDocument({ gc: true });
  authorContent(doc, 'text/markdown', Buffer.from('# é'));
  assert.is(Buffer.from(readContent(doc, 'text/markdown', 'plain_text')).toString(), '# é');
  for (const [type, format] of [
    ['text/markdown', 'prosemirror_json'],
    ['application/json', 'plain_text'],
    ['application/json', 'prosemirror_json'],
    ['application/vnd.yjs', 'plain_text'],
    ['image/png', 'plain_text'],
  ] as const) {
    assert.is(
      reasonOf(() => readContent(createDocument({ gc: true }), type, format)),
      'CONTENT_FORMAT_UNSUPPORTED',
    );
  }
});

function reasonOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    assert.instance(error, StudioError);
    return (error as StudioError).reason;
  }
  return 'none';
}

function nested(depth: number, inner: object): object {
  let node = inner;
  for (let level = 0; level < depth; level++) node = { type: 'blockquote', content: [node] };
  return { type: 'doc', content: [node] };
}

test('what is no document, or would not be kept whole, is refused and changes nothing', () => {
  const paragraph = (...content: unknown[]): object => ({ type: 'doc', content: [{ type: 'paragraph', content }] });
  const text = { type: 'text', text: 'x' };
  const invalid: unknown[] = [
    '',
    '{',
    '<paragraph>other</paragraph>',
    'null',
    '[]',
    { type: 'paragraph' },
    { type: 'doc', content: {} },
    { type: 'doc', content: ['x'] },
    { type: 'doc', content: [{ content: [] }] },
    { type: 'doc', content: [], title: 'x' },
    { type: 'doc', attrs: { a: 1 } },
    paragraph({ type: 'text' }),
    paragraph({ type: 'text', text: '' }),
    paragraph({ ...text, content: [] }),
    paragraph({ ...text, marks: ['bold'] }),
    paragraph({ ...text, marks: [{ type: 'bold', extra: 1 }] }),
    paragraph({ ...text, marks: [{ type: 'comment--abcdefgh' }] }),
    paragraph({ type: 'mention', marks: [{ type: 'bold' }] }),
    '{"type":"doc","content":[{"type":"p","attrs":{"__proto__":1}}]}',
    '{"type":"doc","content":[{"type":"p","attrs":{"a":[{"__proto__":1}]}}]}',
    '{"type":"doc","content":[{"type":"p","attrs":{"a":{"constructor":1}}}]}',
    '{"type":"doc","content":[{"type":"text","text":"\\ud800"}]}',
    nested(CONTENT_DEPTH_MAX, { type: 'paragraph' }),
    nested(CONTENT_DEPTH_MAX - 1, { type: 'paragraph', content: [text] }),
    '{"type":"doc","content":['.repeat(100_000),
  ];
  const doc = made(paragraph(text));
  const before = Y.encodeStateAsUpdate(doc);
  for (const content of invalid) {
    assert.is(
      reasonOf(() => write(doc, content)),
      'CONTENT_INVALID',
      JSON.stringify(content).slice(0, 100),
    );
  }
  const many = `{"type":"doc","content":[${Array(RICH_STRUCTS_MAX + 1)
    .fill('{"type":"p"}')
    .join(',')}]}`;
  assert.is(
    reasonOf(() => write(doc, many)),
    'CONTENT_TOO_LARGE',
  );
  const escaped = paragraph({ type: 'text', text: '"'.repeat(3_000_000) });
  assert.is(
    reasonOf(() => write(doc, escaped)),
    'CONTENT_TOO_LARGE',
  );
  assert.equal(Y.encodeStateAsUpdate(doc), before);
  for (const content of [
    nested(CONTENT_DEPTH_MAX - 2, { type: 'paragraph', content: [text] }),
    { type: 'doc' },
    {
      type: 'doc',
      attrs: {},
      content: [
        {
          type: 'constructor',
          attrs: { constructor: 1, toString: [1] },
          content: [{ ...text, marks: [{ type: 'toString' }] }],
        },
      ],
    },
  ]) {
    const kept = made(content);
    requireGuarded(kept);
    assert.is(read(made(read(kept))), read(kept));
  }
});

test.run();
