import * as assert from 'uvu/assert';
import { StudioError } from '../../../src/errors.ts';
import { RunLedger } from '../../../src/workers/run-ledger.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('run ledger');
const now = new Date('2026-01-01T00:00:00Z');

test('G9 a put-off is none of the provider’s attempts', async () => {
  const calls: string[] = [];
  const runs = {
    get: async () => undefined,
    finish: async () => void calls.push('finish'),
    putOff: async (_key: string, attempts: number) => void calls.push(`put off after ${attempts}`),
    recordFailure: async (_key: string, attempt: number) => void calls.push(`failure ${attempt}`),
  };
  const ledger = new RunLedger(runs, { recordProcessed: async () => undefined }, () => now);
  const ref = { rootId: 'r', owner: 'o', sourceId: 's', providerId: 'p', derivedId: 'd', type: 'workflow' } as const;
  const claimed = { ref, key: 'k', attempt: 1, sourceVersion: 1, providerVersion: 1 };
  const until = '2026-01-01T01:00:00.000Z';
  const error = new StudioError('BLOB_QUARANTINED', 'It can’t be loaded.', { retry_at: until });
  const outcome = await ledger.putOff(claimed, error);
  assert.equal(outcome, { derivedId: 'd', state: 'waiting', retryAtMs: Date.parse(until) });
  await ledger.fail(claimed, { reason: 'PROVIDER_FAILED', message: '' });
  assert.equal(calls, ['put off after 1', 'failure 1']);
});

test.run();
