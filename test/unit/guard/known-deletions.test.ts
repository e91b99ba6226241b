/** What a reader answers, against what the guard says of it. */
import * as assert from 'uvu/assert';
import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import { Guard } from '../../../src/domain/guard/guard.ts';
import { holdsDeletions, onlyDeletes } from '../../../src/domain/guard/known-deletions.ts';
import { UPDATE_DELETE_RANGES_MAX } from '../../../src/limits.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('guard: known deletions');

interface Deletion {
  readonly client: number;
  readonly ranges: readonly (readonly [clock: number, length: number])[];
}

function deleting(...deletions: readonly Deletion[]): Uint8Array {
  return encoding.encode((to) => {
    encoding.writeVarUint(to, 0);
    encoding.writeVarUint(to, deletions.length);
    for (const { client, ranges } of deletions) {
      encoding.writeVarUint(to, client);
      encoding.writeVarUint(to, ranges.length);
      for (const range of ranges) for (const number of range) encoding.writeVarUint(to, number);
    }
  });
}

function bringsNothing(doc: Y.Doc, update: Uint8Array): boolean {
  try {
    return !new Guard({ doc, owners: new Map(), shape: 'text' }).check(update, 'bob').brings;
  } catch {
    return false;
  }
}

test(
  'a replica that has all, or all of before, deletes nothing new; whatever it deletes, the guard says the same',
  seeded((random) => {
    for (let round = 0; round < 60; round += 1) {
      const docs = [new Y.Doc(), new Y.Doc()] as const;
      const edit = (doc: Y.Doc): void => {
        const text = doc.getText('content');
        if (random.chance(0.5) || text.length === 0)
          text.insert(random.int(0, text.length + 1), 'x'.repeat(random.int(1, 9)));
        else {
          const at = random.int(0, text.length);
          text.delete(at, random.int(1, Math.min(4, text.length - at) + 1));
        }
      };
      const [live, reader] = docs;
      for (let step = 0; step < 60; step += 1) {
        edit(random.pick(docs));
        Y.applyUpdate(live, Y.encodeStateAsUpdate(reader));
        if (random.chance(0.7)) Y.applyUpdate(reader, Y.encodeStateAsUpdate(live));
        const answer = Y.encodeStateAsUpdate(reader, Y.encodeStateVector(live));
        assert.ok(onlyDeletes(answer));
        assert.ok(holdsDeletions(live, answer));
      }
      const clients = [...docs.map(({ clientID }) => clientID), 7];
      for (let n = 0; n < 40; n += 1) {
        let clock = 0;
        const ranges = Array.from({ length: random.int(0, 4) }, () => {
          clock += random.int(0, 12);
          const length = random.int(1, 5);
          clock += length;
          return [clock - length, length] as const;
        });
        const update = deleting({ client: random.pick(clients), ranges });
        assert.is(holdsDeletions(live, update), bringsNothing(live, update), JSON.stringify(ranges));
      }
    }
  }),
);

test('G7: ranges over each other, out of order, or more than an update may have, are not gone through', () => {
  const doc = new Y.Doc();
  const text = doc.getText('content');
  text.insert(0, 'x'.repeat(10));
  text.delete(0, 10);
  const client = doc.clientID;
  assert.ok(holdsDeletions(doc, deleting({ client, ranges: [[0, 10]] })));
  assert.ok(holdsDeletions(doc, deleting()));
  assert.not.ok(
    holdsDeletions(
      doc,
      deleting({
        client,
        ranges: [
          [0, 5],
          [4, 6],
        ],
      }),
    ),
  );
  assert.not.ok(
    holdsDeletions(
      doc,
      deleting({
        client,
        ranges: [
          [5, 5],
          [0, 5],
        ],
      }),
    ),
  );
  const none = Array.from({ length: UPDATE_DELETE_RANGES_MAX + 1 }, () => [10, 0] as const);
  assert.ok(holdsDeletions(doc, deleting({ client, ranges: none.slice(1) })));
  assert.not.ok(holdsDeletions(doc, deleting({ client, ranges: none })));
  assert.throws(() => holdsDeletions(doc, Uint8Array.of(0, 1, 1, 200, 200, 200)));
});

test.run();
