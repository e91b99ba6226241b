import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { createDocument, rootOf } from '../../../src/domain/content/document.ts';
import { processorMs } from '../../harness/processor-time.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';
import { write, type WrittenDeletes } from '../guard/updates.ts';

const test = suite('merging of deletions');

/** Yjs's own way, but that it does not remove formats by itself, as documents of the server don't. */
function stockDocument(gc: boolean): Y.Doc {
  const doc = new Y.Doc({ gc });
  doc.on('beforeObserverCalls', (transaction: Y.Transaction) => void (transaction.local = true));
  return doc;
}

function structsOf(doc: Y.Doc): unknown {
  return [...doc.store.clients].map(([client, structs]) => [
    client,
    structs.map((struct) =>
      struct instanceof Y.Item
        ? [struct.id.clock, struct.length, struct.deleted, struct.content.getRef(), struct.left?.id, struct.right?.id]
        : [struct.id.clock, struct.length],
    ),
  ]);
}

/** Under each key the struct that holds it: it may have been merged into another. */
function keysOf(doc: Y.Doc): unknown {
  return [...doc.store.clients.values()].flat().map((struct) => {
    if (!(struct instanceof Y.Item && struct.content instanceof Y.ContentType)) return [];
    return [...struct.content.type._map].map(([key, { id, length, deleted }]) => [key, id, length, deleted]);
  });
}

/**
 * Many small nodes of several kinds, most in a few lists: what lies side by side in a client's array is in turn neighbour
 * and none. Lists are emptied before they are deleted, too.
 */
function writeMany(doc: Y.Doc, random: Random): void {
  const root = doc.getArray<unknown>('content');
  doc.transact(() => {
    for (let count = 0; count < 60; count++) {
      const at = random.int(0, Math.min(root.length + 1, random.pick([4, Infinity])));
      const child = at < root.length ? root.get(at) : undefined;
      if (child instanceof Y.Text && random.chance(0.7)) {
        const place = random.int(0, child.length + 1);
        if (random.chance(0.6)) child.insert(place, random.pick(['x', 'yz']));
        else if (random.chance(0.5)) child.delete(place, Math.min(2, child.length - place));
        else child.format(place, Math.min(2, child.length - place), { bold: random.pick([true, null]) });
      } else if (child instanceof Y.Map && random.chance(0.8)) {
        const key = random.pick(['a', 'b']);
        for (let times = random.int(1, 4); times > 0; times--)
          child.set(key, random.chance(0.7) ? times : new Y.Array());
        if (random.chance(0.3)) child.delete(key);
      } else if (child instanceof Y.Array && random.chance(0.8)) {
        const place = random.int(0, child.length + 1);
        if (random.chance(0.9)) child.insert(place, random.pick([[1], [1, 2], [new Y.Array()]]));
        else child.delete(place, Math.min(5, child.length - place));
      } else if (random.chance(0.1) && child instanceof Y.Array) {
        child.delete(0, child.length);
      } else if (random.chance(0.2) && at < root.length) {
        root.delete(at, Math.min(random.int(1, 4), root.length - at));
      } else {
        root.insert(at, [random.pick([() => new Y.Text('abc'), () => new Y.Map(), () => new Y.Array(), () => 1])()]);
      }
    }
  });
}

/** Up to ten ranges of each client's clocks, from one item to most of all. */
function someRanges(doc: Y.Doc, random: Random): WrittenDeletes {
  return [...Y.decodeStateVector(Y.encodeStateVector(doc))].flatMap(([client, clock]) =>
    Array.from({ length: random.int(0, 11) }, () => {
      const from = random.int(0, clock);
      const most = random.pick([2, 20, clock]);
      return [client, from, random.int(1, Math.min(most, clock - from) + 1)] as const;
    }),
  );
}

for (const gc of [true, false]) {
  test(
    `G3: documents ${gc ? 'of today' : 'that keep what is deleted'} hold the structs that Yjs's own merging leaves`,
    seeded((random) => {
      for (let round = 0; round < 5; round++) {
        const [ours, stock] = [createDocument({ gc }), stockDocument(gc)];
        const editors = [1, 2, 3].map((id) => Object.assign(new Y.Doc(), { clientID: id }));
        const emitted: [Uint8Array[], Uint8Array[]] = [[], []];
        ours.on('update', (update: Uint8Array) => emitted[0].push(update));
        stock.on('update', (update: Uint8Array) => emitted[1].push(update));
        for (let step = 0; step < 12; step++) {
          const editor = random.pick(editors);
          writeMany(editor, random);
          const updates = [Y.encodeStateAsUpdate(editor, Y.encodeStateVector(stock))];
          if (random.chance(0.4)) updates.push(write([], someRanges(editor, random)));
          for (const doc of [ours, stock]) doc.transact(() => updates.forEach((update) => Y.applyUpdate(doc, update)));
          Y.applyUpdate(random.pick(editors), Y.encodeStateAsUpdate(stock));
          assert.equal(structsOf(ours), structsOf(stock));
          assert.equal(keysOf(ours), keysOf(stock));
          assert.equal(emitted[0], emitted[1], 'the same is told to others');
        }
        assert.equal(Y.encodeStateAsUpdate(ours), Y.encodeStateAsUpdate(stock));
        assert.equal(ours.getArray('content').toJSON(), stock.getArray('content').toJSON());
      }
    }),
  );
}

/** What deleting all paragraphs of a rich document takes, in milliseconds of processor time. */
function deletionMs(doc: Y.Doc, count: number): number {
  const editor = Object.assign(new Y.Doc(), { clientID: 1 });
  rootOf(editor, 'rich').insert(
    0,
    Array.from({ length: count }, () => {
      const paragraph = new Y.XmlElement('paragraph');
      paragraph.insert(0, [new Y.XmlText('text')]);
      return paragraph;
    }),
  );
  rootOf(doc, 'rich');
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(editor));
  const deletion = write([], [[1, 0, Y.getState(doc.store, 1)]]);
  const spent = processorMs(() => Y.applyUpdate(doc, deletion));
  assert.is(rootOf(doc, 'rich').length, 0);
  return spent;
}

test('G7: deleting many paragraphs takes a part of what Yjs’s own merging does', () => {
  const count = 16_000;
  const [ours, stock] = [deletionMs(createDocument({ gc: true }), count), deletionMs(stockDocument(true), count)];
  assert.ok(ours < stock / 3, `${Math.round(ours)} ms of processor time, in Yjs ${Math.round(stock)} ms`);
});

test.run();
