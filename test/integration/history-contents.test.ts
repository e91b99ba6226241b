/** Differences and attribution of every content type, on real parts. */
import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import * as Y from 'yjs';
import { OriginBlock } from '../../src/domain/attribution/origin-block.ts';
import { RICH_CONTENT_TYPE, YJS_CONTENT_TYPE } from '../../src/domain/content/shape.ts';
import { applyJsonPatch } from '../../src/domain/edit/json-patch.ts';
import type { JsonValue } from '../../src/domain/content/json-value.ts';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { AttributionGrain, type AttributedRange } from '../../src/gen/memmie/studio/v1/attribution_pb.ts';
import { OffsetEncoding } from '../../src/gen/memmie/studio/v1/delta_pb.ts';
import type { ContentDiff } from '../../src/gen/memmie/studio/v1/diff_pb.ts';
import { ORIGINS_BLOCK_VERSIONS } from '../../src/limits.ts';
import { eventually } from '../harness/eventually.ts';
import { allDeltas, insertAt, readText, refused } from '../harness/studio-client.ts';
import { suite } from '../harness/suite.ts';
import { openHistoryWorld, writeHistory, type HistoryWorld, type WrittenChange } from './history-world.ts';

const test = suite('history: contents');
let world: HistoryWorld;
test.before(async () => {
  world = await openHistoryWorld();
});
test.after(() => world?.stop());

const now = new Date();
const change = (by: string, edit: (doc: Y.Doc) => void): WrittenChange => ({ by, at: now, edit });

async function diff(blobId: string, fromVersion: bigint, toVersion?: bigint): Promise<ContentDiff['change']> {
  const answer = await world.ann.blobs.diffVersions({ blobId, fromVersion, toVersion });
  assert.is(answer.fromVersion, fromVersion);
  if (toVersion !== undefined) assert.is(answer.toVersion, toVersion);
  return answer.diff?.change ?? { case: undefined };
}

async function ranges(blobId: string, version?: bigint, grain = AttributionGrain.DELTA): Promise<AttributedRange[]> {
  const all: AttributedRange[] = [];
  for (let pageToken = ''; ;) {
    const page = await world.ann.blobs.getAttribution({ blobId, version, grain, pageSize: 2, pageToken });
    all.push(...page.ranges);
    pageToken = page.nextPageToken;
    if (pageToken === '') return all;
  }
}

test('text: the edits of a difference can be sent as a delta, whichever way they lead', async () => {
  const { ann } = world;
  await ann.blobs.createBlob({ id: 'text', content: Buffer.from('The cat 😺 sat.'), contentType: 'text/plain' });
  await ann.blobs.updateBlob({ id: 'text', content: Buffer.from('The dog 🐶 sat down.') });
  await ann.blobs.updateBlob({ id: 'text', content: Buffer.from('A dog lay down. 😺') });
  for (const [from, to] of [
    [0n, 3n],
    [1n, 3n],
    [3n, 1n],
    [2n, 1n],
  ] as const) {
    const found = await diff('text', from, to);
    assert.is(found.case, 'textEdits');
    if (found.case !== 'textEdits') continue;
    assert.is(found.value.encoding, OffsetEncoding.CODE_POINTS);
    const id = `copy-${from}-${to}`;
    const before = from === 0n ? '' : await readText(ann, 'text', from);
    await ann.blobs.createBlob({ id, content: Buffer.from(before), contentType: 'text/plain' });
    await ann.deltas.applyDelta({ blobId: id, patch: found });
    assert.is(await readText(ann, id), await readText(ann, 'text', to));
  }
  assert.is((await diff('text', 2n, 2n)).case, undefined);
  assert.is((await diff('text', 3n)).case, undefined);
  await refused(ann.blobs.diffVersions({ blobId: 'text', fromVersion: 4n }), 'VERSION_NOT_FOUND');
  await refused(ann.blobs.diffVersions({ blobId: 'text', fromVersion: 1n, toVersion: 4n }), 'VERSION_NOT_FOUND');
  await refused(world.bob.blobs.diffVersions({ blobId: 'text', fromVersion: 1n }), 'BLOB_NOT_FOUND');
  await ann.blobs.deleteBlob({ id: 'text' });
  assert.is((await diff('text', 1n)).case, 'textEdits', 'a deleted blob keeps its history');
  assert.is((await diff('text', 3n, 4n)).case, undefined, 'its deletion changed nothing in the content');
});

test('JSON: the patch of a difference, applied, gives the other version', async () => {
  const contents = ['{"a":[1,2,{"b":"c"}],"x/y":1}', '{"a":[1,3,{"b":"d","e":[]}],"~":null}', '[1]', '"plain"'];
  const [first = '', ...others] = contents;
  await world.ann.blobs.createBlob({ id: 'json', content: Buffer.from(first), contentType: 'application/json' });
  for (const content of others) await world.ann.blobs.updateBlob({ id: 'json', content: Buffer.from(content) });
  const values: JsonValue[] = [null, ...contents.map((content) => JSON.parse(content) as JsonValue)];
  for (const [from, old] of values.entries()) {
    for (const [to, next] of values.entries()) {
      const found = await diff('json', BigInt(from), BigInt(to));
      if (from === to) assert.is(found.case, undefined);
      else assert.equal(found.case === 'jsonPatch' && applyJsonPatch(old, found.value), next);
    }
  }
});

test('rich: one HTML of both versions', async () => {
  const paragraph = (doc: Y.Doc): Y.XmlText =>
    (doc.getXmlFragment('default').get(0) as Y.XmlElement).get(0) as Y.XmlText;
  await writeHistory(world.database, 'rich', RICH_CONTENT_TYPE, [
    change('ann', (doc) => {
      const element = new Y.XmlElement('paragraph');
      element.insert(0, [new Y.XmlText('one three')]);
      doc.getXmlFragment('default').insert(0, [element]);
    }),
    change('bob', (doc) => paragraph(doc).insert(4, 'two ')),
    change('ann', (doc) => paragraph(doc).delete(0, 4)),
  ]);
  assert.equal(await diff('rich', 1n, 2n), { case: 'markedHtml', value: '<p>one <ins>two </ins>three</p>' });
  assert.equal(await diff('rich', 2n, 3n), { case: 'markedHtml', value: '<p><del>one </del>two three</p>' });
  assert.equal(await diff('rich', 0n, 1n), {
    case: 'markedHtml',
    value: '<p data-diff="inserted"><ins>one three</ins></p>',
  });
  const found = await ranges('rich');
  assert.equal(
    found.map(({ place, userId, version }) => [place.case === 'rich' && place.value.path, userId, version]),
    [
      [[0], 'ann', 1n],
      [[0, 0], 'bob', 2n],
    ],
  );
});

test('binary and opaque', async () => {
  const { ann } = world;
  await ann.blobs.createBlob({ id: 'binary', content: Buffer.from([1]), contentType: 'image/png' });
  await ann.blobs.updateBlob({ id: 'binary', content: Buffer.from([2]) });
  const sha256 = createHash('sha256')
    .update(Buffer.from([2]))
    .digest('hex');
  assert.equal(await diff('binary', 1n, 2n), { case: 'replacedBy', value: sha256 });
  assert.equal(await diff('binary', 0n), { case: 'replacedBy', value: sha256 });
  const [only] = await ranges('binary');
  assert.equal(only?.place, { case: 'pointer', value: '' });
  assert.is(only?.version, 2n);
  await writeHistory(world.database, 'opaque', YJS_CONTENT_TYPE, [
    change('ann', (doc) => doc.getText('notes').insert(0, 'a')),
    change('bob', (doc) => doc.getMap('map').set('k', 1)),
  ]);
  const patch = await diff('opaque', 1n, 2n);
  assert.ok(patch.case === 'jsonPatch' && patch.value.includes('map'));
  assert.equal(
    (await ranges('opaque')).map(({ place, userId }) => [place.value, userId]),
    [
      ['/map', 'bob'],
      ['/notes', 'ann'],
    ],
  );
});

test('attribution names author, version, delta and time of every stretch, at the head and before', async () => {
  await writeHistory(world.database, 'letter', 'text/plain', [
    change('ann', (doc) => doc.getText('content').insert(0, 'Hello world')),
    change('bob', (doc) => doc.getText('content').insert(5, ', 🌍')),
    change('cid', (doc) => doc.getText('content').delete(0, 2)),
    change('bob', (doc) => doc.getText('content').insert(0, 'Ja')),
    change('bob', (doc) => doc.getText('content').insert(2, 'JA')),
  ]);
  const shown = (found: readonly AttributedRange[]): unknown[] =>
    found.map(({ place, userId, version, firstVersion }) => [
      place.case === 'text' ? `${place.value.start}-${place.value.end}` : '',
      userId,
      Number(firstVersion),
      Number(version),
    ]);
  const head = await ranges('letter');
  assert.equal(shown(head), [
    ['0-2', 'bob', 4, 4],
    ['2-4', 'bob', 5, 5],
    ['4-7', 'ann', 1, 1],
    ['7-10', 'bob', 2, 2],
    ['10-16', 'ann', 1, 1],
  ]);
  const deltas = await allDeltas(world.ann, 'letter');
  for (const range of head) {
    const delta = deltas[Number(range.version) - 1];
    assert.equal([range.deltaId, range.appliedAt], [delta?.id, delta?.appliedAt]);
  }
  assert.equal(shown(await ranges('letter', 2n)), [
    ['0-5', 'ann', 1, 1],
    ['5-8', 'bob', 2, 2],
    ['8-14', 'ann', 1, 1],
  ]);
  assert.equal(shown(await ranges('letter', undefined, AttributionGrain.AUTHOR)), [
    ['0-4', 'bob', 4, 5],
    ['4-7', 'ann', 1, 1],
    ['7-10', 'bob', 2, 2],
    ['10-16', 'ann', 1, 1],
  ]);
  await refused(world.ann.blobs.getAttribution({ blobId: 'letter', version: 6n }), 'VERSION_NOT_FOUND');
  await refused(world.ann.blobs.getAttribution({ blobId: 'letter', version: 0n }), 'FIELD_INVALID');
  await refused(world.bob.blobs.getAttribution({ blobId: 'letter' }), 'BLOB_NOT_FOUND');
  await refused(world.ann.blobs.getAttribution({ blobId: 'no-such' }), 'BLOB_NOT_FOUND');
});

test('pages of attribution stay at the version of the first while others write', async () => {
  const { ann } = world;
  await ann.blobs.createBlob({ id: 'busy', content: Buffer.from('x'), contentType: 'text/plain' });
  for (let round = 0; round < 6; round++) await insertAt(ann, { blobId: 'busy', offset: 0, text: `${round}` });
  const first = await ann.blobs.getAttribution({ blobId: 'busy', pageSize: 3 });
  assert.is(first.version, 7n);
  await insertAt(ann, { blobId: 'busy', offset: 0, text: 'later' });
  const second = await ann.blobs.getAttribution({ blobId: 'busy', pageSize: 9, pageToken: first.nextPageToken });
  assert.is(second.version, 7n);
  assert.equal(
    [...first.ranges, ...second.ranges].map(({ version }) => Number(version)),
    [7, 6, 5, 4, 3, 2, 1],
  );
  const other = { blobId: 'busy', grain: AttributionGrain.AUTHOR, pageToken: first.nextPageToken };
  await refused(ann.blobs.getAttribution(other), 'PAGE_TOKEN_INVALID');
  const both = await ann.blobs.getAttribution({ blobId: 'busy' });
  assert.equal([both.version, both.ranges[0]?.version], [8n, 8n]);
});

test('JSON: attribution by pointer', async () => {
  const { ann } = world;
  await ann.blobs.createBlob({
    id: 'tree',
    content: Buffer.from('{"a":1,"b":[1,2]}'),
    contentType: 'application/json',
  });
  await ann.blobs.updateBlob({ id: 'tree', content: Buffer.from('{"a":1,"b":[1,2,3],"c/d":{}}') });
  assert.equal(
    (await ranges('tree')).map(({ place, version }) => [place.value, Number(version)]),
    [
      ['', 1],
      ['/b/2', 2],
      ['/c~1d', 2],
    ],
  );
});

/** Version 1, 900 versions of three days ago of which the last changed nothing, and some of now. All but those go. */
test('what was thinned is told of as such: by moment, by number, in the history and in the attribution', async () => {
  const { database } = world;
  const [blobId, old, last] = ['thinned', Date.now() - 3 * 86_400_000, 900];
  const timeOf = (version: number): Date => new Date((version <= last ? old : now.getTime()) + version * 1_000);
  const typed = (doc: Y.Doc): void => doc.getText('content').insert(doc.getText('content').length, 'x');
  const changes = Array.from({ length: ORIGINS_BLOCK_VERSIONS + 1 }, (_, index) => {
    const version = index + 1;
    return { by: version % 2 ? 'ann' : 'bob', at: timeOf(version), edit: version === last ? undefined : typed };
  });
  await writeHistory(database, blobId, 'text/plain', changes);
  await world.ann.retention.setRetentionPolicy({ blobId, rule: { thinAfter: { seconds: 86_400n, nanos: 0 } } });
  const { retention } = await world.ann.retention.applyRetention({ blobId });
  assert.equal(
    retention?.ranges.map(({ firstVersion, lastVersion }) => [firstVersion, lastVersion]),
    [[2n, BigInt(last)]],
  );
  const at = (when: number) =>
    world.ann.blobs.getVersion({ blobId, point: { case: 'at', value: timestampFromDate(new Date(when)) } });
  assert.is((await at(timeOf(1).getTime())).blob?.version, 1n);
  const requireLast = async (): Promise<void> => {
    const { blob } = await at(timeOf(last).getTime() + 1);
    assert.equal([blob?.version, blob?.contentVersion, blob?.size], [900n, 899n, 899n]);
    assert.equal(blob?.updatedAt, timestampFromDate(timeOf(899)));
  };
  await requireLast();
  const ann = await world.restart();
  await requireLast();
  const gone = await refused(at(timeOf(500).getTime()), 'VERSION_THINNED');
  const { metadata } = gone.findDetails(ErrorInfoSchema)[0] ?? {};
  assert.equal([metadata?.['kept_before'], metadata?.['kept_after']], ['1', '900']);

  const listed = async (namedOnly: boolean): Promise<string[]> =>
    (await ann.blobs.listVersions({ blobId, namedOnly })).versions.map(
      ({ firstVersion, version }) => `${firstVersion}-${version}`,
    );
  await ann.blobs.nameVersion({ blobId, version: 900n, name: 'the last that was left' });
  assert.equal(await listed(false), ['901-1025', '1-1']);
  assert.equal(await listed(true), []);

  const { ranges: found } = await ann.blobs.getAttribution({ blobId, pageSize: 500 });
  const { userId, version, deltaId, appliedAt } = found[398] ?? {};
  assert.equal([userId, version, deltaId], ['ann', 399n, '']);
  assert.equal(appliedAt, timestampFromDate(timeOf(399)));
  assert.ok(found[0]?.deltaId, 'version 1 is still there');

  // As releases left it that noted no times: which side of the moment it lies on can't be told.
  const times = { first_applied_at: '', last_applied_at: '' };
  await database.db.collection('tombstones').updateOne({ blob_id: blobId }, { $unset: times });
  await refused(at(timeOf(last).getTime() + 1), 'VERSION_THINNED');
});

test('origins are stored once read, and another process goes on from there', async () => {
  const count = ORIGINS_BLOCK_VERSIONS * 3 + 100;
  const changes = Array.from({ length: count }, (_, index) =>
    change(index % 3 ? 'ann' : 'bob', (doc) => doc.getText('content').insert(0, 'x')),
  );
  await writeHistory(world.database, 'stored', 'text/plain', changes, 100);
  const blocks = world.database.db.collection<{ _id: string; bytes: Uint8Array; after: number }>('origin_blocks');
  const stored = (): Promise<number> => blocks.countDocuments({ blob_id: 'stored' });
  const before = await world.ann.blobs.getAttribution({ blobId: 'stored', pageSize: 500 });
  assert.is(await stored(), 3);
  assert.is(before.ranges.length, 500);
  // A missing block costs only time, as do one cut short and one with another author in it.
  const whole = await blocks.find({ blob_id: 'stored' }).sort({ _id: 1 }).toArray();
  const [first, second, third] = whole.map(({ _id, bytes }) => ({ _id, bytes: Buffer.from(bytes) }));
  assert.ok(first && second && third);
  await blocks.deleteOne({ _id: first._id });
  const renamed = Buffer.from(third.bytes.toString('latin1').replace('bob', 'eve'), 'latin1');
  await blocks.updateOne({ _id: second._id }, { $set: { bytes: second.bytes.subarray(0, 2_000) } });
  await blocks.updateOne({ _id: third._id }, { $set: { bytes: renamed } });
  const ann = await world.restart();
  const after = await ann.blobs.getAttribution({ blobId: 'stored', pageSize: 500 });
  assert.equal(after.ranges, before.ranges);
  assert.equal(await blocks.find({ blob_id: 'stored' }).sort({ _id: 1 }).toArray(), whole, 'and is put right');
  const { versions } = await ann.blobs.listVersions({ blobId: 'stored' });
  assert.is(
    versions.reduce((sum, group) => sum + Number(group.deltaCount), 0),
    count,
  );
});

test('origins of what is typed are stored without anybody asking', async () => {
  const ann = await world.restart();
  await ann.blobs.createBlob({ id: 'typed', content: Buffer.from(''), contentType: 'text/plain' });
  const blocks = world.database.db.collection('origin_blocks');
  for (let round = 0; round < ORIGINS_BLOCK_VERSIONS / 64 + 1; round++) {
    await Promise.all(Array.from({ length: 64 }, () => insertAt(ann, { blobId: 'typed', offset: 0, text: 'x' })));
  }
  await eventually('the first block is stored', async () => (await blocks.countDocuments({ blob_id: 'typed' })) === 1);
  const { version, ranges: found } = await ann.blobs.getAttribution({ blobId: 'typed', pageSize: 500 });
  assert.equal([found.length, found[0]?.version], [500, version]);
  // One made of the log says the same.
  const stored = async (): Promise<OriginBlock | undefined> => {
    const block = await blocks.findOne({ blob_id: 'typed' });
    return block ? OriginBlock.decode(Uint8Array.from(block['bytes'] as Uint8Array)) : undefined;
  };
  const made = await stored();
  assert.ok(made);
  await blocks.deleteMany({ blob_id: 'typed' });
  const again = await world.restart();
  assert.equal((await again.blobs.getAttribution({ blobId: 'typed', pageSize: 500 })).ranges, found);
  assert.equal(await stored(), made);
});

test.run();
