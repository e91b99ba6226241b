import { pino } from 'pino';
import * as assert from 'uvu/assert';
import type { Run } from '../../../src/domain/derivation/run.ts';
import { StudioError } from '../../../src/errors.ts';
import { RECONCILE_EVERY_MS } from '../../../src/limits.ts';
import type { PropagationPlan } from '../../../src/workers/names.ts';
import type { PlanRequest } from '../../../src/workers/planner.ts';
import { Reconciler, type ReconcilerParts } from '../../../src/workers/reconciler.ts';
import { rootWorkflowId } from '../../../src/workers/root-workflow.ts';
import { suite } from '../../harness/suite.ts';
import { blobOf, providerOf } from './fixtures.ts';

const test = suite('reconciler');
const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 1, 0, minute));
const NOTHING: PropagationPlan = { ready: [], unconfirmed: {} };

/** What is stored, the clock, and what was done; reconcilers come and go. */
class Place {
  heads: ReturnType<typeof blobOf>[] = [];
  mark = at(0);
  clock = at(0);
  readonly looked: string[] = [];
  readonly signalled: string[] = [];
  plan: (request: PlanRequest) => PropagationPlan = () => NOTHING;

  reconciler(parts: Partial<ReconcilerParts> = {}): Reconciler {
    return new Reconciler({
      heads: {
        updatedSince: async (since) => this.heads.filter((head) => head.updatedAt >= since),
        getMany: async (ids) => this.heads.filter(({ id }) => ids.includes(id)),
      },
      accessLists: { changedSince: async () => [] },
      mark: {
        read: async () => this.mark,
        write: async (to) => {
          if (to > this.mark) this.mark = to;
        },
      },
      planner: {
        plan: async (request) => {
          this.looked.push(request.rootId);
          return this.plan(request);
        },
      },
      providers: { get: async () => undefined },
      runs: { abandoned: async () => [] },
      starter: { start: async () => undefined },
      signals: { signal: async (rootId) => void this.signalled.push(rootId) },
      logger: pino({ level: 'silent' }),
      now: () => this.clock,
      ...parts,
    });
  }

  /** A pass every RECONCILE_EVERY_MS up to a moment. */
  async passUntil(reconciler: Reconciler, end: Date): Promise<void> {
    for (; this.clock < end; this.clock = new Date(this.clock.getTime() + RECONCILE_EVERY_MS)) await reconciler.pass();
  }
}

const readyOf = ({ rootId, owner }: PlanRequest): PropagationPlan => ({
  ready: [{ rootId, owner, sourceId: rootId, providerId: 'p', derivedId: 'd', type: 'builtin' }],
  unconfirmed: {},
});

test('G9 a root that can’t be planned keeps no other from its turn, and the mark before it', async () => {
  let isBroken = true;
  const place = new Place();
  place.heads = ['a', 'broken', 'z'].map((id, index) => blobOf({ id, rootId: id, updatedAt: at(10 + index) }));
  place.clock = at(30);
  place.plan = ({ rootId }) => {
    if (rootId === 'broken' && isBroken) throw new StudioError('BLOB_QUARANTINED', 'It can’t be loaded.');
    return NOTHING;
  };
  const reconciler = place.reconciler();
  await reconciler.pass();
  assert.equal(place.looked, ['a', 'broken', 'z']);
  assert.equal(place.mark, at(11));
  isBroken = false;
  await reconciler.pass();
  assert.equal(place.looked, ['a', 'broken', 'z', 'broken']);
  assert.equal(place.mark, at(30));
});

for (const restarts of [false, true]) {
  const who = restarts ? 'a reconciler that is started meanwhile' : 'the one that saw the change';
  test(`G9 what is due long after the change is found by ${who}, until it is done`, async () => {
    const place = new Place();
    place.heads = [blobOf({ id: 'doc', rootId: 'doc', updatedAt: at(0) })];
    // As with a debounce of half an hour. No workflow lives through it.
    place.plan = (request) =>
      place.clock < at(30)
        ? { ...NOTHING, wakeAtMs: at(30).getTime() }
        : place.clock < at(40)
          ? readyOf(request)
          : NOTHING;
    let reconciler = place.reconciler();
    await place.passUntil(reconciler, at(20));
    assert.equal([place.looked.length, place.signalled.length], [1, 1]);
    if (restarts) reconciler = place.reconciler();
    await place.passUntil(reconciler, at(30));
    place.signalled.length = 0;
    await place.passUntil(reconciler, at(31));
    assert.equal(place.signalled, ['doc', 'doc']);
    await place.passUntil(reconciler, at(50));
    const looked = place.looked.length;
    await place.passUntil(reconciler, at(60));
    assert.is(place.looked.length, looked);
    assert.ok(place.mark > at(50), place.mark.toISOString());
  });
}

test('G9 a head that comes late is looked at, though another of its root changed after it', async () => {
  const place = new Place();
  const head = (id: string, version: number, minute: number): ReturnType<typeof blobOf> =>
    blobOf({ id, rootId: 'root', version, updatedAt: at(minute) });
  place.heads = [head('a', 5, 10)];
  place.clock = at(10);
  const reconciler = place.reconciler();
  await reconciler.pass();
  await reconciler.pass();
  assert.is(place.looked.length, 1);
  place.heads.unshift(head('b', 2, 9));
  place.plan = readyOf;
  await reconciler.pass();
  assert.equal(place.signalled, ['root']);
});

test('G9 an abandoned run is taken up by its root, or by itself if somebody asked for it', async () => {
  const place = new Place();
  const run = (key: string, holder: string): Run =>
    ({
      key,
      holder,
      rootId: 'root',
      owner: 'ada',
      providerId: 'p',
      inputs: [{ blobId: 'root', version: 1 }],
    }) as unknown as Run;
  const abandoned = [run('by itself', rootWorkflowId('root', 'ada')), run('asked for', 'studio-run-asked for')];
  const started: string[] = [];
  const reconciler = place.reconciler({
    providers: { get: async (id) => providerOf({ id }) },
    runs: { abandoned: async () => abandoned },
    starter: { start: async ({ key }) => void started.push(key) },
  });
  await reconciler.pass();
  assert.equal([started, place.signalled], [['asked for'], ['root']]);
});

test.run();
