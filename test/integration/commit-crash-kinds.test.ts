/** Each kind of change, by a process that is killed at each moment of its commit, and sent again to another. */
import * as assert from 'uvu/assert';
import type { FailpointName } from '../../src/failpoints.ts';
import { startCutProxy } from '../harness/cut-proxy.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { allDeltas, connectAs, insertAt, refused, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';

const test = suite('commit of every kind under crashes', { timeoutMs: 120_000 });
const withoutTemporal = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };
let parts: TestParts;
let studio: TestStudio;
let client: StudioClient;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  studio = await startStudio({ parts, env: withoutTemporal });
  client = connectAs(studio.address, await studio.token('ann'));
});
test.after(async () => {
  await studio?.stop();
  await parts?.stop();
});

interface Kind {
  readonly name: string;
  readonly contentType: string;
  /** On a blob of two versions, with "first" in it and then "second". */
  readonly send: (by: StudioClient, id: string, requestId: string) => Promise<{ delta?: { id: string } }>;
  /** Brings the blob to where `send` has something to do. */
  readonly prepare?: (id: string) => Promise<unknown>;
  readonly isDone: (id: string) => Promise<boolean>;
}

async function read(id: string): Promise<string> {
  const { blob } = await client.blobs.getBlob({ id });
  return Buffer.from(blob?.content ?? []).toString();
}

async function isDeleted(id: string): Promise<boolean> {
  const { blob } = await client.blobs.getBlob({ id });
  return blob?.deletedAt !== undefined;
}

const KINDS: readonly Kind[] = [
  {
    name: 'revert',
    contentType: 'text/plain',
    send: (by, id, requestId) =>
      by.deltas.applyDelta({ blobId: id, requestId, patch: { case: 'revertToVersion', value: 1n } }),
    isDone: async (id) => (await read(id)) === 'first',
  },
  {
    name: 'binary content',
    contentType: 'image/png',
    send: (by, id, requestId) =>
      by.deltas.applyDelta({ blobId: id, requestId, patch: { case: 'content', value: Buffer.from(`third ${id}`) } }),
    isDone: async (id) => (await read(id)) === `third ${id}`,
  },
  {
    name: 'delete',
    contentType: 'text/plain',
    send: (by, id, requestId) => by.blobs.deleteBlob({ id, requestId }),
    isDone: isDeleted,
  },
  {
    name: 'undelete',
    contentType: 'text/plain',
    prepare: (id) => client.blobs.deleteBlob({ id }),
    send: (by, id, requestId) => by.blobs.undeleteBlob({ id, requestId }),
    isDone: async (id) => !(await isDeleted(id)),
  },
];

async function prepare(kind: Kind, id: string): Promise<number> {
  await client.blobs.createBlob({ id, contentType: kind.contentType, content: Buffer.from('first') });
  await client.deltas.applyDelta({ blobId: id, patch: { case: 'content', value: Buffer.from('second') } });
  await kind.prepare?.(id);
  return (await allDeltas(client, id)).length;
}

/** Whether what was sent is in the log when its process is gone. */
const MOMENTS: readonly (readonly [FailpointName, boolean])[] = [
  ['commit.before_insert', false],
  ['commit.after_insert', true],
];

for (const [failpoint, isIn] of MOMENTS) {
  test(`G1 G4: killed at ${failpoint}, each kind of change is in once, however often it is sent`, async () => {
    for (const [index, kind] of KINDS.entries()) {
      const id = `k${index}-${failpoint.replaceAll('.', '-')}`;
      const before = await prepare(kind, id);
      const doomed = await startStudio({ parts, env: withoutTemporal, failpoints: `${failpoint}=kill` });
      const by = connectAs(doomed.address, await doomed.token('ann'));
      const failed = await kind.send(by, id, 'once').catch((error: unknown) => error);
      assert.instance(failed, Error, `${kind.name}: the killed process can not have answered`);
      assert.is((await doomed.exited).signal, 'SIGKILL');
      assert.is((await allDeltas(client, id)).length, before + (isIn ? 1 : 0), kind.name);
      const first = await kind.send(client, id, 'once');
      const again = await kind.send(client, id, 'once');
      assert.is(again.delta?.id, first.delta?.id, kind.name);
      assert.is((await allDeltas(client, id)).length, before + 1, kind.name);
      assert.ok(await kind.isDone(id), kind.name);
    }
  });
}

test('G1 G5: deleted by a process that is killed before it writes the head, a blob is deleted for everybody', async () => {
  await client.blobs.createBlob({ id: 'gone', contentType: 'text/plain', content: Buffer.from('x') });
  const doomed = await startStudio({ parts, env: withoutTemporal, failpoints: 'head.before_write=kill' });
  const by = connectAs(doomed.address, await doomed.token('ann'));
  await by.blobs.deleteBlob({ id: 'gone' }).catch(() => undefined);
  assert.is((await doomed.exited).signal, 'SIGKILL');
  assert.ok(await isDeleted('gone'));
  await refused(insertAt(client, { blobId: 'gone', offset: 0, text: 'y' }), 'BLOB_DELETED');
  await eventually('it has left the list', async () => {
    const { blobs } = await client.blobs.listBlobs({ pageSize: 100 });
    return blobs.every((blob) => blob.id !== 'gone');
  });
});

test('bytes whose way to the database is cut are stored all the same', async () => {
  const proxy = await startCutProxy(parts.url('mongodb'));
  const cut = await startStudio({ parts, env: { ...withoutTemporal, STUDIO_MONGODB_URL: proxy.url } });
  try {
    const by = connectAs(cut.address, await cut.token('ann'));
    await by.blobs.createBlob({ id: 'bytes', contentType: 'image/png', content: Buffer.from('first') });
    for (const how of ['dropRequest', 'dropReply'] as const) {
      const done = proxy[how]({ command: 'insert', collection: 'contents' });
      await by.deltas.applyDelta({ blobId: 'bytes', patch: { case: 'content', value: Buffer.from(how) } });
      await done;
      assert.is(await read('bytes'), how);
    }
  } finally {
    await cut.stop();
    await proxy.close();
  }
});

test.run();
