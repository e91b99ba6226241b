/** What each role may do through each door; what a stranger sees of a blob is what everybody sees of none. */
import * as assert from 'uvu/assert';
import { StudioCallError } from '../../clients/node/src/index.ts';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { eventually } from '../harness/eventually.ts';
import { insertAt, readText, reasonOf, refused, type StudioClient } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import { AccessWorld, createText, Role } from './access-world.ts';
import { SyncWorld } from './sync-world.ts';
import type { TestStudio } from '../harness/studio.ts';

const test = suite('access: roles and doors');
const editors = new SyncWorld();
let world: AccessWorld;
let here: TestStudio;
let there: TestStudio;
let ada: StudioClient;

test.before(async () => {
  world = await AccessWorld.start();
  [here, there] = await Promise.all([world.studio(), world.studio()]);
  ada = await world.connect(here, 'ada');
});
test.after(() => world.stop());
test.after(() => editors.close());

/** Ada's, with an editor and a viewer. */
async function sharedText(content = 'text'): Promise<string> {
  const blobId = await createText(ada, content);
  await ada.access.grantAccess({ blobId, userId: 'ed', role: Role.EDITOR });
  await ada.access.grantAccess({ blobId, userId: 'vi', role: Role.VIEWER });
  return blobId;
}

async function outcomeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'ok',
    (error: unknown) => (error instanceof StudioCallError ? error.reason : reasonOf(error)) ?? String(error),
  );
}

const DENIED = 'ACCESS_DENIED';
const MISSING = 'BLOB_NOT_FOUND';

test('G8: every role over Connect and native gRPC, on either process', async () => {
  const expected: Readonly<Record<string, readonly string[]>> = {
    ed: ['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', DENIED, DENIED, DENIED],
    vi: ['ok', 'ok', 'ok', 'ok', 'ok', DENIED, DENIED, DENIED, DENIED, DENIED],
    eve: Array.from({ length: 10 }, () => MISSING),
    ada: Array.from({ length: 10 }, () => 'ok'),
  };
  for (const [userId, outcomes] of Object.entries(expected)) {
    for (const studio of [here, there]) {
      for (const client of [await world.connect(studio, userId), await world.grpc(studio, userId)]) {
        const id = await sharedText();
        const found = [
          await outcomeOf(client.blobs.getBlob({ id })),
          await outcomeOf(client.blobs.listVersions({ blobId: id })),
          await outcomeOf(client.deltas.listDeltas({ blobId: id })),
          await outcomeOf(client.dag.getDag({ blobId: id })),
          await outcomeOf(client.access.listAccess({ blobId: id })),
          await outcomeOf(
            client.deltas.applyDelta({ blobId: id, patch: { case: 'content', value: Buffer.from('new') } }),
          ),
          await outcomeOf(client.blobs.updateBlob({ id, labels: { values: { of: userId } } })),
          await outcomeOf(client.access.grantAccess({ blobId: id, userId: 'zoe', role: Role.VIEWER })),
          await outcomeOf(client.access.revokeAccess({ blobId: id, userId: 'zoe' })),
          await outcomeOf(client.blobs.deleteBlob({ id })),
        ];
        assert.equal(found, outcomes, userId);
      }
    }
  }
});

test('G8: every role over REST, where access has its own paths', async () => {
  const blobId = await createText(ada, 'text');
  const path = `/blobs/${blobId}`;
  const granted = await world.rest(here, 'ada', 'POST', `${path}/access`, { user_id: 'a/b c', role: 'ROLE_VIEWER' });
  assert.is(granted.status, 200, JSON.stringify(granted.body));
  assert.is((granted.body['grant'] as { userId: string }).userId, 'a/b c');
  assert.is((await world.rest(there, 'a/b c', 'GET', path)).status, 200);
  const changed = await world.rest(there, 'a/b c', 'PATCH', path, { text: 'x' });
  assert.equal([changed.status, changed.body.reason], [403, DENIED]);
  const { body } = await world.rest(there, 'a/b c', 'GET', `${path}/access`);
  assert.equal(
    (body['grants'] as { userId: string; role: string }[]).map(({ userId, role }) => [userId, role]),
    [
      ['a/b c', 'ROLE_VIEWER'],
      ['ada', 'ROLE_OWNER'],
    ],
  );
  assert.is((await world.rest(here, 'ada', 'DELETE', `${path}/access/${encodeURIComponent('a/b c')}`)).status, 200);
  const gone = await eventually('it is gone', async () => {
    const answer = await world.rest(there, 'a/b c', 'GET', path);
    return answer.status === 404 && answer;
  });
  const missing = await world.rest(there, 'a/b c', 'GET', '/blobs/there-is-none');
  const blank = (text: unknown): string =>
    JSON.stringify(text).replaceAll(blobId, 'ID').replaceAll('there-is-none', 'ID');
  assert.is(blank(gone.body), blank(missing.body));
});

test('G8: a delta is for those who may read its blob; a parent must be readable', async () => {
  const blobId = await sharedText();
  const { deltas } = await ada.deltas.listDeltas({ blobId });
  const id = deltas[0]?.id ?? '';
  const [vi, eve] = [await world.connect(there, 'vi'), await world.connect(there, 'eve')];
  assert.is((await vi.deltas.getDelta({ id })).delta?.id, id);
  await refused(eve.deltas.getDelta({ id }), 'DELTA_NOT_FOUND');
  const child = { content: Buffer.from('x'), contentType: 'text/plain', parentIds: [blobId] };
  await refused(eve.blobs.createBlob(child), 'PARENT_NOT_FOUND');
  const { blob } = await vi.blobs.createBlob(child);
  assert.equal([blob?.userId, blob?.rootId], ['vi', blobId]);
  // What a person made below it is that person's alone.
  await refused(ada.blobs.getBlob({ id: blob?.id }), 'BLOB_NOT_FOUND');
});

test('G8: editors by their role over the sync protocol: a viewer sees, and changes nothing', async () => {
  const id = await sharedText('shared');
  const [ed, vi] = [
    await editors.openSynced(here, id, await here.token('ed')),
    await editors.openSynced(there, id, await there.token('vi')),
  ];
  vi.text.insert(0, 'X');
  ed.text.insert(6, ' text');
  await eventually('the viewer sees it', () => vi.text.toJSON() === 'Xshared text');
  assert.is(await readText(ada, id), 'shared text');
  assert.is(ed.text.toJSON(), 'shared text');
  assert.ok(vi.provider.wsconnected);
  const eve = editors.openEditor(there, id, await there.token('eve'));
  assert.is((await eventually('she is refused', eve.closed)).code, 4404);
  const none = editors.openEditor(there, 'there-is-none', await there.token('eve'));
  assert.is((await eventually('so is who asks for none', none.closed)).code, 4404);
});

test('G8: grants and revocations count for the next call, also in the process that did not make them', async () => {
  const id = await createText(ada, 'text');
  const bob = await world.connect(there, 'bob');
  await refused(bob.blobs.getBlob({ id }), MISSING);
  await ada.access.grantAccess({ blobId: id, userId: 'bob', role: Role.VIEWER });
  assert.is(await readText(bob, id), 'text');
  await refused(insertAt(bob, { blobId: id, offset: 0, text: 'x' }), DENIED);
  await ada.access.grantAccess({ blobId: id, userId: 'bob', role: Role.EDITOR });
  await insertAt(bob, { blobId: id, offset: 0, text: 'x' });
  await ada.access.revokeAccess({ blobId: id, userId: 'bob' });
  await eventually('it counts', async () => (await outcomeOf(bob.blobs.getBlob({ id }))) === MISSING, 2_000);
});

test('a repeated grant answers with the first; anybody may leave, but the last owner', async () => {
  const blobId = await sharedText();
  const first = await ada.access.grantAccess({ blobId, userId: 'bob', role: Role.OWNER });
  const bob = await world.connect(here, 'bob');
  const again = await bob.access.grantAccess({ blobId, userId: 'bob', role: Role.OWNER });
  assert.equal(again.grant, first.grant);
  assert.is(first.grant?.grantedBy, 'ada');
  const vi = await world.connect(here, 'vi');
  await refused(vi.access.revokeAccess({ blobId, userId: 'ed' }), DENIED);
  await vi.access.revokeAccess({ blobId, userId: 'vi' });
  await refused(vi.blobs.getBlob({ id: blobId }), MISSING);
  await ada.access.revokeAccess({ blobId, userId: 'ada' });
  await refused(ada.blobs.getBlob({ id: blobId }), MISSING);
  await refused(bob.access.revokeAccess({ blobId, userId: 'bob' }), 'LAST_OWNER');
  await refused(bob.access.grantAccess({ blobId, userId: 'bob', role: Role.EDITOR }), 'LAST_OWNER');
  // Who created it remains, as the record of it.
  assert.is((await bob.blobs.getBlob({ id: blobId })).blob?.userId, 'ada');
});

test('G8: two owners who shut each other out at once leave one of them', async () => {
  const [hereAda, thereBob] = [await world.connect(here, 'ada'), await world.connect(there, 'bob')];
  for (let round = 0; round < 15; round += 1) {
    const blobId = await createText(hereAda, 'x');
    await hereAda.access.grantAccess({ blobId, userId: 'bob', role: Role.OWNER });
    const outcomes = await Promise.all([
      outcomeOf(hereAda.access.revokeAccess({ blobId, userId: 'bob' })),
      outcomeOf(thereBob.access.revokeAccess({ blobId, userId: 'ada' })),
    ]);
    assert.equal([...outcomes].sort(), [MISSING, 'ok']);
    const winner = outcomes[0] === 'ok' ? hereAda : thereBob;
    const { grants } = await winner.access.listAccess({ blobId });
    assert.equal(
      grants.map(({ userId, role }) => [userId, role]),
      [[winner === hereAda ? 'ada' : 'bob', Role.OWNER]],
    );
  }
});

test('G8: who asks for the id of somebody else’s blob learns that it is taken, and nothing of its parents', async () => {
  const parent = await createText(ada, 'plan');
  const id = 'taken';
  await ada.blobs.createBlob({ id, contentType: 'text/plain', parentIds: [parent] });
  const request = { id, contentType: 'text/plain', parentIds: ['no-such'], requestId: 'x' };
  for (const client of [await world.connect(here, 'eve'), await world.connect(there, 'eve')]) {
    const error = await refused(client.blobs.createBlob(request), 'BLOB_ALREADY_EXISTS');
    const metadata = error.findDetails(ErrorInfoSchema).map((detail) => detail.metadata);
    assert.not.match(JSON.stringify([error.message, metadata]), parent);
  }
});

test('an id is taken though its blob’s parent may not be read any more', async () => {
  const bob = await world.connect(here, 'bob');
  const [parent, id] = [await createText(bob, 'text'), 'kept'];
  await bob.access.grantAccess({ blobId: parent, userId: 'ada', role: Role.VIEWER });
  const request = { id, contentType: 'text/plain', parentIds: [parent] };
  await ada.blobs.createBlob({ ...request, requestId: 'first' });
  await bob.access.revokeAccess({ blobId: parent, userId: 'ada' });
  await refused(ada.blobs.createBlob({ ...request, requestId: 'second' }), 'BLOB_ALREADY_EXISTS');
});

test('the list of who has access comes in pages', async () => {
  const blobId = await sharedText();
  const first = await ada.access.listAccess({ blobId, pageSize: 2 });
  const second = await ada.access.listAccess({ blobId, pageSize: 2, pageToken: first.nextPageToken });
  assert.equal(
    [...first.grants, ...second.grants].map(({ userId }) => userId),
    ['ada', 'ed', 'vi'],
  );
  assert.is(second.nextPageToken, '');
  const { nextPageToken } = await ada.blobs.listBlobs({ pageSize: 1 });
  await refused(ada.access.listAccess({ blobId, pageToken: nextPageToken }), 'PAGE_TOKEN_INVALID');
});

test.run();
