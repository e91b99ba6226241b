/**
 * Histories of real runs (protobuf `temporal.api.history.v1.History`, as `fetchHistory()` of a workflow handle gives
 * them), replayed on today's workflow code: a change that would strand workflows that are running fails here. When a
 * change must break one, keep the old path behind `patched()` rather than replace the file.
 */
import protocol from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { readdirSync, readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { workflowBundle } from '../../../src/workers/bundle.ts';
import { suite } from '../../harness/suite.ts';

const { History } = protocol.temporal.api.history.v1;

const test = suite('workflow histories');
const folder = new URL('../../fixtures/workflow-histories/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.binpb'));
const bundled = workflowBundle();

test.before(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
});

test('there are some', () => {
  assert.ok(files.length >= 7);
});

for (const file of files) {
  test(`${file} replays`, async () => {
    const history = History.decode(readFileSync(new URL(file, folder)));
    // Children are named after it.
    const { workflowId } = history.events[0]?.workflowExecutionStartedEventAttributes ?? {};
    await Worker.runReplayHistory({ workflowBundle: await bundled }, history, workflowId ?? undefined);
  });
}

test('a history that today’s code would not have made is told apart', async () => {
  const history = History.decode(readFileSync(new URL('debounced.binpb', folder)));
  const type = history.events[0]?.workflowExecutionStartedEventAttributes?.workflowType;
  assert.is(type?.name, 'propagate');
  Object.assign(type ?? {}, { name: 'runExecution' });
  const outcome = await Worker.runReplayHistory({ workflowBundle: await bundled }, history).then(
    () => 'replayed',
    (error: Error) => error.name,
  );
  assert.match(outcome, /Error$/);
});

test.run();
