/** Temporal's namespace is the one that is set, for every command: what dev and doctor ask for is what serve and worker use. */
import { Connection } from '@temporalio/client';
import * as assert from 'uvu/assert';
import type { Part } from '../../src/local/contract.ts';
import { LocalFailure } from '../../src/local/local-failure.ts';
import { startPart, usePart } from '../../src/local/parts.ts';
import { suite } from '../harness/suite.ts';
import { environmentOf } from './local-dev-tree.ts';
import { newFolder, partsDir, runStudio, searchPath } from './local-processes.ts';

const test = suite('the namespace of Temporal');
/** Longer than what one byte can say the length of. */
const NAMESPACE = `studio-${'x'.repeat(150)}`;
let temporal: Part;
test.before(async () => {
  temporal = await startPart('temporal', {
    dataDir: newFolder('temporal'),
    partsDir,
    searchPath,
    namespace: NAMESPACE,
  });
  const connection = await Connection.connect({ address: temporal.url });
  await connection.operatorService.deleteNamespace({ namespace: 'default' });
  await connection.close();
});
test.after(() => temporal?.stop());

test('one that is started has it; of one that runs it is asked for, and not for any other', async () => {
  assert.is((await usePart('temporal', temporal.url, 'X', NAMESPACE)).url, temporal.url);
  const failure: unknown = await usePart('temporal', temporal.url, 'X').catch((error: unknown) => error);
  assert.instance(failure, LocalFailure);
  const { message, advice } = failure as LocalFailure;
  assert.is(message, `Temporal at ${temporal.url} has no namespace "default".`);
  assert.match(advice, 'STUDIO_TEMPORAL_NAMESPACE');
});

test('doctor asks for the one that is set', async () => {
  const env = { ...(await environmentOf(newFolder('doctor'))), STUDIO_TEMPORAL_ADDRESS: temporal.url };
  const set = await runStudio(['doctor'], { ...env, STUDIO_TEMPORAL_NAMESPACE: NAMESPACE });
  assert.match(set.stdout, /ok {3}temporal .*answers as/);
  assert.is(set.code, 0);
  const unset = await runStudio(['doctor'], env);
  assert.match(unset.stdout, /BAD {2}temporal .*CANNOT BE USED: .*no namespace "default"/);
  assert.is(unset.code, 1);
});

test('dev refuses one that is not there, in one sentence', async () => {
  const env = { ...(await environmentOf(newFolder('dev'))), STUDIO_TEMPORAL_ADDRESS: temporal.url };
  const { code, stderr } = await runStudio(['dev'], { ...env, STUDIO_TEMPORAL_NAMESPACE: 'nowhere' });
  assert.match(stderr, `Temporal at ${temporal.url} has no namespace "nowhere".\nSet STUDIO_TEMPORAL_NAMESPACE`);
  assert.is(code, 1);
});

test.run();
