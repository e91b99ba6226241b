import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { contentHash, contentSize, readCanonical } from '../../../src/domain/content/canonical.ts';
import { createDocument, rootOf } from '../../../src/domain/content/document.ts';
import { authorContent } from '../../../src/domain/edit/author.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('binary content');

const TYPE = 'image/png';

test(
  'G3: of concurrent replacements one stays whole, the same on every replica, in whatever order they come',
  seeded((random) => {
    for (let round = 0; round < 50; round++) {
      const base = createDocument({ gc: true });
      base.clientID = 1;
      authorContent(base, TYPE, random.bytes(8));
      const written = Array.from({ length: 5 }, () => random.bytes(random.int(1, 40)));
      const updates = written.map((content, index) => {
        const writer = createDocument({ gc: true });
        Y.applyUpdate(writer, Y.encodeStateAsUpdate(base));
        writer.clientID = random.int(2, 2 ** 31) + index;
        authorContent(writer, TYPE, content);
        return Y.encodeStateAsUpdate(writer);
      });
      const replicas = Array.from({ length: 4 }, () => {
        const replica = createDocument({ gc: random.chance(0.5) });
        rootOf(replica, 'binary');
        for (const update of random.shuffle([...updates, ...updates.slice(0, 2)])) Y.applyUpdate(replica, update);
        return Buffer.from(readCanonical(replica, TYPE)).toString() + contentSize(replica, TYPE);
      });
      assert.is(new Set(replicas).size, 1);
      assert.ok(written.some((content) => `${contentHash(content)}${content.byteLength}` === replicas[0]));
    }
  }),
);

test('the same bytes again are no change', () => {
  const doc = createDocument({ gc: true });
  authorContent(doc, TYPE, Uint8Array.of(1, 2, 3));
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  authorContent(doc, TYPE, Uint8Array.of(1, 2, 3));
  assert.is(updates.length, 0);
});

test.run();
