import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { heldBytes } from '../../../src/documents/memory/struct-memory.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('what the structs of a document hold');
const LONG = 100_000;

const FILLED: Readonly<Record<string, (doc: Y.Doc) => unknown>> = {
  text: (doc) => doc.getText('content').insert(0, 'x'.repeat(LONG)),
  'a long value': (doc) => doc.getMap('content').set('key', 'x'.repeat(LONG)),
  'many values': (doc) =>
    doc.getArray('content').insert(
      0,
      Array.from({ length: 10 }, () => 'x'.repeat(LONG / 10)),
    ),
  bytes: (doc) => doc.getMap('content').set('key', new Uint8Array(LONG)),
};

for (const [what, fill] of Object.entries(FILLED)) {
  test(`${what}: about what it is encoded in`, () => {
    const doc = new Y.Doc();
    fill(doc);
    assert.ok(Math.abs(heldBytes(doc) - Y.encodeStateAsUpdate(doc).byteLength) < LONG / 100);
    const root = doc.share.get('content');
    if (root instanceof Y.Text) root.delete(0, LONG);
    else if (root instanceof Y.Map) root.delete('key');
    else (root as Y.Array<unknown>).delete(0, 10);
    assert.is(heldBytes(doc), 0);
  });
}

test.run();
