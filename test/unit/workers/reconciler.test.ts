import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { StudioError } from '../../../src/errors.ts';
import { Reconciler } from '../../../src/workers/reconciler.ts';
import { suite } from '../../harness/suite.ts';
import { blobOf } from './fixtures.ts';

const test = suite('reconciler');
const at = (minute: number): Date => new Date(Date.UTC(2026, 0, 1, 0, minute));

test('G9 a root that can’t be planned keeps no other from its turn, and the mark before it', async () => {
  let isBroken = true;
  let mark = at(0);
  const looked: string[] = [];
  const heads = ['a', 'broken', 'z'].map((id, index) => blobOf({ id, rootId: id, updatedAt: at(10 + index) }));
  const reconciler = new Reconciler({
    heads: { updatedSince: async (since) => heads.filter((head) => head.updatedAt >= since) },
    mark: { read: async () => mark, write: async (to) => void (mark = to) },
    planner: {
      plan: async ({ rootId }) => {
        looked.push(rootId);
        if (rootId === 'broken' && isBroken) throw new StudioError('BLOB_QUARANTINED', 'It can’t be loaded.');
        return { ready: [], unconfirmed: {} };
      },
    },
    providers: { get: async () => undefined },
    runs: { abandoned: async () => [] },
    starter: { start: async () => undefined },
    signals: { signal: async () => undefined },
    logger: pino({ level: 'silent' }),
    now: () => at(30),
  });
  await reconciler.pass();
  assert.equal(looked, ['a', 'broken', 'z']);
  assert.equal(mark, at(11));
  isBroken = false;
  await reconciler.pass();
  assert.equal(looked, ['a', 'broken', 'z', 'broken']);
  assert.equal(mark, at(30));
});

test.run();
