/** The daily pass of retention, cut short by another process that takes over. */
import * as assert from 'uvu/assert';
import { RetentionPass } from '../../src/documents/retention/retention-pass.ts';
import { BlobHeads } from '../../src/storage/blobs.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { Lease } from '../../src/storage/leases.ts';
import { Mark } from '../../src/storage/marks.ts';
import { NamedVersions } from '../../src/storage/named-versions.ts';
import { RetentionPolicies } from '../../src/storage/retention-policies.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { closeHistories, logger } from './past-world.ts';
import { openRetention } from './retention-world.ts';
import { seedLog } from './seeded-log.ts';

const test = suite('history: the pass of retention', { timeoutMs: 120_000 });
const DATABASE = 'retention-pass';
const RULE = { thinAfterMs: 86_400_000, keepDaily: true };
let parts: TestParts;
let database: Database;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true });
  database = await openDatabase({ url: parts.url('mongodb'), name: DATABASE });
  await new NamedVersions(database.db).createIndexes();
});
test.after.each(closeHistories);
test.after(async () => {
  await database?.close();
  await parts?.stop();
});

test('a pass that is cut short goes on where it was, also within one user', async () => {
  const policies = new RetentionPolicies(database.db);
  await policies.put({ kind: 'user', id: 'many' }, { ...RULE, setBy: 'many', setAt: new Date() });
  for (let n = 0; n < 5; n++) {
    await seedLog(database, { blobId: `many-${n}`, owner: 'many', deltas: 3, seed: n, sampleEvery: 1 });
  }
  const world = await openRetention(parts, { database: DATABASE });
  const { thinning: work } = world;
  const seen: string[] = [];
  const apply = work.apply.bind(work);
  work.apply = (blobId, ...rest) => {
    if (blobId.startsWith('many-')) seen.push(blobId);
    return apply(blobId, ...rest);
  };
  const lease = new Lease(database.db, { name: 'retention-many', holder: 'one' });
  const mark = new Mark(database.db, 'retention-many');
  const pass = new RetentionPass({ policies, heads: new BlobHeads(database), thinning: work, lease, mark, logger });
  // Another process takes over after two of them.
  const hold = lease.hold.bind(lease);
  lease.hold = (ms) => (seen.length > 0 && seen.length % 2 === 0 ? Promise.resolve(false) : hold(ms));
  await pass.look();
  assert.is(seen.length, 2);
  assert.is(await mark.read(), undefined);
  lease.hold = hold;
  await pass.look();
  assert.equal([...new Set(seen)].sort(), ['many-0', 'many-1', 'many-2', 'many-3', 'many-4']);
  assert.is(seen.length, 5, 'none twice');
  assert.ok(await mark.read());
  await world.close();
});

test('a pass that is cut short goes on in the order of the database, which is not that of JavaScript', async () => {
  const own = await openDatabase({ url: parts.url('mongodb'), name: 'retention-order' });
  const policies = new RetentionPolicies(own.db);
  const world = await openRetention(parts, { database: 'retention-order' });
  const { thinning: work } = world;
  const seen: string[] = [];
  const apply = work.apply.bind(work);
  work.apply = (blobId, ...rest) => {
    seen.push(blobId);
    return apply(blobId, ...rest);
  };
  // By UTF-8 in this order, by UTF-16 the other way round.
  for (const [index, owner] of ['\uff5e', '\u{1f600}'].entries()) {
    await policies.put({ kind: 'user', id: owner }, { ...RULE, setBy: owner, setAt: new Date() });
    await seedLog(own, { blobId: `order-${index}`, owner, deltas: 2, seed: 1, sampleEvery: 1 });
  }
  const lease = new Lease(own.db, { name: 'retention', holder: 'one' });
  const hold = lease.hold.bind(lease);
  lease.hold = (ms) => (seen.length === 1 ? Promise.resolve(false) : hold(ms));
  const mark = new Mark(own.db, 'retention');
  const pass = new RetentionPass({ policies, heads: new BlobHeads(own), thinning: work, lease, mark, logger });
  await pass.look();
  lease.hold = hold;
  await pass.look();
  assert.equal(seen, ['order-0', 'order-1']);
  await world.close();
  await own.close();
});

test.run();
