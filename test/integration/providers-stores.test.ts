import * as assert from 'uvu/assert';
import type { Provider } from '../../src/domain/derivation/provider.ts';
import type { RunClaim } from '../../src/domain/derivation/run.ts';
import { EXECUTION_LEASE_MS } from '../../src/limits.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { ExecutionStore } from '../../src/storage/executions.ts';
import { Mark } from '../../src/storage/marks.ts';
import { ProviderStore } from '../../src/storage/providers.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { suite } from '../harness/suite.ts';
import { providerOf } from '../unit/workers/fixtures.ts';

const test = suite('provider and execution stores');
const now = new Date('2026-01-01T00:00:00Z');
const later = (ms: number): Date => new Date(now.getTime() + ms);

let parts: TestParts;
let database: Database;
let providers: ProviderStore;
let executions: ExecutionStore;
let keys = 0;

test.before(async () => {
  parts = await startParts({ mongodb: true });
  database = await openDatabase({ url: parts.url('mongodb'), name: 'stores' });
  providers = new ProviderStore(database.db);
  executions = new ExecutionStore(database.db);
  await providers.createIndexes();
  await executions.createIndexes();
});

test.after(async () => {
  await database?.close();
  await parts?.stop();
});

function claimOf(fields: Partial<RunClaim> = {}): RunClaim {
  keys += 1;
  return {
    key: String(keys).padStart(64, '0'),
    userId: 'ada',
    providerId: 'p',
    providerVersion: 1,
    inputs: [{ blobId: 'b', version: 3 }],
    derivedId: 'd',
    rootId: 'b',
    owner: 'ada',
    holder: 'one',
    leaseMs: EXECUTION_LEASE_MS,
    workflowId: 'one',
    ...fields,
  };
}

test('a provider is read back as it was written', async () => {
  const provider: Provider = providerOf({
    id: 'whole',
    triggerPatterns: ['a'],
    debounce: { quietMs: 5, maxWaitMs: 10 },
    config: '{"a":1}',
  });
  await providers.insert(provider);
  assert.equal(await providers.get('whole'), provider);
  assert.is(await providers.get('none'), undefined);
});

test('an id is given once, to whomever', async () => {
  await providers.insert(providerOf({ id: 'taken' }));
  const reason = await providers.insert(providerOf({ id: 'taken', userId: 'eve' })).then(
    () => 'inserted',
    (error: { reason: string }) => error.reason,
  );
  assert.is(reason, 'PROVIDER_ALREADY_EXISTS');
});

test("G8 lists and triggers see one's own providers and those for all, newest first, page by page", async () => {
  for (const [index, id] of ['n1', 'n2', 'n3'].entries()) {
    await providers.insert(providerOf({ id, userId: 'lin', createdAt: later(index) }));
  }
  await providers.insert(providerOf({ id: 'for-all', userId: 'root', scope: 'all', createdAt: later(10) }));
  await providers.insert(providerOf({ id: 'off', userId: 'lin', status: 'disabled', createdAt: later(11) }));
  const first = await providers.list('lin', undefined, 3);
  assert.equal(
    first.map((item) => item.provider.id),
    ['off', 'for-all', 'n3'],
  );
  const second = await providers.list('lin', first.at(-1)?.orderKey, 3);
  assert.equal(
    second.map((item) => item.provider.id),
    ['n2', 'n1'],
  );
  assert.equal(
    new Set((await providers.activeFor('lin')).map((item) => item.id)),
    new Set(['n1', 'n2', 'n3', 'for-all']),
  );
  assert.is(await providers.countOfUser('lin'), 4);
});

test('G9 of many that claim one run at once, one gets it', async () => {
  const claim = claimOf();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => executions.claim({ ...claim, holder: `h${index}` }, now)),
  );
  assert.is(answers.filter((answer) => answer.state === 'claimed').length, 1);
  assert.is(answers.filter((answer) => answer.state === 'waiting').length, 19);
});

test('the holder gets its claim again, another only when the lease ran out, and then only one', async () => {
  const claim = claimOf();
  assert.equal(await executions.claim(claim, now), { state: 'claimed', attempts: 0 });
  assert.equal(await executions.claim(claim, later(1)), { state: 'claimed', attempts: 0 });
  const other = { ...claim, holder: 'two' };
  assert.is((await executions.claim(other, later(1))).state, 'waiting');
  const late = later(EXECUTION_LEASE_MS + 2);
  assert.is(
    (await executions.abandoned(late, 10)).some((run) => run.key === claim.key),
    true,
  );
  const takers = await Promise.all(
    ['two', 'three', 'four'].map((holder) => executions.claim({ ...claim, holder }, late)),
  );
  assert.is(takers.filter((answer) => answer.state === 'claimed').length, 1);
});

test('attempts are counted once each, wait for their time, and end in failed', async () => {
  const claim = claimOf();
  await executions.claim(claim, now);
  const error = { reason: 'PROVIDER_FAILED', message: 'no' };
  await executions.recordFailure(claim.key, 0, error, now, later(1_000));
  await executions.recordFailure(claim.key, 0, error, now, later(9_000));
  assert.equal(await executions.claim(claim, later(500)), { state: 'waiting', until: later(1_000) });
  assert.equal(await executions.claim(claim, later(1_000)), { state: 'claimed', attempts: 1 });
  await executions.recordFailure(claim.key, 1, error, later(1_000), later(3_000));
  await executions.recordFailure(claim.key, 2, error, later(3_000));
  const run = await executions.get(claim.key);
  assert.equal([run?.status, run?.attempts, run?.error], ['failed', 3, error]);
  assert.is((await executions.claim(claim, later(10_000))).state, 'settled');
});

test('G9 what is put off waits for its time and keeps its attempts', async () => {
  const claim = claimOf();
  await executions.claim(claim, now);
  const [error, trouble] = [
    { reason: 'PROVIDER_FAILED', message: 'no' },
    { reason: 'BLOB_QUARANTINED', message: 'x' },
  ];
  await executions.recordFailure(claim.key, 0, error, now, later(1_000));
  for (const second of [2, 3, 4]) await executions.putOff(claim.key, 1, trouble, later(second * 1_000));
  assert.equal(await executions.claim({ ...claim, holder: 'two' }, later(3_999)), {
    state: 'waiting',
    until: later(4_000),
  });
  assert.equal((await executions.get(claim.key))?.error, trouble);
  assert.equal(await executions.claim({ ...claim, holder: 'two' }, later(4_000)), { state: 'claimed', attempts: 1 });
});

test('an end is final, and a success forgets earlier errors', async () => {
  const claim = claimOf();
  await executions.claim(claim, now);
  await executions.recordFailure(claim.key, 0, { reason: 'PROVIDER_FAILED', message: 'no' }, now, now);
  await executions.finish(claim.key, { status: 'succeeded', output: { blobId: 'd', version: 1 } }, later(5));
  await executions.finish(claim.key, { status: 'cancelled' }, later(6));
  const run = await executions.get(claim.key);
  assert.equal(
    [run?.status, run?.attempts, run?.error, run?.output],
    ['succeeded', 2, undefined, { blobId: 'd', version: 1 }],
  );
  assert.equal(run?.finishedAt, later(5));
});

test('a run that was cancelled because nobody knew whether it had started succeeds when it had, and only then', async () => {
  const claim = claimOf();
  await executions.claim(claim, now);
  const error = { reason: 'WORKFLOWS_UNAVAILABLE', message: 'The run could not be started.' };
  await executions.finish(claim.key, { status: 'cancelled', error }, later(1));
  await executions.finish(claim.key, { status: 'failed', error: { reason: 'X', message: 'x' } }, later(2));
  assert.is((await executions.get(claim.key))?.status, 'cancelled');
  await executions.finish(claim.key, { status: 'succeeded', output: { blobId: 'd', version: 1 } }, later(3));
  const run = await executions.get(claim.key);
  assert.equal([run?.status, run?.output, run?.error], ['succeeded', { blobId: 'd', version: 1 }, undefined]);
});

test('a failed run starts over with all its attempts, once', async () => {
  const claim = claimOf();
  await executions.claim(claim, now);
  await executions.finish(claim.key, { status: 'failed', error: { reason: 'X', message: 'x' } }, now);
  const restarts = await Promise.all([1, 2, 3].map(() => executions.restart(claim, 'failed', later(1))));
  assert.is(restarts.filter(Boolean).length, 1);
  const run = await executions.get(claim.key);
  assert.equal([run?.status, run?.attempts, run?.error, run?.finishedAt], ['running', 0, undefined, undefined]);
});

test('many keys are read in slices', async () => {
  const claims = Array.from({ length: 230 }, () => claimOf());
  await Promise.all(claims.slice(0, 225).map((claim) => executions.claim(claim, now)));
  const found = await executions.getMany(claims.map((claim) => claim.key));
  assert.is(found.size, 225);
});

test('a mark moves forward only', async () => {
  const mark = new Mark(database.db, 'reconciled');
  assert.is(await mark.read(), undefined);
  await mark.write(later(5));
  await mark.write(now);
  assert.equal(await mark.read(), later(5));
});

test.run();
