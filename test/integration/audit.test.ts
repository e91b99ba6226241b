/** Everything that is stored is damaged on purpose: the audit names it, and repair mends what the log can mend. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { MongoClient } from 'mongodb';
import { CommitLog } from '../../src/storage/log/commit-log.ts';
import { Database, openDatabase } from '../../src/storage/database.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { projectRoot } from '../harness/paths.ts';
import { connectAs, insertAt } from '../harness/studio-client.ts';
import { startStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { audit, openHistory, requireClean } from './past-world.ts';
import { seedLog } from './seeded-log.ts';

const test = suite('audit', { timeoutMs: 120_000 });
/** What a studio writes to unless told otherwise. */
const DATABASE = 'studio';
let parts: TestParts;
let database: Database;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  database = await openDatabase({ url: parts.url('mongodb'), name: DATABASE });
  const studio = await startStudio({ parts, env: { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  try {
    const client = connectAs(studio.address, await studio.token('ann'));
    const create = (id: string, contentType: string, content: string): Promise<unknown> =>
      client.blobs.createBlob({ id, contentType, content: Buffer.from(content), requestId: `create-${id}` });
    await create('words', 'text/plain', 'hello ');
    await create('gone', 'text/plain', 'soon deleted');
    await create('tree', 'application/json', '{"a":[1,{"b":null}]}');
    await create('bytes', 'application/octet-stream', 'first bytes');
    for (const text of ['one ', 'two ', 'three '])
      await insertAt(client, { blobId: 'words', offset: 0, text, requestId: text });
    await client.blobs.updateBlob({ id: 'tree', content: Buffer.from('{"a":[1,2],"c":"d"}') });
    await client.blobs.updateBlob({
      id: 'bytes',
      content: Buffer.from('second bytes'),
      labels: { values: { k: 'v' } },
    });
    await client.blobs.deleteBlob({ id: 'gone' });
  } finally {
    await studio.stop();
  }
  for (const blobId of LONG) {
    await seedLog(database, { blobId, owner: 'ann', deltas: 1_500, seed: 3, sampleEvery: 1_500 });
    const past = await openHistory(database);
    const state = await past.history.load(blobId);
    await past.compaction.settle();
    past.history.leave(state);
    await past.compaction.settle();
    await past.close();
  }
});
test.after(async () => {
  await database?.close();
  await parts?.stop();
});

const LONG = [
  'log-gap',
  'log-lost-end',
  'log-bits',
  'log-shape',
  'log-owner',
  'log-client',
  'log-keys',
  'state',
  'run',
];

test('what studios and compaction leave is clean, and every blob and delta was looked at', async () => {
  const { blobs, deltas, differences, findings } = await audit(parts, DATABASE);
  assert.is(differences, 0, JSON.stringify(findings, undefined, 1));
  assert.is(blobs, 4 + LONG.length);
  assert.is(deltas, 4 + 2 + 2 + 2 + 1_500 * LONG.length);
});

test('no cursor over all blobs is open while one of them is looked at', async () => {
  const client = new MongoClient(parts.url('mongodb'), { monitorCommands: true });
  const watched = new Database(client, DATABASE);
  let asked = 0;
  client.on('commandStarted', () => void (asked += 1));
  const ids: string[] = [];
  for await (const id of new CommitLog(watched).blobIds()) {
    if (ids.length === 0) asked = 0;
    ids.push(id);
  }
  assert.is(ids.length, 4 + LONG.length);
  assert.equal(ids, [...new Set(ids)].sort());
  assert.is(asked, 0);
  await client.close();
});

interface Damage {
  readonly name: string;
  readonly blobId: string;
  readonly inflict: () => Promise<unknown>;
  /** What a difference says. */
  readonly named: RegExp;
  readonly repairable: boolean;
}

const commitOf = async (blobId: string, seq: number): Promise<{ _id: string; first: number; last: number }> => {
  const found = await database.commits.find({ blob_id: blobId }).sort({ blob_id: 1, first_seq: 1 }).toArray();
  const commit = found.find((one) => one.first_seq <= seq && seq <= one.last_seq);
  if (!commit) throw new Error(`${blobId} has no commit with ${seq}`);
  return { _id: commit._id, first: commit.first_seq, last: commit.last_seq };
};
const setHead = (id: string, fields: Record<string, unknown>) => () =>
  database.blobs.updateOne({ _id: id }, { $set: fields });
const setCommit = (blobId: string, seq: number, fields: Record<string, unknown>) => async () =>
  database.commits.updateOne({ _id: (await commitOf(blobId, seq))._id }, { $set: fields });
const damageObjects = (blobId: string, kind: 'r' | 's') => async () => {
  for (const { _id, bytes } of await database.checkpoints.find({ blob_id: blobId }).toArray()) {
    if (!_id.startsWith(`${blobId}:${kind}`)) continue;
    const damaged = Uint8Array.from(bytes);
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 0xff;
    await database.checkpoints.updateOne({ _id }, { $set: { bytes: damaged } });
  }
};

const DAMAGES: readonly Damage[] = [
  {
    name: 'G1 head.version',
    blobId: 'words',
    inflict: setHead('words', { version: 9 }),
    named: /the head, version 9, lies beyond the end of the log, 4/,
    repairable: false,
  },
  {
    name: 'head.size',
    blobId: 'tree',
    inflict: setHead('tree', { size: 1 }),
    named: /size is 1, and 19 by/,
    repairable: true,
  },
  {
    name: 'head.content_version',
    blobId: 'words',
    inflict: setHead('words', { content_version: 1 }),
    named: /content_version/,
    repairable: true,
  },
  {
    name: 'head.user_id',
    blobId: 'words',
    inflict: setHead('words', { user_id: 'bob' }),
    named: /user_id is "bob"/,
    repairable: true,
  },
  {
    name: 'head.order_key',
    blobId: 'words',
    inflict: setHead('words', { order_key: '1' }),
    named: /order_key/,
    repairable: true,
  },
  {
    name: 'head.derived_from',
    blobId: 'words',
    inflict: setHead('words', { derived_from: { provider_id: 'p' } }),
    named: /derived_from|no head/,
    repairable: true,
  },
  {
    name: 'head.deleted_at',
    blobId: 'gone',
    inflict: () => database.blobs.updateOne({ _id: 'gone' }, { $unset: { deleted_at: '' } }),
    named: /deleted_at is absent/,
    repairable: true,
  },
  {
    name: 'no head',
    blobId: 'bytes',
    inflict: () => database.blobs.deleteOne({ _id: 'bytes' }),
    named: /no stored head/,
    repairable: true,
  },
  {
    name: 'a state',
    blobId: 'state',
    inflict: damageObjects('state', 's'),
    named: /state 1500 .*hash/,
    repairable: true,
  },
  {
    name: 'a run',
    blobId: 'run',
    inflict: damageObjects('run', 'r'),
    named: /run 257\.\.512 .*hash/,
    repairable: true,
  },
  {
    name: 'a state from another log',
    blobId: 'log-bits',
    inflict: async () => {
      for (const commit of await database.commits.find({ blob_id: 'log-bits', first_seq: { $gt: 600 } }).toArray()) {
        const update = Uint8Array.from(commit.deltas[0]?.updates[0] ?? []);
        // One letter `a`, after its length.
        const at = update.findIndex((byte, index) => byte === 0x61 && update[index - 1] === 1);
        if (at < 0) continue;
        update[at] = 0x7a;
        await database.commits.updateOne({ _id: commit._id }, { $set: { 'deltas.0.updates.0': update } });
        return;
      }
    },
    named: /run \d+\.\.\d+ differs from the log/,
    repairable: true,
  },
  {
    name: 'a gap',
    blobId: 'log-gap',
    inflict: async () => database.commits.deleteOne({ _id: (await commitOf('log-gap', 700))._id }),
    named: /deltas \d+\.\.\d+ are missing/,
    repairable: false,
  },
  {
    name: 'G1 a lost end',
    blobId: 'log-lost-end',
    inflict: async () => database.commits.deleteOne({ _id: (await commitOf('log-lost-end', 1_500))._id }),
    named: /state 1500 lies beyond the end of the log/,
    repairable: false,
  },
  {
    name: 'a commit of another shape',
    blobId: 'log-shape',
    inflict: setCommit('log-shape', 700, { deltas: 'none' }),
    named: /can't be read/,
    repairable: false,
  },
  {
    name: 'a foreign commit',
    blobId: 'log-owner',
    inflict: setCommit('log-owner', 700, { owner: 'eve' }),
    named: /names another owner/,
    repairable: false,
  },
  {
    name: 'a foreign author',
    blobId: 'log-client',
    inflict: setCommit('log-client', 700, { 'deltas.0.user_id': 'eve' }),
    named: /somebody else's/,
    repairable: false,
  },
  {
    name: 'request keys',
    blobId: 'log-keys',
    inflict: setCommit('log-keys', 50, { request_keys: ['x'] }),
    named: /other request keys/,
    repairable: false,
  },
];

for (const { name, blobId, inflict, named, repairable } of DAMAGES) {
  test(`damaged: ${name}`, async () => {
    const log = await database.commits.find({ blob_id: blobId }).toArray();
    const head = await database.blobs.findOne({ _id: blobId });
    const labels = head?.labels;
    await inflict();
    const damagedLog = await database.commits.find({ blob_id: blobId }).toArray();
    const derived = (): Promise<unknown> =>
      Promise.all([
        database.blobs.findOne({ _id: blobId }),
        database.checkpointIndex.findOne({ _id: blobId }),
        database.checkpoints.find({ blob_id: blobId }).sort({ _id: 1 }).toArray(),
      ]);
    const before = await derived();
    const found = await audit(parts, DATABASE, { blobIds: [blobId] });
    assert.ok(found.differences > 0);
    assert.ok(
      found.findings.some(({ level, text }) => level === 'difference' && named.test(text)),
      JSON.stringify(found.findings, undefined, 1),
    );
    const repaired = await audit(parts, DATABASE, { blobIds: [blobId], repair: true });
    assert.equal(await database.commits.find({ blob_id: blobId }).toArray(), damagedLog, 'repair touched the log');
    if (repairable) {
      assert.is(repaired.differences, 0, JSON.stringify(repaired.findings, undefined, 1));
      assert.ok(repaired.findings.some(({ level }) => level === 'repaired'));
      if (name !== 'no head') assert.equal((await database.blobs.findOne({ _id: blobId }))?.labels, labels);
      await requireClean(parts, DATABASE, [blobId]);
    } else {
      assert.ok(repaired.differences > 0);
      assert.equal(await derived(), before, 'G1: repair touched what may be the last copy');
      if (head) await database.blobs.replaceOne({ _id: blobId }, head);
      for (const commit of log) await database.commits.replaceOne({ _id: commit._id }, commit, { upsert: true });
      await audit(parts, DATABASE, { blobIds: [blobId], repair: true });
      await requireClean(parts, DATABASE, [blobId]);
    }
  });
}

test('damaged: bytes of a binary blob, at its head and in its past', async () => {
  for (const document of await database.contents.find({}).toArray()) {
    await database.contents.updateOne({ _id: document._id }, { $set: { bytes: Buffer.from('other') } });
    const { findings } = await audit(parts, DATABASE, { blobIds: ['bytes'] });
    assert.ok(findings.some(({ kind, text }) => kind === 'content' && text.includes(document._id)));
    await database.contents.deleteOne({ _id: document._id });
    const missing = await audit(parts, DATABASE, { blobIds: ['bytes'] });
    assert.ok(missing.findings.some(({ text }) => text === `the bytes with SHA-256 ${document._id} are missing`));
    await database.contents.insertOne(document);
  }
  await requireClean(parts, DATABASE, ['bytes']);
});

test('a head and checkpoints without commits are named', async () => {
  const head = await database.blobs.findOne({ _id: 'words' });
  assert.ok(head);
  await database.blobs.insertOne({ ...head, _id: 'orphan' });
  await database.checkpointIndex.insertOne({ _id: 'orphan', states: [], runs: [] });
  const { findings } = await audit(parts, DATABASE);
  const texts = findings.filter(({ blobId }) => blobId === 'orphan').map(({ text }) => text);
  assert.equal(texts, ['it has a head and no commits', 'it has checkpoints and no commits']);
  await database.blobs.deleteOne({ _id: 'orphan' });
  await database.checkpointIndex.deleteOne({ _id: 'orphan' });
});

test('studio audit: a line for each difference and exit code 1, also as JSON; 0 when there is none', async () => {
  const run = async (...options: string[]): Promise<{ code: number; stdout: string }> => {
    const main = join(projectRoot, 'dist', 'main.js');
    const env = { ...process.env, ...parts.environment };
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [main, 'audit', ...options], { env });
      return { code: 0, stdout };
    } catch (error) {
      const { code, stdout } = error as { code: number; stdout: string };
      return { code, stdout };
    }
  };
  assert.is((await run()).code, 0);
  await setHead('words', { version: 2 })();
  const plain = await run('--blob', 'words');
  assert.is(plain.code, 1);
  assert.match(plain.stdout, /^difference: words: head: version is 2, and 4 by the log$/m);
  const json = (await run('--json', '--blob', 'words')).stdout.trim().split('\n');
  assert.is((JSON.parse(json[0] ?? '') as { kind: string }).kind, 'head');
  assert.is((await run('--repair', '--blob', 'words')).code, 0);
  assert.is((await run()).code, 0);
});

test.run();
