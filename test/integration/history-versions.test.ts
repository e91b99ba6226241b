/** Histories listed, read by number, moment and name, and filtered, on real parts. */
import * as assert from 'uvu/assert';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type * as Y from 'yjs';
import { Role } from '../../src/gen/memmie/studio/v1/access_pb.ts';
import { BlobView, type VersionGroup } from '../../src/gen/memmie/studio/v1/blob_pb.ts';
import { ListVersionsRequestSchema } from '../../src/gen/memmie/studio/v1/blob_service_pb.ts';
import { Operation } from '../../src/gen/memmie/studio/v1/operation_pb.ts';
import { NAMED_VERSIONS_PER_BLOB_MAX } from '../../src/limits.ts';
import { NamedVersions } from '../../src/storage/named-versions.ts';
import { allDeltas, insertAt, readText, refused } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import { openHistoryWorld, writeHistory, type HistoryWorld, type WrittenChange } from './history-world.ts';

const test = suite('history: versions');
let world: HistoryWorld;
test.before(async () => {
  world = await openHistoryWorld();
});
test.after(() => world?.stop());

const START = Date.UTC(2026, 0, 5, 9);
const minute = (count: number): Date => new Date(START + count * 60_000);
const append =
  (text: string) =>
  (doc: Y.Doc): void =>
    doc.getText('content').insert(doc.getText('content').length, text);

/** 1: create. 2–21: ann and bob at once. 22–23: cid alone, an hour later. 24: a provider. 25: a revert. */
function workday(): WrittenChange[] {
  return [
    { by: 'ann', at: minute(0), edit: append('0') },
    ...Array.from({ length: 20 }, (_, index) => ({
      by: index % 2 ? 'bob' : 'ann',
      at: minute(1 + index / 10),
      edit: append(String(index % 10)),
    })),
    { by: 'cid', at: minute(60), edit: append('c') },
    { by: 'cid', at: minute(61), edit: append('d') },
    { by: 'ann', at: minute(120), provider: 'translator', operation: 'transform', edit: append('T') },
    { by: 'ann', at: minute(121), operation: 'revert', edit: append('R') },
  ];
}

const shown = (groups: readonly VersionGroup[]): string[] =>
  groups.map(
    ({ firstVersion, version, authors, name }) =>
      `${firstVersion}-${version} ${authors.map(({ userId }) => userId).join(' ')}${name && ` ${name}`}`,
  );

async function listed(query: MessageInitShape<typeof ListVersionsRequestSchema>): Promise<string[]> {
  const groups: VersionGroup[] = [];
  for (let pageToken = ''; ;) {
    const page = await world.ann.blobs.listVersions(create(ListVersionsRequestSchema, { ...query, pageToken }));
    groups.push(...page.versions);
    pageToken = page.nextPageToken;
    if (pageToken === '') return shown(groups);
  }
}

test('a history is grouped by who worked together; pages go on where the last one ended', async () => {
  const blobId = 'workday';
  await writeHistory(world.database, blobId, 'text/plain', workday());
  const all = ['25-25 ann', '24-24 ann', '22-23 cid', '2-21 bob ann', '1-1 ann'];
  assert.equal(await listed({ blobId }), all);
  for (const pageSize of [1, 2, 3]) assert.equal(await listed({ blobId, pageSize }), all);
  const { versions } = await world.ann.blobs.listVersions({ blobId });
  const both = versions[3];
  assert.equal([both?.deltaCount, both?.operation, both?.operations], [20n, Operation.UPDATE, [Operation.UPDATE]]);
  assert.equal(
    both?.authors.map(({ userId, deltaCount, lastVersion }) => [userId, deltaCount, lastVersion]),
    [
      ['bob', 10n, 21n],
      ['ann', 10n, 20n],
    ],
  );
  assert.is(versions[1]?.providerId, 'translator');
});

test('a history is filtered by author, provider, operation and time', async () => {
  const blobId = 'workday';
  assert.equal(await listed({ blobId, userId: 'bob' }), ['2-21 bob ann']);
  assert.equal(await listed({ blobId, userId: 'bob', pageSize: 1 }), ['2-21 bob ann']);
  assert.equal(await listed({ blobId, userId: 'nobody' }), []);
  assert.equal(await listed({ blobId, providerId: 'translator' }), ['24-24 ann']);
  assert.equal(await listed({ blobId, operations: [Operation.CREATE, Operation.REVERT] }), ['25-25 ann', '1-1 ann']);
  assert.equal(await listed({ blobId, userId: 'cid', operations: [Operation.REVERT] }), []);
  const [after, before] = [timestampFromDate(minute(60)), timestampFromDate(minute(120))];
  assert.equal(await listed({ blobId, after }), ['25-25 ann', '24-24 ann', '22-23 cid']);
  assert.equal(await listed({ blobId, before }), ['22-23 cid', '2-21 bob ann', '1-1 ann']);
  assert.equal(await listed({ blobId, after, before }), ['22-23 cid']);
  assert.equal(await listed({ blobId, before: timestampFromDate(minute(-1)) }), []);
  // A group across the edge shows its part within.
  assert.equal(await listed({ blobId, after: timestampFromDate(minute(61)), before }), ['23-23 cid']);
});

test('a version is read by moment: the last one applied at or before it', async () => {
  const blobId = 'moments';
  const changes = [0, 1, 1, 2, 10].map((at): WrittenChange => ({
    by: 'ann',
    at: minute(at),
    edit: append(String(at)),
  }));
  await writeHistory(world.database, blobId, 'text/plain', changes);
  const at = async (when: Date): Promise<string> => {
    const { blob } = await world.ann.blobs.getVersion({
      blobId,
      point: { case: 'at', value: timestampFromDate(when) },
    });
    assert.ok((blob?.updatedAt?.seconds ?? 0n) * 1_000n <= BigInt(when.getTime()));
    return `${blob?.version} ${Buffer.from(blob?.content ?? []).toString('utf8')}`;
  };
  assert.is(await at(minute(0)), '1 0');
  assert.is(await at(minute(1)), '3 011');
  assert.is(await at(new Date(minute(2).getTime() - 1)), '3 011');
  assert.is(await at(minute(2)), '4 0112');
  assert.is(await at(minute(999)), '5 011210');
  const early = { case: 'at', value: timestampFromDate(new Date(START - 1)) } as const;
  await refused(world.ann.blobs.getVersion({ blobId, point: early }), 'VERSION_NOT_FOUND');
  const wild = { case: 'at', value: { seconds: 2n ** 62n, nanos: 0 } } as const;
  await refused(world.ann.blobs.getVersion({ blobId, point: wild }), 'FIELD_INVALID');
  await refused(world.ann.blobs.listVersions({ blobId, after: { seconds: 0n, nanos: -1 } }), 'FIELD_INVALID');
});

test('a moment passes over versions that are no longer kept', async () => {
  const blobId = 'dropped';
  const changes = [0, 1, 1, 2, 10].map((at): WrittenChange => ({ by: 'ann', at: minute(at), edit: append('x') }));
  await writeHistory(world.database, blobId, 'text/plain', changes);
  await readText(world.ann, blobId);
  await world.database.commits.deleteMany({ blob_id: blobId, first_seq: { $gte: 2, $lte: 3 } });
  assert.equal(await listed({ blobId, before: timestampFromDate(minute(1.5)) }), ['1-1 ann']);
  assert.equal(await listed({ blobId, after: timestampFromDate(minute(1.5)) }), ['5-5 ann', '2-4 ann']);
  assert.equal(await listed({ blobId, after: timestampFromDate(minute(3)) }), ['5-5 ann']);
});

test('where clocks of processes differ, a moment still gives a version followed by a later one', async () => {
  const blobId = 'skewed';
  const times = [0, 5, 3, 6, 4, 9, 8, 20];
  await writeHistory(
    world.database,
    blobId,
    'text/plain',
    times.map((at): WrittenChange => ({ by: 'ann', at: minute(at), edit: append('x') })),
  );
  for (let at = 0; at < 22; at += 0.5) {
    const { blob } = await world.ann.blobs.getVersion({
      blobId,
      point: { case: 'at', value: timestampFromDate(minute(at)) },
    });
    const version = Number(blob?.version);
    assert.ok((times[version - 1] ?? Infinity) <= at, `${at}: ${version}`);
    assert.ok((times[version] ?? Infinity) > at, `${at}: ${version}`);
  }
});

test('a past version shows its own content, size, time and content_version', async () => {
  const blobId = 'past';
  await world.ann.blobs.createBlob({ id: blobId, content: Buffer.from('abc'), contentType: 'text/plain' });
  await insertAt(world.ann, { blobId, offset: 3, text: 'def' });
  await world.ann.blobs.deleteBlob({ id: blobId });
  const read = (version: bigint, view = BlobView.UNSPECIFIED) =>
    world.ann.blobs.getVersion({ blobId, point: { case: 'version', value: version }, view });
  const { blob: first } = await read(1n);
  assert.equal([first?.size, first?.contentVersion, Buffer.from(first?.content ?? []).toString()], [3n, 1n, 'abc']);
  const { blob: third } = await read(3n, BlobView.METADATA);
  assert.equal([third?.version, third?.contentVersion, third?.size, third?.content.length], [3n, 2n, 6n, 0]);
  const deltas = await allDeltas(world.ann, blobId);
  assert.equal(first?.updatedAt, deltas[0]?.appliedAt);
  await refused(read(4n), 'VERSION_NOT_FOUND');
  await refused(read(0n), 'FIELD_INVALID');
  await refused(world.ann.blobs.getVersion({ blobId }), 'FIELD_INVALID');
});

test('versions are named, renamed, found by name, listed and unnamed', async () => {
  const blobId = 'named';
  const { ann, bob } = world;
  await writeHistory(world.database, blobId, 'text/plain', workday());
  const name = (version: bigint, words: string) => ann.blobs.nameVersion({ blobId, version, name: words });
  const { namedVersion } = await name(10n, 'first draft');
  assert.equal([namedVersion?.version, namedVersion?.name, namedVersion?.userId], [10n, 'first draft', 'ann']);
  assert.equal((await name(10n, 'first draft')).namedVersion, namedVersion);
  await name(23n, 'zweiter 🌍');
  await refused(name(5n, 'first draft'), 'VERSION_NAME_TAKEN');
  await name(10n, 'draft');
  await name(5n, 'first draft');
  assert.equal(await listed({ blobId }), [
    '25-25 ann',
    '24-24 ann',
    '22-23 cid zweiter 🌍',
    '11-21 bob ann',
    '6-10 ann bob draft',
    '2-5 bob ann first draft',
    '1-1 ann',
  ]);
  for (const pageSize of [1, 50]) {
    assert.equal(await listed({ blobId, namedOnly: true, pageSize }), [
      '22-23 cid zweiter 🌍',
      '6-10 ann bob draft',
      '2-5 bob ann first draft',
    ]);
  }
  assert.equal(await listed({ blobId, namedOnly: true, userId: 'cid' }), ['22-23 cid zweiter 🌍']);
  const { blob } = await ann.blobs.getVersion({ blobId, point: { case: 'name', value: 'draft' } });
  assert.is(blob?.version, 10n);
  const page = await ann.blobs.listNamedVersions({ blobId, pageSize: 2 });
  assert.equal(
    page.namedVersions.map((each) => each.version),
    [23n, 10n],
  );
  const rest = await ann.blobs.listNamedVersions({ blobId, pageSize: 2, pageToken: page.nextPageToken });
  assert.equal([rest.namedVersions.map((each) => each.name), rest.nextPageToken], [['first draft'], '']);
  await ann.blobs.unnameVersion({ blobId, version: 10n });
  await ann.blobs.unnameVersion({ blobId, version: 10n });
  await refused(ann.blobs.getVersion({ blobId, point: { case: 'name', value: 'draft' } }), 'VERSION_NOT_FOUND');
  assert.equal(
    (await new NamedVersions(world.database.db).versionsOf(blobId)).map((each) => [each.version, each.name]),
    [
      [23, 'zweiter 🌍'],
      [5, 'first draft'],
    ],
  );

  for (const bad of ['', ' x', 'x ', 'a\nb', 'x'.repeat(129)]) await refused(name(5n, bad), 'FIELD_INVALID');
  await refused(name(26n, 'later'), 'VERSION_NOT_FOUND');
  await refused(name(0n, 'zero'), 'FIELD_INVALID');
  await refused(ann.blobs.unnameVersion({ blobId, version: 26n }), 'VERSION_NOT_FOUND');
  await refused(bob.blobs.nameVersion({ blobId, version: 1n, name: 'mine' }), 'BLOB_NOT_FOUND');
  await refused(bob.blobs.listNamedVersions({ blobId }), 'BLOB_NOT_FOUND');
  await refused(bob.blobs.unnameVersion({ blobId, version: 5n }), 'BLOB_NOT_FOUND');
  await refused(
    ann.blobs.listNamedVersions({ blobId: 'workday', pageToken: page.nextPageToken }),
    'PAGE_TOKEN_INVALID',
  );
  await ann.blobs.deleteBlob({ id: blobId });
  await refused(name(1n, 'too late'), 'BLOB_DELETED');
  await refused(ann.blobs.unnameVersion({ blobId, version: 5n }), 'BLOB_DELETED');
  assert.is((await ann.blobs.listNamedVersions({ blobId })).namedVersions.length, 2);
});

test('many name the same at once: one version gets the name, and one version gets one name', async () => {
  const blobId = 'contested';
  await writeHistory(world.database, blobId, 'text/plain', workday());
  const attempts = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) =>
      world.ann.blobs.nameVersion({ blobId, version: BigInt(index + 1), name: 'the one' }),
    ),
  );
  assert.is(attempts.filter(({ status }) => status === 'fulfilled').length, 1);
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      world.ann.blobs.nameVersion({ blobId, version: 25n, name: `name ${index}` }),
    ),
  );
  const named = await new NamedVersions(world.database.db).versionsOf(blobId);
  assert.is(named.filter(({ version }) => version === 25).length, 1);
  assert.is(named.filter(({ name }) => name === 'the one').length, 1);
});

test('G7: a blob has a limit of named versions', async () => {
  const blobId = 'well-named';
  const many = Array.from({ length: NAMED_VERSIONS_PER_BLOB_MAX + 1 }, (): WrittenChange => ({
    by: 'ann',
    at: minute(0),
  }));
  await writeHistory(world.database, blobId, 'text/plain', many, 200);
  const store = new NamedVersions(world.database.db);
  for (let version = 1; version <= NAMED_VERSIONS_PER_BLOB_MAX; version++) {
    await store.put({ blobId, version, name: `v${version}`, userId: 'ann', namedAt: new Date() });
  }
  const over = BigInt(NAMED_VERSIONS_PER_BLOB_MAX + 1);
  await refused(world.ann.blobs.nameVersion({ blobId, version: over, name: 'one more' }), 'LIMIT_EXCEEDED');
  await world.ann.blobs.nameVersion({ blobId, version: 1n, name: 'renamed' });
  assert.is((await listed({ blobId, namedOnly: true })).length, NAMED_VERSIONS_PER_BLOB_MAX);
});

test('G8: a viewer reads the history and names nothing; an editor names', async () => {
  const { ann, bob } = world;
  const blobId = 'shared';
  await ann.blobs.createBlob({ id: blobId, content: Buffer.from('a'), contentType: 'text/plain' });
  await ann.access.grantAccess({ blobId, userId: 'bob', role: Role.VIEWER });
  assert.is((await bob.blobs.listVersions({ blobId })).versions.length, 1);
  assert.is((await bob.blobs.getAttribution({ blobId })).ranges[0]?.userId, 'ann');
  assert.is((await bob.blobs.diffVersions({ blobId, fromVersion: 0n })).diff?.change.case, 'textEdits');
  await refused(bob.blobs.nameVersion({ blobId, version: 1n, name: 'x' }), 'ACCESS_DENIED');
  await refused(bob.blobs.unnameVersion({ blobId, version: 1n }), 'ACCESS_DENIED');
  await ann.access.grantAccess({ blobId, userId: 'bob', role: Role.EDITOR });
  await insertAt(bob, { blobId, offset: 1, text: 'b' });
  assert.is((await bob.blobs.nameVersion({ blobId, version: 2n, name: 'x' })).namedVersion?.userId, 'bob');
  const { ranges } = await ann.blobs.getAttribution({ blobId });
  assert.equal(
    ranges.map(({ userId }) => userId),
    ['ann', 'bob'],
  );
});

test('bad queries of versions say what is wrong', async () => {
  const { ann } = world;
  const { nextPageToken } = await ann.blobs.listVersions({ blobId: 'workday', pageSize: 1 });
  assert.ok(nextPageToken);
  for (const query of [
    { blobId: 'moments' },
    { blobId: 'workday', userId: 'bob' },
    { blobId: 'workday', namedOnly: true },
  ])
    await refused(ann.blobs.listVersions({ ...query, pageToken: nextPageToken }), 'PAGE_TOKEN_INVALID');
  await refused(ann.blobs.listVersions({ blobId: 'workday', pageSize: -1 }), 'FIELD_INVALID');
  await refused(ann.blobs.listVersions({ blobId: 'workday', operations: [Operation.UNSPECIFIED] }), 'FIELD_INVALID');
  await refused(world.bob.blobs.listVersions({ blobId: 'workday' }), 'BLOB_NOT_FOUND');
  await refused(
    world.bob.blobs.getVersion({ blobId: 'workday', point: { case: 'version', value: 1n } }),
    'BLOB_NOT_FOUND',
  );
  assert.is((await readText(ann, 'workday')).length, 25);
});

test('all of it over REST', async () => {
  const token = await world.studio.token('ann');
  const ask = async (
    verb: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(`${world.studio.address}/api/v1/studio/blobs/workday${path}`, {
      method: verb,
      headers: { authorization: `Bearer ${token}` },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const named = await ask('POST', '/versions/21/name', { name: 'lunch' });
  assert.equal([named.status, (named.body['namedVersion'] as { name: string }).name], [200, 'lunch']);
  const found = await ask('GET', '/versions:find?name=lunch');
  assert.is((found.body['blob'] as { version: string }).version, '21');
  const then = await ask('GET', `/versions:find?at=${encodeURIComponent(minute(60).toISOString())}`);
  assert.is((then.body['blob'] as { version: string }).version, '22');
  assert.is((await ask('GET', '/versions:find?version=3')).status, 200);
  assert.equal((await ask('GET', '/versions:find')).body['reason'], 'FIELD_INVALID');
  assert.equal((await ask('GET', '/versions:find?at=yesterday')).body['reason'], 'FIELD_INVALID');
  assert.equal((await ask('GET', '/versions:find?name=none')).body['reason'], 'VERSION_NOT_FOUND');
  const groups = await ask('GET', `/versions?after=${minute(60).toISOString()}&operations=OPERATION_REVERT`);
  assert.is((groups.body['versions'] as unknown[]).length, 1);
  const only = await ask('GET', '/versions?named_only=true');
  assert.equal(
    (only.body['versions'] as { name: string }[]).map(({ name }) => name),
    ['lunch'],
  );
  assert.is(((await ask('GET', '/versions:named')).body['namedVersions'] as unknown[]).length, 1);
  const diff = await ask('GET', '/versions:diff?from_version=23&to_version=24');
  assert.equal((diff.body['diff'] as { textEdits: { edits: unknown[] } }).textEdits.edits, [
    { offset: 23, insert: 'T' },
  ]);
  const written = await ask('GET', '/attribution?grain=ATTRIBUTION_GRAIN_AUTHOR&version=23');
  assert.equal(
    (written.body['ranges'] as { userId: string }[]).slice(-2).map(({ userId }) => userId),
    ['bob', 'cid'],
  );
  assert.is((await ask('DELETE', '/versions/21/name')).status, 200);
  assert.equal((await ask('GET', '/versions:named')).body['namedVersions'], undefined);
});

test.run();
