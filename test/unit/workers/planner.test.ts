import { pino } from 'pino';
import * as assert from 'uvu/assert';
import type { AccessControl } from '../../../src/access/contract.ts';
import { BlobAccess } from '../../../src/domain/access/blob-access.ts';
import { AccessList } from '../../../src/domain/access/access-list.ts';
import type { Blob } from '../../../src/domain/blob.ts';
import { keyOfRun } from '../../../src/domain/derivation/execution-key.ts';
import type { Provider } from '../../../src/domain/derivation/provider.ts';
import type { Delta } from '../../../src/domain/delta.ts';
import type { Run } from '../../../src/domain/derivation/run.ts';
import { DAG_NODES_MAX, PLAN_ATTEMPTS_MAX, PLAN_RUNS_MAX, START_OVER_MS } from '../../../src/limits.ts';
import { StudioError } from '../../../src/errors.ts';
import type { PropagationPlan } from '../../../src/workers/names.ts';
import { Planner, type PlannerParts } from '../../../src/workers/planner.ts';
import { suite } from '../../harness/suite.ts';
import { blobOf, providerOf } from './fixtures.ts';

const test = suite('planner');

/** What is stored of one DAG, and what was warned of. */
class Place {
  heads: Blob[] = [];
  providers: Provider[] = [];
  readonly runs = new Map<string, Run>();
  clock = new Date('2026-02-01T00:00:00Z');
  readonly warnings: string[] = [];
  readonly documents: PlannerParts['documents'] = {
    getBlob: async (_caller, id) => {
      throw new StudioError('BLOB_NOT_FOUND', `There is no ${id}.`);
    },
    listDeltas: async () => ({ items: [], nextPageToken: '' }),
  };

  planner(parts: Partial<PlannerParts> = {}): Planner {
    const many: AccessControl['many'] = async (blobs) =>
      new Map(blobs.map((blob) => (typeof blob === 'string' ? blob : blob.blobId)).map((id) => [id, this.#access(id)]));
    return new Planner({
      documents: this.documents,
      heads: {
        ofRoot: async () => this.heads,
        getMany: async (ids) => this.heads.filter(({ id }) => ids.includes(id)),
      },
      access: { many },
      providers: { activeFor: async () => this.providers },
      runs: {
        getMany: async (keys) => {
          const wanted = new Set(keys);
          return new Map([...this.runs].filter(([key]) => wanted.has(key)));
        },
      },
      logger: pino({ level: 'warn' }, { write: (line: string) => void this.warnings.push(line) }),
      now: () => this.clock,
      ...parts,
    });
  }

  plan(parts: Partial<PlannerParts> = {}): Promise<PropagationPlan> {
    return this.planner(parts).plan({ rootId: 'root', owner: 'ada', seen: {}, running: [] });
  }

  /** The run of this provider over this blob as it is now has ended. */
  end(provider: Provider, source: Blob, status: Run['status'], reason: string): void {
    const key = keyOfRun(provider, source);
    this.runs.set(key, { key, status, error: { reason, message: '' } } as Run);
  }

  #access(id: string): BlobAccess {
    return new BlobAccess(id, AccessList.ofCreator('ada', this.clock), []);
  }
}

test('G9 runs that made nothing and will not be made again take no room in a DAG; what has no room is logged', async () => {
  const place = new Place();
  const provider = providerOf({ id: 'p' });
  place.providers = [provider];
  place.heads = Array.from({ length: DAG_NODES_MAX - 4_000 }, (_, at) => blobOf({ id: `b-${at}`, rootId: 'root' }));
  for (const head of place.heads.slice(0, -1)) place.end(provider, head, 'skipped', 'PATTERN_UNMATCHED');
  const last = place.heads.at(-1)?.id;
  assert.equal(
    (await place.plan()).ready.map(({ sourceId }) => sourceId),
    [last],
  );
  assert.equal(place.warnings, []);

  // As many that will make a blob as there is room for, and one more.
  place.runs.clear();
  place.heads = place.heads.slice(0, DAG_NODES_MAX / 2 + 1);
  place.providers = [{ ...provider, debounce: { quietMs: 3_600_000_000, maxWaitMs: 3_600_000_000 } }];
  const { ready, wakeAtMs } = await place.plan();
  assert.equal([ready.length, typeof wakeAtMs], [0, 'number']);
  assert.is(place.warnings.length, 1);
});

test('G9 attempts of a provider that hangs leave places to built-ins and to other providers of the root', async () => {
  const place = new Place();
  const types = { slow: 'workflow', other: 'connect', quick: 'builtin' } as const;
  const names = ['slow', 'other', 'quick'] as const;
  place.heads = Array.from({ length: 70 }, (_, at) => blobOf({ id: `note-${at}`, rootId: 'root', depth: 1 }));
  place.providers = [providerOf({ id: 'slow', type: 'workflow' })];
  const request = { rootId: 'root', owner: 'ada', seen: {} };
  const running: string[] = [];
  // As long as it is alone, until it takes no more.
  for (let plans = 0; plans < 3; plans += 1) {
    const { ready } = await place.planner().plan({ ...request, running });
    running.push(...ready.map(({ derivedId }) => derivedId));
  }
  assert.is(running.length, PLAN_ATTEMPTS_MAX / 2);
  place.providers = names.map((id) => providerOf({ id, type: types[id] }));
  const { ready } = await place.planner().plan({ ...request, running });
  const startable = ready.slice(0, PLAN_RUNS_MAX - running.length).map(({ providerId }) => providerId);
  assert.not.ok(startable.includes('slow'));
  assert.ok(startable.includes('other') && startable.includes('quick'));
});

test('G9 a plan that takes too long ends where it is, the next goes on there, and what changed behind them is found', async () => {
  const place = new Place();
  const providers = Array.from({ length: 20 }, (_, at) => providerOf({ id: `p-${at}` }));
  place.providers = providers;
  place.heads = Array.from({ length: 900 }, (_, at) => blobOf({ id: `b-${2_000 - at}`, rootId: 'root' }));
  const isFinal = { status: 'skipped', error: { reason: 'PATTERN_UNMATCHED', message: '' } } as Run;
  const [last] = place.heads;
  const [provider] = providers;
  assert.ok(last && provider);
  let open = keyOfRun(provider, last);
  let asked = 0;
  const getMany: PlannerParts['runs']['getMany'] = async (keys) => {
    asked += keys.length;
    return new Map(keys.filter((key) => key !== open).map((key) => [key, isFinal]));
  };
  const planner = place.planner({ runs: { getMany }, pairsMax: 4_000, msMax: 0 });
  const next = async (): Promise<PropagationPlan> => {
    asked = 0;
    const plan = await planner.plan({ rootId: 'root', owner: 'ada', seen: {}, running: [] });
    assert.ok(asked <= 4_000);
    return plan;
  };
  const nowMs = place.clock.getTime();
  for (let plans = 1; plans < 5; plans += 1)
    assert.equal(await next(), { ready: [], wakeAtMs: nowMs, unconfirmed: {} });
  const { ready, wakeAtMs } = await next();
  assert.equal([ready.map(({ sourceId }) => sourceId), wakeAtMs], [[last.id], nowMs + START_OVER_MS]);

  // A round in which the first changes after it was looked at, so that there is another, in which that is found.
  open = '';
  assert.is((await next()).wakeAtMs, nowMs);
  const changed = blobOf({ id: 'b-1101', rootId: 'root', version: 2 });
  place.heads = [...place.heads.slice(0, -1), changed];
  open = keyOfRun(provider, changed);
  for (let plans = 2; plans < 5; plans += 1) assert.is((await next()).wakeAtMs, nowMs);
  assert.equal(await next(), { ready: [], wakeAtMs: nowMs + START_OVER_MS, unconfirmed: {} });
  assert.is((await next()).ready.length, 1);

  // And one in which nothing changes is the last.
  open = '';
  for (let plans = 2; plans < 5; plans += 1) await next();
  await next();
  for (let plans = 1; plans < 5; plans += 1) assert.is((await next()).wakeAtMs, nowMs);
  assert.equal(await next(), { ready: [], unconfirmed: {} });
});

for (const [what, fields] of [
  ['never made anything', {}],
  ['failed with what it was given', { at: 5, status: 'failed' }],
  ['did not match what it was given', { at: 5, status: 'skipped' }],
] as const) {
  test(`a provider that ${what} is debounced as any other, from the first change that it missed`, async () => {
    const startMs = Date.parse('2026-02-01T00:00:00Z');
    const secondsLater = (seconds: number): Date => new Date(startMs + seconds * 1_000);
    const place = new Place();
    const provider = providerOf({ id: 'p', debounce: { quietMs: 10_000, maxWaitMs: 60_000 } });
    place.providers = [provider];
    // A change a second, to a blob that is older than the provider.
    const appliedAt = (version: number): Date => secondsLater(version - 2);
    const given = 'at' in fields ? fields : undefined;
    const listDeltas: PlannerParts['documents']['listDeltas'] = async (_caller, { afterVersion }) => {
      const toVersion = afterVersion + 1;
      return {
        items: [{ toVersion, appliedAt: toVersion === 1 ? new Date(0) : appliedAt(toVersion) } as Delta],
        nextPageToken: '',
      };
    };
    const documents = { ...place.documents, listDeltas };
    const firstMissed = appliedAt((given?.at ?? 1) + 1);
    for (const [seconds, isDue] of [
      [firstMissed.getTime() - startMs, false],
      [firstMissed.getTime() - startMs + 59_000, false],
      [firstMissed.getTime() - startMs + 60_000, true],
    ] as const) {
      place.clock = new Date(startMs + seconds);
      const version = Math.round(seconds / 1_000) + 2;
      const note = { executionId: 'e', inputs: [{ blobId: 'root', version: given?.at ?? 0 }], at: place.clock };
      const processedBy: Blob['processedBy'] = given ? { p: { ...note, status: given.status } } : {};
      place.heads = [blobOf({ id: 'root', version, createdAt: new Date(0), updatedAt: place.clock, processedBy })];
      const { ready, wakeAtMs } = await place.plan({ documents });
      assert.is(ready.length, isDue ? 1 : 0, `after ${seconds} ms`);
      if (!isDue) assert.is(wakeAtMs, Math.min(place.clock.getTime() + 10_000, firstMissed.getTime() + 60_000));
    }
  });
}

test.run();
