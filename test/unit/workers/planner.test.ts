import { pino } from 'pino';
import * as assert from 'uvu/assert';
import type { AccessControl } from '../../../src/access/contract.ts';
import { BlobAccess } from '../../../src/domain/access/blob-access.ts';
import { AccessList } from '../../../src/domain/access/access-list.ts';
import type { Blob } from '../../../src/domain/blob.ts';
import { keyOfRun } from '../../../src/domain/derivation/execution-key.ts';
import type { Provider } from '../../../src/domain/derivation/provider.ts';
import type { Run } from '../../../src/domain/derivation/run.ts';
import { DAG_NODES_MAX } from '../../../src/limits.ts';
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

  planner(parts: Partial<PlannerParts> = {}): Planner {
    const many: AccessControl['many'] = async (blobs) =>
      new Map(blobs.map((blob) => (typeof blob === 'string' ? blob : blob.blobId)).map((id) => [id, this.#access(id)]));
    return new Planner({
      documents: {
        getBlob: async (_caller, id) => {
          throw new StudioError('BLOB_NOT_FOUND', `There is no ${id}.`);
        },
        listDeltas: async () => ({ items: [], nextPageToken: '' }),
      },
      heads: {
        ofRoot: async () => this.heads,
        getMany: async (ids) => this.heads.filter(({ id }) => ids.includes(id)),
      },
      access: { many },
      providers: { activeFor: async () => this.providers },
      runs: {
        getMany: async (keys) =>
          new Map(keys.flatMap((key) => [...(this.runs.get(key) ? [[key, this.runs.get(key)] as [string, Run]] : [])])),
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

test.run();
