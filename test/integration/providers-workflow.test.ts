import { Client, Connection } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Worker,
  type WorkerOptions,
  type WorkflowBundle,
} from '@temporalio/worker';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { Provider } from '../../src/domain/derivation/provider.ts';
import type { RegisterProvider } from '../../src/providers/contract.ts';
import { PROPAGATION_HISTORY_EVENTS_MAX } from '../../src/limits.ts';
import { CHANGED_SIGNAL } from '../../src/workers/names.ts';
import { rootWorkflowId } from '../../src/workers/root-workflow.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { startWorld, type World } from './providers-compose.ts';
import { newScene, textOf, type Scene } from './providers-world.ts';

const test = suite('workflow providers');
const QUEUE = 'expand-queue';
const SIGNALS_AT_ONCE = 50;
/** Their inputs and outputs together are more than one answer to Temporal may hold. */
const LARGE_INPUTS = 16;

let world: World;
let connection: NativeConnection;
let clientConnection: Connection;
let client: Client;
let workflowBundle: WorkflowBundle;
let stopForeign: () => Promise<void>;

test.before(async () => {
  world = await startWorld();
  connection = await NativeConnection.connect({ address: world.temporalAddress });
  const workflowsPath = fileURLToPath(new URL('./providers-foreign-workflows.ts', import.meta.url));
  workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  stopForeign = await startForeign({ taskQueue: QUEUE });
  clientConnection = await Connection.connect({ address: world.temporalAddress });
  client = new Client({ connection: clientConnection });
});

test.after(async () => {
  await stopForeign?.();
  await connection?.close();
  await clientConnection?.close();
  await world?.stop();
});

/** Somebody's worker; the answer stops it. */
async function startForeign(options: WorkerOptions): Promise<() => Promise<void>> {
  const worker = await Worker.create({ connection, workflowBundle, shutdownGraceTime: 0, ...options });
  const run = worker.run();
  return async () => {
    worker.shutdown();
    await run;
  };
}

/** As a worker may encode it that has a codec of its own: sealed, broken or very deep if it says so. */
function sealed(payload: Payload): Payload {
  const text = Buffer.from(payload.data ?? []).toString('utf8');
  if (text.includes('sealed')) return { ...payload, metadata: { encoding: Buffer.from('binary/encrypted') } };
  if (text.includes('broken')) return { ...payload, data: Buffer.from('{') };
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  return text.includes('deep') ? { ...payload, data: Buffer.from(`{"content":${deep}}`) } : payload;
}

async function registerWorkflow(
  scene: Scene,
  workflowId: string,
  fields: Partial<RegisterProvider> = {},
): Promise<Provider> {
  return scene.register({ type: 'workflow', workflowId, taskQueue: QUEUE, ...fields });
}

test('test-expander: a workflow on a queue of its own worker derives, and follows its source', async () => {
  const scene = newScene(world);
  const fields = { id: 'test-expander', name: 'test-expander', config: '{"prefix":"Expanded:"}' };
  const provider = await registerWorkflow(scene, 'expand-workflow', fields);
  const source = await scene.create('grüß');
  assert.is(textOf(await scene.fresh(source.id, provider)), `Expanded: ${source.id}@1 ${scene.contentType} 6 grüß`);
  await scene.edit(source.id, 'two');
  assert.is(textOf(await scene.fresh(source.id, provider)), `Expanded: ${source.id}@2 ${scene.contentType} 3 two`);
  await world.quiet(source.id);
  const [execution] = await world.executions({ root_id: source.id });
  const child = await client.workflow.getHandle(execution?.key ?? '').describe();
  assert.equal([child.type, child.status.name, child.taskQueue], ['expand-workflow', 'COMPLETED', QUEUE]);
});

test('G9: a binary output follows its source, until people write another in its place', async () => {
  const scene = newScene(world);
  const provider = await registerWorkflow(scene, 'expand-retype', { config: '{"type":"image/png"}' });
  const source = await scene.create('one');
  assert.is(textOf(await scene.fresh(source.id, provider)), 'one');
  await scene.edit(source.id, 'two');
  const derived = await scene.fresh(source.id, provider);
  assert.is(textOf(derived), 'two');
  await scene.edit(derived.id, 'by hand');
  await scene.edit(source.id, 'three');
  assert.is(textOf(await scene.fresh(source.id, provider)), 'by hand');
});

test('G9: an output of a type in which it could not follow its source is an error of its run', async () => {
  const scene = newScene(world);
  await registerWorkflow(scene, 'expand-retype', { config: '{"type":"application/vnd.yjs"}' });
  const source = await scene.create('one');
  const failed = await eventually('the execution fails', async () => {
    const [execution] = await world.executions({ root_id: source.id, status: 'failed' });
    return execution;
  });
  assert.is(failed.error?.reason, 'CONTENT_TYPE_UNSUPPORTED');
});

test('an error is tried three times, each pause twice the one before, then the execution has failed with it', async () => {
  const scene = newScene(world);
  const provider = await registerWorkflow(scene, 'expand-fail');
  const source = await scene.create('bad');
  const failed = await eventually('the execution fails', async () => {
    const [execution] = await world.executions({ root_id: source.id });
    return execution?.status === 'failed' && execution;
  });
  assert.equal(
    [failed.attempts, failed.error],
    [3, { reason: 'PROVIDER_FAILED', message: 'Unreadable: no "bad" here' }],
  );
  const tookMs = (failed.finishedAt?.getTime() ?? 0) - failed.startedAt.getTime();
  assert.ok(tookMs >= 3_000, `${tookMs} ms`);
  await world.quiet(source.id);
  assert.is((await scene.read(source.id)).processedBy[provider.id]?.status, 'failed');
  assert.is(await world.countExecutions({ root_id: source.id }), 1);
});

test('a failed one is not tried again by itself; a change or a replay by hand does', async () => {
  const scene = newScene(world);
  const provider = await registerWorkflow(scene, 'expand-fail');
  const source = await scene.create('bad');
  const failed = await eventually('the execution fails', async () => {
    const [execution] = await world.executions({ root_id: source.id });
    return execution?.status === 'failed' && execution;
  });
  await world.quiet(source.id);
  const replay = await scene.process(source.id, provider);
  assert.equal([replay.id, replay.status, replay.attempts], [failed.id, 'running', 0]);
  const again = await scene.settled(replay.id);
  assert.equal([again.status, again.attempts], ['failed', 3]);
  await scene.edit(source.id, 'good');
  assert.is(textOf(await scene.fresh(source.id, provider)), 'good');
});

test('one that fails at first and then succeeds has succeeded, with its attempts counted', async () => {
  const scene = newScene(world);
  const provider = await registerWorkflow(scene, 'expand-second-try');
  const source = await scene.create('text');
  const made = await scene.fresh(source.id, provider);
  assert.is(textOf(made), 'attempt 2');
  await world.quiet(source.id);
  const [execution] = await world.executions({ root_id: source.id });
  assert.equal([execution?.status, execution?.attempts, execution?.error], ['succeeded', 2, undefined]);
});

test('a provider that does not end is stopped by its timeout, three times', async () => {
  const scene = newScene(world);
  await registerWorkflow(scene, 'expand-never', { timeoutMs: 500 });
  const source = await scene.create('text');
  const failed = await eventually('the execution fails', async () => {
    const [execution] = await world.executions({ root_id: source.id });
    return execution?.status === 'failed' && execution;
  });
  assert.equal([failed.attempts, failed.error?.reason], [3, 'PROVIDER_TIMEOUT']);
  const child = await client.workflow.getHandle(failed.key).describe();
  assert.is(child.status.name, 'TIMED_OUT');
});

test('G9 a run that no worker takes is put off, without using up attempts, until one does', async () => {
  const scene = newScene(world);
  const taskQueue = 'expand-away';
  const provider = await registerWorkflow(scene, 'expand-fail', { taskQueue, timeoutMs: 300 });
  const source = await scene.create('good');
  const waiting = await eventually('the run is put off', async () => {
    const [execution] = await world.executions({ root_id: source.id });
    return execution?.error && execution;
  });
  assert.equal([waiting.status, waiting.attempts, waiting.error?.reason], ['running', 0, 'PROVIDER_TIMEOUT']);
  const stop = await startForeign({ taskQueue });
  try {
    assert.is(textOf(await scene.fresh(source.id, provider)), 'good');
  } finally {
    await stop();
  }
});

test('G9 an output of which nothing can be made ends its run; what is derived by others goes on', async () => {
  const scene = newScene(world);
  const taskQueue = 'expand-sealing';
  const sealing = await startForeign({
    taskQueue,
    dataConverter: { payloadCodecs: [{ encode: async (payloads) => payloads.map(sealed), decode: async (as) => as }] },
  });
  try {
    const quick = await scene.register();
    const provider = await registerWorkflow(scene, 'expand-workflow', { taskQueue });
    const failing = await registerWorkflow(scene, 'expand-fail', { taskQueue, triggerEvents: [] });
    for (const text of ['sealed', 'broken', 'deep']) {
      const source = await scene.create(text);
      assert.is(textOf(await scene.fresh(source.id, quick)), `Expanded:\n${text}`);
      const failed = await eventually(`${text}: the run fails`, async () => {
        const [execution] = await world.executions({ root_id: source.id, status: 'failed' });
        return execution;
      });
      assert.equal([failed.providerId, failed.error?.reason], [provider.id, 'OUTPUT_INVALID'], text);
      await scene.edit(source.id, 'good');
      assert.match(textOf(await scene.fresh(source.id, provider)), /good$/);
    }
    const source = await scene.create('bad');
    const asked = await scene.settled((await scene.process(source.id, failing)).id);
    assert.is(asked.error?.message, 'Unreadable: no "bad" here');
  } finally {
    await sealing();
  }
});

test('an output that is none, and one that breaks output_schema, fail at once', async () => {
  const scene = newScene(world);
  const none = await registerWorkflow(scene, 'expand-nothing', { triggerEvents: [] });
  const schema = JSON.stringify({ type: 'string', minLength: 100 });
  const short = await registerWorkflow(scene, 'expand-second-try', { triggerEvents: [], outputSchema: schema });
  const source = await scene.create('text');
  const first = await scene.settled((await scene.process(source.id, none)).id);
  assert.equal([first.status, first.error?.reason], ['failed', 'OUTPUT_INVALID']);
  const second = await scene.settled((await scene.process(source.id, short)).id);
  assert.equal([second.status, second.error?.reason], ['failed', 'OUTPUT_SCHEMA_MISMATCH']);
});

test('G3 a later output is refused for what the first would be, and its run ends', async () => {
  const scene = newScene(world);
  const provider = await registerWorkflow(scene, 'expand-as-json');
  const source = await scene.create('{"b":1, "a":2}');
  await scene.fresh(source.id, provider);
  for (const [index, second] of ['not json', '{"a":12345678901234567890}'].entries()) {
    await scene.edit(source.id, second);
    const failed = await eventually('its run fails', async () => {
      const failures = await world.executions({ root_id: source.id, status: 'failed' });
      return failures.length > index && failures.find(({ inputs }) => inputs[0]?.version === index + 2);
    });
    assert.is(failed.error?.reason, 'CONTENT_INVALID');
  }
  assert.is(textOf(await scene.derived(source.id, provider)), '{"a":2,"b":1}');
  await scene.edit(source.id, '{"a":7}');
  assert.is(textOf(await scene.fresh(source.id, provider)), '{"a":7}');
});

test('a slow provider does not hold up the others of its root', async () => {
  const scene = newScene(world);
  await registerWorkflow(scene, 'expand-never', { timeoutMs: 20_000 });
  const quick = await scene.register();
  const source = await scene.create('one');
  assert.is(textOf(await scene.fresh(source.id, quick)), 'Expanded:\none');
  await scene.edit(source.id, 'two');
  assert.is(textOf(await scene.fresh(source.id, quick)), 'Expanded:\ntwo');
  // The quick one is fresh a moment before its run is noted as ended.
  const running = { root_id: source.id, status: 'running' };
  await eventually('only the slow one runs', async () => (await world.countExecutions(running)) === 1);
});

test('G9 many large inputs below one root at once are each made', async () => {
  const scene = newScene(world);
  const large = 'x'.repeat(300_000);
  const provider = await registerWorkflow(scene, 'expand-workflow', { config: '{"prefix":"Expanded:"}' });
  const root = await scene.create('root', 'text/plain');
  const children = await Promise.all(
    Array.from({ length: LARGE_INPUTS }, (_none, index) => scene.create(`${index} ${large}`, undefined, [root.id])),
  );
  for (const [index, { id }] of children.entries()) {
    assert.match(textOf(await scene.fresh(id, provider)).slice(0, 200), ` ${index} x`);
  }
});

test('G9 a slow provider does not hold up the others, however much changes meanwhile', async () => {
  const scene = newScene(world);
  const slow = await registerWorkflow(scene, 'expand-never', { timeoutMs: 45_000 });
  const quick = await scene.register();
  const source = await scene.create('one');
  await scene.fresh(source.id, quick);
  const root = client.workflow.getHandle(rootWorkflowId(source.id, scene.caller.userId));
  const { runId } = await root.describe();
  // As many events as a history takes before the workflow continues as new.
  for (let sent = 0; sent < PROPAGATION_HISTORY_EVENTS_MAX; sent += SIGNALS_AT_ONCE) {
    await Promise.all(Array.from({ length: SIGNALS_AT_ONCE }, () => root.signal(CHANGED_SIGNAL, { seen: {} })));
  }
  await eventually('the workflow continues as new', async () => (await root.describe()).runId !== runId);
  await scene.edit(source.id, 'two');
  assert.is(textOf(await scene.fresh(source.id, quick)), 'Expanded:\ntwo');
  // The slow one is still the one attempt that was begun.
  const runs = { root_id: source.id, provider_id: slow.id };
  assert.is(await world.countExecutions(runs), 1);
  assert.is(await world.countExecutions({ ...runs, status: 'running' }), 1);
});

test.run();
