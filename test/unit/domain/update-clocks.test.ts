import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { vectorBefore } from '../../../src/domain/update-clocks.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('update clocks');

test(
  'what a document knew before its last change, whoever made it',
  seeded((random) => {
    const authors = Array.from({ length: 5 }, () => new Y.Doc());
    const doc = new Y.Doc();
    let before = Y.encodeStateVector(doc);
    doc.on('update', (update: Uint8Array) => {
      const known = (vector: Uint8Array): [number, number][] =>
        [...Y.decodeStateVector(vector)].sort(([a], [b]) => a - b);
      assert.equal(known(vectorBefore(Y.encodeStateVector(doc), update)), known(before));
      before = Y.encodeStateVector(doc);
    });
    for (let round = 0; round < 400; round += 1) {
      const author = random.pick(authors);
      const text = author.getText('content');
      if (text.length > 3 && random.chance(0.3)) text.delete(random.int(0, text.length - 1), 1);
      else text.insert(random.int(0, text.length + 1), 'ab');
      if (!random.chance(0.4)) continue;
      doc.transact(() => {
        for (const each of authors)
          if (random.chance(0.5)) Y.applyUpdate(doc, Y.encodeStateAsUpdate(each, Y.encodeStateVector(doc)));
      });
      Y.applyUpdate(author, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(author)));
    }
  }),
);

test.run();
