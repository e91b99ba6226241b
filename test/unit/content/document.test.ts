import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { readCanonical } from '../../../src/domain/content/canonical.ts';
import { createDocument } from '../../../src/domain/content/document.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('documents');

const MARKS = ['bold', 'italic', 'link'];

/** Concurrent formatting by three clients that see each other's edits late. Returns what they authored, in one order. */
function formattingHistory(random: Random): Uint8Array[] {
  const log: Uint8Array[] = [];
  const clients = [1, 2, 3].map((id) => {
    const doc = new Y.Doc();
    doc.clientID = id;
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'log') log.push(update);
    });
    return { doc, seen: 0 };
  });
  for (let step = 0; step < 30; step++) {
    const client = random.pick(clients);
    const text = client.doc.getText('content');
    if (random.chance(0.3)) {
      for (const update of log.slice(client.seen)) Y.applyUpdate(client.doc, update, 'log');
      client.seen = log.length;
    }
    const at = random.int(0, text.length + 1);
    const count = random.int(0, Math.min(6, text.length - at) + 1);
    if (random.chance(0.4)) text.insert(at, 'abcdef'.slice(0, random.int(1, 6)));
    else if (random.chance(0.2)) text.delete(at, count);
    else text.format(at, count, { [random.pick(MARKS)]: random.pick([true, null]) });
  }
  return log;
}

/** Everything a document holds: that which it deleted by itself shows in its delete set. */
function deletedClocks(doc: Y.Doc): string {
  const { clients } = Y.snapshot(doc).ds;
  return JSON.stringify([...clients].sort(([a], [b]) => a - b));
}

function deletedByLog(log: readonly Uint8Array[]): string {
  const ranges = Y.mergeDeleteSets(log.map((update) => Y.decodeUpdate(update).ds));
  return JSON.stringify([...ranges.clients].sort(([a], [b]) => a - b));
}

function replay(doc: Y.Doc, log: readonly Uint8Array[]): Y.Doc {
  doc.getText('content');
  for (const update of log) Y.applyUpdate(doc, update);
  return doc;
}

/** Rounds in which a document made by `create` came to hold a deletion that is in no log. */
function selfAuthoringRounds(create: () => Y.Doc, random: Random, rounds: number): number {
  let count = 0;
  for (let round = 0; round < rounds; round++) {
    const log = formattingHistory(random);
    if (deletedClocks(replay(create(), log)) !== deletedByLog(log)) count += 1;
  }
  return count;
}

test(
  'G3: a server document authors nothing while it takes in concurrent formatting',
  seeded((random) => {
    assert.is(
      selfAuthoringRounds(() => createDocument({ gc: false }), random, 150),
      0,
    );
  }),
);

test(
  'without that, documents of Yjs do delete marks by themselves in these rounds',
  seeded((random) => {
    // Some seeds have none in hundreds of rounds.
    let found = 0;
    for (let tries = 0; found === 0 && tries < 40; tries++) {
      found = selfAuthoringRounds(() => new Y.Doc({ gc: false }), random, 50);
    }
    assert.ok(found > 0);
  }),
);

test(
  'G3: documents with and without collection, one by one or at once, end up with the same content and marks',
  seeded((random) => {
    for (let round = 0; round < 60; round++) {
      const log = formattingHistory(random);
      const one = replay(createDocument({ gc: true }), log);
      const other = createDocument({ gc: false });
      other.getText('content');
      Y.transact(other, () => log.forEach((update) => Y.applyUpdate(other, update)), 'at once', false);
      assert.equal(one.getText('content').toDelta(), other.getText('content').toDelta());
      assert.equal(readCanonical(one, 'text/plain'), readCanonical(other, 'text/plain'));
    }
  }),
);

test('a document keeps the client id it was given when it sees it in an update', () => {
  const doc = createDocument({ gc: true });
  doc.clientID = 5;
  const other = new Y.Doc();
  other.clientID = 5;
  other.getText('content').insert(0, 'x');
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(other));
  assert.is(doc.clientID, 5);
});

test('a document holds on to no transaction that is over, not even by the list it was in', () => {
  const doc = createDocument({ gc: true });
  let over: readonly unknown[] = [];
  let count = 0;
  doc.on('afterAllTransactions', (_doc: Y.Doc, transactions: Y.Transaction[]) => {
    count = transactions.length;
    over = transactions;
  });
  doc.getText('content').insert(0, 'x');
  assert.is(count, 1, 'whoever listens is told of it');
  assert.is(over.length, 0);
  assert.is(doc._transactionCleanups.length, 0);
});

test.run();
