/** /sync/<blob_id>: stock y-websocket editors on two real studio processes over one database. */
import * as assert from 'uvu/assert';
import type * as Y from 'yjs';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { seeded } from '../harness/random.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { createText, readText, SyncWorld } from './sync-world.ts';
import type { StudioClient } from '../../clients/node/src/index.ts';

const test = suite('sync editors');
const world = new SyncWorld();
let parts: TestParts;
let here: TestStudio;
let there: TestStudio;
let client: StudioClient;
let token: string;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true, temporal: true });
  [here, there] = await Promise.all([startStudio({ parts }), startStudio({ parts })]);
  client = await world.client(here, 'ada');
  token = await here.token('ada');
});
test.after(() => parts.stop());
test.after(async () => void (await Promise.all([here.stop(), there.stop()])));
test.after(() => world.close());

const readHead = (id: string) => async () => readText(client, id);
const same = async (id: string, ...texts: Y.Text[]): Promise<string> => {
  const read = readHead(id);
  return eventually('all have the same text', async () => {
    const head = await read();
    for (const text of texts) assert.is(text.toJSON(), head);
    return head;
  });
};

test('two editors converge, and what they typed is the stored text', async () => {
  const id = await createText(client, 'start. ');
  const [a, b] = await Promise.all([world.openSynced(here, id, token), world.openSynced(here, id, token)]);
  assert.is(a.text.toJSON(), 'start. ');
  a.text.insert(0, 'A');
  b.text.insert(b.text.length, 'Z');
  await eventually('both edits are stored', async () => (await readText(client, id)) === 'Astart. Z');
  await same(id, a.text, b.text);
});

test('G1: what one editor sees of another is already stored', async () => {
  const id = await createText(client, '');
  const [a, b] = await Promise.all([world.openSynced(here, id, token), world.openSynced(here, id, token)]);
  const checks: Promise<void>[] = [];
  const reader = await world.client(there, 'ada');
  b.text.observe(() => {
    const seen = b.text.toJSON();
    checks.push(readText(reader, id).then((stored) => assert.ok(stored.startsWith(seen), `${stored} lacks ${seen}`)));
  });
  for (let n = 0; n < 30; n += 1) {
    a.text.insert(a.text.length, String(n % 10));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await eventually('all arrived', () => b.text.length === 30);
  assert.ok(checks.length > 0);
  await Promise.all(checks);
});

test('edits through gRPC show up in the editor and the reverse, on either process', async () => {
  const id = await createText(client, 'abc');
  const editor = await world.openSynced(there, id, token);
  await client.deltas.applyDelta({
    blobId: id,
    patch: { case: 'textEdits', value: { edits: [{ offset: 3, deleteCount: 0, insert: 'def' }] } },
  });
  await eventually('the editor has it', () => editor.text.toJSON() === 'abcdef');
  editor.text.delete(0, 3);
  await eventually('gRPC has it', async () => (await readText(client, id)) === 'def');
});

test(
  'G3: editors on two processes that type at random, and drop off and return, end with one text',
  seeded(async (random) => {
    const id = await createText(client, 'seed');
    const editors = await Promise.all([here, there, here, there].map((studio) => world.openSynced(studio, id, token)));
    for (let round = 0; round < 120; round += 1) {
      const { text, provider } = random.pick(editors);
      if (random.chance(0.05)) {
        if (provider.wsconnected) provider.disconnect();
        else provider.connect();
      } else if (text.length > 0 && random.chance(0.3)) {
        const at = random.int(0, text.length);
        text.delete(at, Math.min(random.int(1, 4), text.length - at));
      } else text.insert(random.int(0, text.length + 1), random.pick('abcdefgh'.split('')));
      if (random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, random.int(0, 15)));
    }
    for (const { provider } of editors) provider.connect();
    await eventually('all are back', () => editors.every(({ provider }) => provider.synced));
    await same(id, ...editors.map(({ text }) => text));
  }),
);

test('an editor that comes back sends what it typed meanwhile, and gets what others did', async () => {
  const id = await createText(client, 'x');
  const [a, b] = await Promise.all([world.openSynced(here, id, token), world.openSynced(there, id, token)]);
  a.provider.disconnect();
  a.text.insert(1, 'offline');
  b.text.insert(0, 'online ');
  await eventually('b is stored', async () => (await readText(client, id)) === 'online x');
  a.provider.connect();
  await eventually('both are stored', async () => (await readText(client, id)) === 'online xoffline');
  await same(id, a.text, b.text);
});

test('awareness travels between editors and between processes, and goes with the connection', async () => {
  const id = await createText(client, 'x');
  const [a, b, c] = await Promise.all([here, here, there].map((studio) => world.openSynced(studio, id, token)));
  assert.ok(a && b && c);
  a.provider.awareness.setLocalStateField('cursor', 7);
  const seenBy = (editor: typeof a): unknown => editor.provider.awareness.getStates().get(a.doc.clientID)?.['cursor'];
  await eventually('b sees the cursor', () => seenBy(b) === 7);
  await eventually('c, on the other process, sees the cursor', () => seenBy(c) === 7);
  const late = await world.openSynced(there, id, token);
  await eventually('one that joins later sees the cursor', () => seenBy(late) === 7);
  a.provider.disconnect();
  await eventually('it is gone everywhere', () => [b, c, late].every((editor) => seenBy(editor) === undefined));
});

test('G8: a wrong, missing or expired token is refused for good, and so is the blob of another', async () => {
  const id = await createText(client, 'mine');
  const cases: [string | undefined, string, number, string][] = [
    ['garbage', id, 4401, 'TOKEN_INVALID'],
    [undefined, id, 4401, 'TOKEN_MISSING'],
    [await here.token('ada', { ttlSeconds: -3600 }), id, 4401, 'TOKEN_EXPIRED'],
    [await here.token('eve'), id, 4404, 'BLOB_NOT_FOUND'],
    [token, 'no-such-blob', 4404, 'BLOB_NOT_FOUND'],
    [token, 'no%20id', 4404, 'BLOB_NOT_FOUND'],
  ];
  for (const [given, blobId, code, reason] of cases) {
    const editor = world.openEditor(here, blobId, given);
    const closed = await eventually(`${reason} ends it`, editor.closed);
    assert.is(closed.code, code);
    assert.ok(closed.reason.startsWith(reason), closed.reason);
    assert.not.ok(editor.provider.shouldConnect);
    assert.is(editor.text.toJSON(), '');
  }
});

test.run();
