import * as assert from 'uvu/assert';
import type { Delta } from '../../../src/domain/delta.ts';
import type { Run } from '../../../src/domain/derivation/run.ts';
import { Leftovers } from '../../../src/workers/leftovers.ts';
import { RunLedger, type ProcessedWriter } from '../../../src/workers/run-ledger.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('left-over runs');

test('what a left-over run has committed is on its execution, and on the blob unless that has a newer note', async () => {
  const ended: string[] = [];
  const noted: string[] = [];
  const runs = {
    get: async () => undefined,
    finish: async (key: string, { status }: { readonly status: string }) => void ended.push(`${key} ${status}`),
    putOff: async () => undefined,
    recordFailure: async () => undefined,
  };
  const recordProcessed: ProcessedWriter['recordProcessed'] = async (blobId, providerId, { inputs, status }, options) =>
    void noted.push(`${blobId} ${providerId} ${inputs[0]?.version} ${status} ${options?.unlessNewer}`);
  const ledger = new RunLedger(runs, { recordProcessed }, () => new Date());
  const held = ['done', 'never'].map((key) => ({
    key,
    derivedId: 'd',
    owner: 'ada',
    providerId: 'p',
    inputs: [{ blobId: 's', version: 7 }],
  }));
  const findDelta = async (_caller: unknown, _blobId: string, requestId: string): Promise<Delta | undefined> =>
    requestId === 'done' ? ({ toVersion: 5 } as Delta) : undefined;
  await new Leftovers({ findDelta }, { heldBy: async () => held as unknown as Run[] }, ledger).close('root');
  assert.equal(ended, ['done succeeded', 'never skipped']);
  assert.equal(noted, ['s p 7 succeeded true']);
});

test.run();
