import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { trackTextSize } from '../../../src/documents/memory/text-size.ts';
import { createDocument, rootOf } from '../../../src/domain/content/document.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('text size');

test(
  'the running count is right at any time, also where an update splits a surrogate pair',
  seeded((random) => {
    const doc = createDocument({ gc: true });
    const size = trackTextSize(doc);
    const editor = new Y.Doc();
    let updates: Uint8Array[] = [];
    editor.on('update', (update: Uint8Array) => updates.push(update));
    const text = editor.getText('content');
    for (let round = 0; round < 300; round++) {
      const at = random.int(0, text.length + 1);
      if (text.length > 10 && random.chance(0.3)) text.delete(Math.min(at, text.length - 3), random.int(1, 4));
      else text.insert(at, random.pick(['a', 'ö', '😀', '😀😀', '\ufffd\ufffd', 'words ']));
      if (random.chance(0.5)) continue;
      Y.transact(doc, () => updates.forEach((update) => Y.applyUpdate(doc, update)), undefined, false);
      updates = [];
      assert.is(size(), Buffer.byteLength(rootOf(doc, 'text').toJSON()), `round ${round}`);
    }
  }),
);

test.run();
