/** What the project's own client pushes of a document that others change too. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Outbox } from '../../../clients/web/src/outbox.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('web client: outbox');

const MIB = 1024 * 1024;

/** A studio's document, a replica that was just opened, and its outbox. */
function opened(content: string): {
  studio: Y.Doc;
  replica: Y.Doc;
  outbox: Outbox;
  hear: (update: Uint8Array) => void;
} {
  const [studio, replica] = [new Y.Doc(), new Y.Doc()];
  studio.getText('content').insert(0, content);
  const outbox = new Outbox(replica, false);
  const heard = {};
  replica.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== heard) outbox.add(update);
  });
  Y.applyUpdate(replica, Y.encodeStateAsUpdate(studio), heard);
  outbox.startOver(Y.encodeStateVector(studio));
  const hear = (update: Uint8Array): void => outbox.takeIn(update, heard);
  return { studio, replica, outbox, hear };
}

test('G7: a large edit of a large document that it is given while connected is pushed as it is, and others wait apart', () => {
  const { studio, replica, outbox, hear } = opened('');
  const before = Y.encodeStateVector(studio);
  studio.getText('content').insert(0, 'x'.repeat(7 * MIB));
  hear(Y.encodeStateAsUpdate(studio, before));
  assert.ok(outbox.isEmpty);
  const large = edited(replica, 1.1 * MIB);
  assert.ok(outbox.take() === large);
  edited(replica, 0.9 * MIB);
  // No answer: now they are more than one push may hold.
  outbox.putBack();
  assert.ok(outbox.take() === large);
  outbox.settle();
  const next = outbox.take();
  assert.ok(next && next.byteLength < MIB, `${next?.byteLength} bytes`);
  outbox.settle();
  assert.ok(outbox.isEmpty);
});

test('G7: edits too many to keep one by one are pushed without what others changed before, meanwhile and since', () => {
  const { studio, replica, outbox, hear } = opened('o'.repeat(MIB));
  const other = new Y.Doc();
  const say = (text: string): void => {
    const before = Y.encodeStateVector(studio);
    other.getText('content').insert(0, text);
    Y.applyUpdate(studio, Y.encodeStateAsUpdate(other, before));
    hear(Y.encodeStateAsUpdate(studio, before));
  };
  say('b'.repeat(MIB));
  edited(replica, 3);
  const sent = outbox.take();
  assert.ok(sent);
  say('m'.repeat(MIB));
  for (let n = 0; n < 1_100; n += 1) edited(replica, 1);
  Y.applyUpdate(studio, sent);
  outbox.settle();
  say('s'.repeat(MIB));
  const difference = outbox.take();
  assert.ok(difference && difference.byteLength < 50_000, `${difference?.byteLength} bytes`);
  Y.applyUpdate(studio, difference);
  outbox.settle();
  assert.ok(outbox.isEmpty);
  assert.ok(studio.getText('content').toJSON() === replica.getText('content').toJSON());
  assert.is(studio.store.pendingStructs, null);
});

/** Appends that much; returns the update. */
function edited(doc: Y.Doc, length: number): Uint8Array {
  let update: Uint8Array = Uint8Array.of();
  doc.once('update', (made: Uint8Array) => (update = made));
  const text = doc.getText('content');
  text.insert(text.length, 'e'.repeat(length));
  return update;
}

test.run();
