/** What lists and graphs hold for whom. */
import * as assert from 'uvu/assert';
import { AccessStore } from '../../src/storage/access.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { BlobView } from '../../src/gen/memmie/studio/v1/blob_pb.ts';
import { BlobScope } from '../../src/gen/memmie/studio/v1/blob_service_pb.ts';
import { eventually } from '../harness/eventually.ts';
import { refused, type StudioClient } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import { AccessWorld, Role } from './access-world.ts';
import type { Lineage } from '../../src/domain/access/blob-access.ts';
import type { TestStudio } from '../harness/studio.ts';

const test = suite('access: lists');
let world: AccessWorld;
let studio: TestStudio;
let ada: StudioClient;
let bob: StudioClient;

test.before(async () => {
  world = await AccessWorld.start();
  studio = await world.studio();
  [ada, bob] = [await world.connect(studio, 'ada'), await world.connect(studio, 'bob')];
});
test.after(() => world.stop());

interface Made {
  readonly id?: string;
  readonly parentIds?: string[];
  readonly labels?: Record<string, string>;
}

async function create(client: StudioClient, made: Made = {}): Promise<string> {
  const { blob } = await client.blobs.createBlob({ content: Buffer.from('x'), contentType: 'text/plain', ...made });
  return blob?.id ?? '';
}

async function share(blobId: string, userId = 'bob'): Promise<void> {
  await ada.access.grantAccess({ blobId, userId, role: Role.VIEWER });
}

async function idsOf(
  client: StudioClient,
  request: Parameters<StudioClient['blobs']['listBlobs']>[0],
): Promise<string[]> {
  const ids: string[] = [];
  for (let pageToken = ''; ;) {
    const page = await client.blobs.listBlobs({ ...request, pageToken });
    ids.push(...page.blobs.map(({ id }) => id));
    pageToken = page.nextPageToken;
    if (pageToken === '') return ids;
  }
}

test('G8: own blobs, shared ones, and both in one order, page by page', async () => {
  const made: string[] = [];
  for (let n = 0; n < 12; n += 1) {
    const isBobs = n % 3 === 0;
    const id = await create(isBobs ? bob : ada);
    if (n % 3 === 1) await share(id);
    made.unshift(id);
  }
  const mine = made.filter((_, index) => (11 - index) % 3 === 0);
  const shared = made.filter((_, index) => (11 - index) % 3 === 1);
  for (const pageSize of [1, 2, 50]) {
    assert.equal(await idsOf(bob, { pageSize }), mine);
    assert.equal(await idsOf(bob, { pageSize, scope: BlobScope.OWN }), mine);
    assert.equal(await idsOf(bob, { pageSize, scope: BlobScope.SHARED }), shared);
    const both = made.filter((id) => mine.includes(id) || shared.includes(id));
    assert.equal(await idsOf(bob, { pageSize, scope: BlobScope.ALL }), both);
  }
  const { nextPageToken } = await bob.blobs.listBlobs({ pageSize: 1, scope: BlobScope.SHARED });
  await refused(bob.blobs.listBlobs({ pageToken: nextPageToken, scope: BlobScope.ALL }), 'PAGE_TOKEN_INVALID');
});

test('shared blobs are filtered as own ones are', async () => {
  const wanted = await create(ada, { labels: { team: 'core', 'a.b': '$' } });
  const others = [await create(ada, { labels: { team: 'other' } }), await create(ada)];
  const deleted = await create(ada, { labels: { team: 'core' } });
  for (const id of [wanted, ...others, deleted]) await share(id, 'cy');
  await ada.blobs.deleteBlob({ id: deleted });
  const cy = await world.connect(studio, 'cy');
  const scope = BlobScope.SHARED;
  assert.equal(await idsOf(cy, { scope, labels: { team: 'core' } }), [wanted]);
  assert.equal(await idsOf(cy, { scope, labels: { 'a.b': '$' } }), [wanted]);
  assert.equal(await idsOf(cy, { scope, labels: { team: 'core' }, showDeleted: true }), [deleted, wanted]);
  assert.equal(await idsOf(cy, { scope, contentType: 'text/html' }), []);
  const plain = await idsOf(cy, { scope, contentType: 'text/plain' });
  assert.ok(plain.length > 0);
  assert.equal(await idsOf(cy, { scope, contentType: 'Text/Plain; charset=utf-8' }), plain);
  assert.equal(await idsOf(cy, { scope, rootId: wanted }), [wanted]);
});

test('G8: what a creator was shut out of leaves their list, and a revoked guest’s too', async () => {
  const dan = await world.connect(studio, 'dan');
  const [kept, lost] = [await create(dan), await create(dan)];
  await dan.access.grantAccess({ blobId: lost, userId: 'ada', role: Role.OWNER });
  await ada.access.revokeAccess({ blobId: lost, userId: 'dan' });
  assert.equal(await idsOf(dan, {}), [kept]);
  assert.equal(await idsOf(dan, { scope: BlobScope.ALL, pageSize: 1 }), [kept]);
  assert.ok((await idsOf(ada, { scope: BlobScope.SHARED })).includes(lost));
  await share(lost, 'dan');
  assert.equal(await idsOf(dan, {}), [lost, kept]);
  await ada.access.revokeAccess({ blobId: lost, userId: 'dan' });
  assert.equal(await idsOf(dan, {}), [kept]);
});

test('G8: a graph and the children of a blob hold what the caller may read of them', async () => {
  const root = await create(ada);
  const [first, second] = [await create(ada, { parentIds: [root] }), await create(ada, { parentIds: [root] })];
  const below = await create(ada, { parentIds: [second] });
  const eve = await world.connect(studio, 'eve');
  await refused(eve.dag.getDag({ blobId: root }), 'BLOB_NOT_FOUND');
  await share(root, 'eve');
  await share(first, 'eve');
  await share(below, 'eve');
  const own = await create(eve, { parentIds: [root] });
  const { dag } = await eve.dag.getDag({ blobId: root });
  assert.equal(dag?.nodes.map(({ blob }) => blob?.id).sort(), [root, first, below, own].sort());
  const edges = dag?.edges.map(({ parentId, childId }) => `${parentId} ${childId}`).sort();
  assert.equal(edges, [`${root} ${first}`, `${root} ${own}`].sort());
  for (const pageSize of [1, 50]) {
    const children: string[] = [];
    for (let pageToken = ''; ;) {
      const page = await eve.dag.listChildren({ blobId: root, pageSize, pageToken });
      children.push(...page.blobs.map(({ id }) => id));
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    assert.equal(children, [own, first]);
  }
  await refused(eve.dag.listChildren({ blobId: second }), 'BLOB_NOT_FOUND');
});

test('G8: whose a blob is, is known from its log while its head is not written yet', async () => {
  const name = 'studio';
  const database = await openDatabase({ url: world.parts.url('mongodb'), name });
  try {
    const parent = await create(ada);
    const ids = [parent, await create(ada, { parentIds: [parent] }), await create(bob)];
    const store = new AccessStore(database);
    const byId = async (): Promise<Lineage[]> =>
      (await store.lineages([...ids, 'there-is-none'])).sort((a, b) => (a.blobId < b.blobId ? -1 : 1));
    const before = await byId();
    assert.is(before.length, 3);
    for (const id of ids.slice(1)) await database.blobs.deleteOne({ _id: id });
    assert.equal(await byId(), before);
  } finally {
    await database.close();
  }
});

test('full views of shared blobs carry their content', async () => {
  const id = await create(ada, { labels: { of: 'full' } });
  await share(id, 'fay');
  const fay = await world.connect(studio, 'fay');
  const { blobs } = await eventually('it is there', () =>
    fay.blobs.listBlobs({ scope: BlobScope.ALL, view: BlobView.FULL }),
  );
  assert.equal(
    blobs.map((blob) => Buffer.from(blob.content).toString()),
    ['x'],
  );
});

test.run();
