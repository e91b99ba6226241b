/** SyncService on two real studio processes over one database, beside a stock y-websocket editor. */
import { randomBytes } from 'node:crypto';
import { ConnectError } from '@connectrpc/connect';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { SYNC_DOCUMENTS_PER_STREAM_MAX, TOKEN_CLOCK_TOLERANCE_SECONDS } from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { reasonOf, refused } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import {
  type Frames,
  statusReason,
  subscribe,
  syncClient,
  SyncConversation,
  typed,
  type SyncClient,
} from './sync-rpc-world.ts';
import { createText, readText, SyncWorld } from './sync-world.ts';
import { Role } from '../../clients/node/gen/memmie/studio/v1/access_pb.ts';
import type { StudioClient } from '../../clients/node/src/index.ts';

const test = suite('sync service');
const world = new SyncWorld();
const streams: Frames<never>[] = [];
let parts: TestParts;
let here: TestStudio;
let there: TestStudio;
let client: StudioClient;
let near: SyncClient;
let far: SyncClient;
let token: string;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true, temporal: true });
  [here, there] = await Promise.all([startStudio({ parts }), startStudio({ parts })]);
  client = await world.client(here, 'ada');
  token = await here.token('ada');
  near = syncClient(here, token, 'grpc');
  far = syncClient(there, token);
});
test.after(() => parts.stop());
test.after(async () => void (await Promise.all([here.stop(), there.stop()])));
test.after(() => world.close());
test.after.each(async () => {
  for (const stream of streams.splice(0)) {
    stream.cancel();
    await stream.ended;
  }
});

const kept = <T extends Frames<never>>(stream: T): T => {
  streams.push(stream);
  return stream;
};
const converse = (by: SyncClient): SyncConversation => kept(new SyncConversation(by) as never) as SyncConversation;
const listen = (by: SyncClient, blobId: string, known: { stateVector?: Uint8Array; afterVersion?: bigint } = {}) => {
  const frames = subscribe(by, { blobId, ...known });
  kept(frames as never);
  return frames;
};
const append = (id: string, text: string) =>
  client.deltas.applyDelta({ blobId: id, patch: { case: 'content', value: Buffer.from(text) } });
const read = (...updates: readonly Uint8Array[]): string => {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  assert.is(doc.store.pendingStructs, null);
  return doc.getText('content').toJSON();
};

test('many documents on one stream, on either process and beside a stock editor', async () => {
  const [a, b] = [await createText(client, 'one '), await createText(client, 'two ')];
  const [mine, theirs] = [converse(near), converse(far)];
  for (const id of [a, b]) {
    mine.open(id);
    theirs.open(id);
  }
  const editor = await world.openSynced(there, b, token);
  for (const id of [a, b]) {
    const opened = await mine.nth('opened', 1, id);
    const doc = new Y.Doc();
    Y.applyUpdate(doc, opened.update);
    assert.equal(Y.encodeStateVector(doc), opened.stateVector);
    const theirsOpened = await theirs.nth('opened', 1, id);
    mine.update(id, typed(`by stream`, doc).update, 7n);
    const { reference, version } = await mine.nth('committed', 1, id);
    assert.equal([reference, version], [7n, opened.version + 1n]);
    const seen = await theirs.nth('update', 1, id);
    assert.is(seen.version, version);
    assert.is(read(theirsOpened.update, seen.update), doc.getText('content').toJSON());
    assert.is(await readText(client, id), doc.getText('content').toJSON());
  }
  await eventually('the editor has it', () => editor.text.toJSON() === 'two by stream');
  editor.text.insert(0, 'E');
  await mine.nth('update', 1, b);
  const opened = await theirs.nth('opened', 1, b);
  await eventually('the stream has it too', () => theirs.of('update', b).length === 2);
  assert.is(read(opened.update, ...theirs.of('update', b).map(({ update }) => update)), 'Etwo by stream');
  // Its own edits are not sent back.
  assert.equal([mine.of('update', a).length, mine.of('update', b).length], [0, 1]);
});

test('a client that says what it has seen is sent the deltas after it, and not the state', async () => {
  const id = await createText(client, 'x'.repeat(50_000));
  const first = listen(far, id);
  const opened = await first.nth('opened');
  first.cancel();
  for (let n = 0; n < 3; n += 1) {
    const edits = [{ offset: 50_000 + n, insert: 'y' }];
    await client.deltas.applyDelta({ blobId: id, patch: { case: 'textEdits', value: { edits } } });
  }
  const again = await listen(far, id, { afterVersion: opened.version }).nth('opened');
  assert.is(again.version, opened.version + 3n);
  assert.ok(again.update.byteLength < 500, `${again.update.byteLength} bytes`);
  assert.is(read(opened.update, again.update), await readText(client, id));
  const nothing = await listen(far, id, { afterVersion: again.version }).nth('opened');
  assert.is(nothing.update.byteLength, 2);
});

test('a client that has seen a version which the studio does not know, or no longer has at hand, is sent the state', async () => {
  const id = await createText(client, 'abc');
  const doc = new Y.Doc();
  Y.applyUpdate(doc, (await listen(far, id).nth('opened')).update);
  const editor = await world.openSynced(here, id, token);
  for (let n = 0; n < 200; n += 1) {
    editor.text.insert(0, 'z');
    if (n % 2) await new Promise((resolve) => setTimeout(resolve, 4));
  }
  await eventually('all is stored', async () => (await readText(client, id)) === editor.text.toJSON());
  for (const afterVersion of [1n, 1_000_000n]) {
    const opened = await listen(far, id, { afterVersion, stateVector: Y.encodeStateVector(doc) }).nth('opened');
    assert.is(read(Y.encodeStateAsUpdate(doc), opened.update), editor.text.toJSON());
  }
});

test('G1: an update is answered once it is stored, refused ones say why, and answers keep their order', async () => {
  const id = await createText(client, '');
  const stream = converse(near);
  stream.open(id);
  const good = typed('kept');
  const lost = new Y.Doc();
  typed('never sent', lost);
  const rootless = new Y.Doc();
  rootless.getMap('other').set('k', 1);
  stream.update(id, good.update, 1n);
  stream.update(id, Uint8Array.of(9, 9, 9), 2n);
  stream.update(id, typed('!', lost).update, 3n);
  stream.update(id, Y.encodeStateAsUpdate(rootless), 4n);
  stream.update(id, good.update, 5n);
  await eventually('all are answered', () => stream.of('committed').length + stream.of('rejected').length === 5);
  assert.equal(
    stream.all.flatMap(({ message }) =>
      message.case === 'committed'
        ? [[message.value.reference, 'committed']]
        : message.case === 'rejected'
          ? [[message.value.reference, statusReason(message.value.error)]]
          : [],
    ),
    [
      [1n, 'committed'],
      [2n, 'UPDATE_MALFORMED'],
      [3n, 'UPDATE_DEPENDS_ON_MISSING'],
      [4n, 'UPDATE_ROOT_FORBIDDEN'],
      [5n, 'committed'],
    ],
  );
  assert.equal(new Set(stream.of('committed').map(({ version }) => version)), new Set([2n]));
  assert.is(await readText(client, id), 'kept');
});

test('G8: documents that may not be joined, or are deleted, are closed; the others of the stream go on', async () => {
  const [mine, gone] = [await createText(client, 'mine'), await createText(client, 'gone')];
  const foreign = await createText(await world.client(here, 'eve'), 'hers');
  const stream = converse(near);
  for (const id of [mine, gone, foreign, 'no-such-blob']) stream.open(id);
  for (const id of [foreign, 'no-such-blob'])
    assert.is(statusReason((await stream.nth('closed', 1, id)).error), 'BLOB_NOT_FOUND');
  await stream.nth('opened', 1, gone);
  await client.blobs.deleteBlob({ id: gone });
  assert.is(statusReason((await stream.nth('closed', 1, gone)).error), 'BLOB_DELETED');
  stream.update(gone, typed('late').update, 1n);
  assert.is(statusReason((await stream.nth('rejected', 1, gone)).error), 'FIELD_INVALID');
  stream.update(mine, typed('!').update, 2n);
  await stream.nth('committed', 1, mine);
  assert.is(reasonOf(await listen(far, foreign).ended), 'BLOB_NOT_FOUND');
  await refused(far.push({ blobId: foreign, update: typed('!').update, session: 'any' }), 'BLOB_NOT_FOUND');
  await refused(far.push({ blobId: foreign, update: typed('!').update }), 'BLOB_NOT_FOUND');
});

test('G8: a viewer is shown everything and changes nothing; what it may do changes while it listens', async () => {
  const id = await createText(client, '');
  const bob = await here.token('bob');
  await client.access.grantAccess({ blobId: id, userId: 'bob', role: Role.VIEWER });
  const stream = converse(syncClient(there, bob));
  stream.open(id);
  assert.ok((await stream.nth('opened')).readOnly);
  const listener = listen(syncClient(here, bob), id);
  const { session, readOnly } = await listener.nth('opened');
  assert.ok(readOnly);
  stream.update(id, typed('bob').update, 1n);
  assert.is(statusReason((await stream.nth('rejected')).error), 'ACCESS_DENIED');
  await refused(syncClient(here, bob).push({ blobId: id, update: typed('bob').update, session }), 'ACCESS_DENIED');
  await refused(syncClient(here, bob).push({ blobId: id, update: typed('bob').update }), 'ACCESS_DENIED');
  await append(id, 'ada');
  await Promise.all([stream.nth('update'), listener.nth('update')]);

  await client.access.grantAccess({ blobId: id, userId: 'bob', role: Role.EDITOR });
  assert.not.ok((await stream.nth('access')).readOnly);
  assert.not.ok((await listener.nth('access')).readOnly);
  stream.update(id, typed('!').update, 2n);
  const { version, seen } = await stream.nth('committed');
  assert.equal([version, seen], [3n, true]);

  await client.access.revokeAccess({ blobId: id, userId: 'bob' });
  const { error } = await stream.nth('closed');
  assert.is(statusReason(error), reasonOf(await listener.ended));
  stream.update(id, typed('late').update, 3n);
  await stream.nth('rejected', 2);
  assert.is((await readText(client, id)).length, 4);
});

test('Push is not sent back to its own subscription, unless it came by another process', async () => {
  const id = await createText(client, '');
  const [own, other] = [listen(far, id), listen(near, id)];
  const { session } = await own.nth('opened');
  await other.nth('opened');
  const doc = new Y.Doc();
  const first = await far.push({ blobId: id, update: typed('a', doc).update, session, reference: 5n });
  assert.equal(await own.nth('committed'), { ...(await own.nth('committed')), reference: 5n, version: first.version });
  assert.is((await other.nth('update')).version, first.version);
  assert.is(own.of('update').length, 0);
  const second = await near.push({ blobId: id, update: typed('b', doc).update, session, reference: 6n });
  assert.is((await own.nth('update')).version, second.version);
  await near.push({ blobId: id, update: typed('c', doc).update });
  await eventually('all are stored', async () => (await readText(client, id)) === 'abc');
});

test('awareness travels between streams, editors and processes, and goes with its subscription', async () => {
  const id = await createText(client, '');
  const editor = await world.openSynced(here, id, token);
  const [own, distant] = [listen(far, id), listen(far, id)];
  const state = (clientId: number, value: string): Uint8Array =>
    Uint8Array.from([1, clientId, 1, value.length, ...Buffer.from(value)]);
  const seen = (clientId: number): unknown => editor.provider.awareness.getStates().get(clientId)?.['n'];
  await far.push({ blobId: id, session: (await own.nth('opened')).session, awareness: state(11, '{"n":1}') });
  // By the other process than the one it reads at.
  await near.push({ blobId: id, session: (await distant.nth('opened')).session, awareness: state(12, '{"n":2}') });
  const stream = converse(near);
  stream.open(id);
  await stream.nth('awareness');
  stream.send(id, { case: 'awareness', value: state(13, '{"n":3}') });
  await eventually('the editor sees them', () => seen(11) === 1 && seen(12) === 2 && seen(13) === 3);
  editor.provider.awareness.setLocalStateField('n', 4);
  const showsEditor = (updates: readonly Uint8Array[]): boolean =>
    updates.some((update) => Buffer.from(update).includes('"n":4'));
  await eventually('a subscription sees the editor', () => showsEditor(own.of('awareness')));
  await eventually('a stream sees the editor', () => showsEditor(stream.of('awareness')));
  own.cancel();
  stream.cancel();
  await eventually('they are gone', () => seen(11) === undefined && seen(13) === undefined);
  await refused(far.push({ blobId: id, awareness: state(14, '{}') }), 'FIELD_INVALID');
  await refused(far.push({ blobId: id }), 'FIELD_INVALID');
});

test('G7: a reader that does not keep up is sent one update for all that it missed', async () => {
  for (const by of [near, far]) {
    const id = await createText(client, '');
    const frames = listen(by, id);
    const opened = await frames.nth('opened');
    frames.hold();
    const changes = 60;
    const doc = new Y.Doc();
    for (let n = 0; n < changes; n += 1) {
      const before = Y.encodeStateVector(doc);
      const text = doc.getText('content');
      // Random, since the stream may be compressed.
      doc.transact(() => {
        text.delete(0, text.length);
        text.insert(0, randomBytes(375_000).toString('base64'));
      });
      await far.push({ blobId: id, update: Y.encodeStateAsUpdate(doc, before) });
    }
    frames.release();
    const { blob } = await client.blobs.getBlob({ id });
    await eventually('it has caught up', () => frames.of('update').at(-1)?.version === blob?.version);
    assert.ok(frames.of('update').length < changes / 2, `${frames.of('update').length} updates`);
    const text = read(opened.update, ...frames.of('update').map(({ update }) => update));
    assert.ok(text === doc.getText('content').toJSON());
  }
});

test('a stream that its client half-closes answers what was sent, and ends', async () => {
  const id = await createText(client, '');
  const stream = converse(near);
  stream.open(id);
  const doc = new Y.Doc();
  for (let n = 0; n < 50; n += 1) stream.update(id, typed('x', doc).update, BigInt(n));
  stream.halfClose();
  assert.is(await stream.ended, undefined);
  assert.is(stream.of('committed').length, 50);
  assert.is(await readText(client, id), 'x'.repeat(50));
});

test('a document that is closed is sent nothing more, and may be opened again', async () => {
  const id = await createText(client, 'a');
  const stream = converse(near);
  stream.open(id);
  await stream.nth('opened');
  stream.send(id, { case: 'close', value: {} });
  stream.open(id);
  await stream.nth('opened', 2);
  await append(id, 'ab');
  await stream.nth('update');
  assert.is(stream.of('update').length, 1);
});

test('G7: a stream has so many documents and no more', async () => {
  const stream = converse(near);
  const id = await createText(client, '');
  // Twice as many at once: some are asked for while as many as may be are still being opened.
  const asked = 2 * SYNC_DOCUMENTS_PER_STREAM_MAX;
  for (let n = 0; n < asked; n += 1) stream.open(`none-${n}`);
  await eventually('all are told', () => stream.of('closed').length === asked);
  const reasons = new Set(stream.of('closed').map(({ error }) => statusReason(error)));
  assert.equal(reasons, new Set(['BLOB_NOT_FOUND', 'LIMIT_EXCEEDED']));
  stream.open(id);
  await stream.nth('opened');
});

test('G8: a stream ends when its token does, and one without never begins', async () => {
  const id = await createText(client, '');
  const brief = await here.token('ada', { ttlSeconds: 2 - TOKEN_CLOCK_TOLERANCE_SECONDS });
  const frames = listen(syncClient(here, brief), id);
  await frames.nth('opened');
  assert.is(reasonOf(await frames.ended), 'TOKEN_EXPIRED');
  assert.is(reasonOf(await listen(syncClient(here, 'garbage'), id).ended), 'TOKEN_INVALID');
});

test('bad messages end the stream that sent them', async () => {
  const id = await createText(client, '');
  const cases: [string, Parameters<SyncConversation['send']>[1], string][] = [
    ['no id!', { case: 'close', value: {} }, 'FIELD_INVALID'],
    [id, { case: undefined }, 'FIELD_INVALID'],
    [id, { case: 'update', value: { update: new Uint8Array() } }, 'FIELD_INVALID'],
  ];
  for (const [blobId, message, reason] of cases) {
    const stream = converse(near);
    stream.send(blobId, message);
    const error = await stream.ended;
    assert.instance(error, ConnectError);
    assert.is(reasonOf(error), reason);
  }
  const garbage = converse(near);
  garbage.send(id, { case: 'open', value: { stateVector: Uint8Array.of(255, 255) } });
  assert.is(statusReason((await garbage.nth('closed')).error), 'UPDATE_MALFORMED');
});

test('a studio told to stop says so on its streams', async () => {
  const id = await createText(client, '');
  const leaving = await startStudio({ parts });
  const frames = listen(syncClient(leaving, token), id);
  await frames.nth('opened');
  assert.is(await leaving.stop(), 0);
  assert.is(reasonOf(await frames.ended), 'DRAINING');
});

test.run();
