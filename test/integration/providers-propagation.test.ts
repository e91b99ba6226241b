import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { derivedBlobId } from '../../src/domain/derivation/execution-key.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { startWorld, type World } from './providers-compose.ts';
import { newScene, reasonOf, textOf } from './providers-world.ts';

const test = suite('propagation');
let world: World;

test.before(async () => {
  world = await startWorld();
});
test.after(() => world?.stop());

test('a created blob gets its derived blob, and a changed source changes it', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const source = await scene.create("I can't");
  const made = await scene.fresh(source.id, provider);
  assert.is(textOf(made), 'Expanded:\nI cannot');
  assert.equal(
    [made.userId, made.parentIds, made.rootId, made.depth],
    [scene.caller.userId, [source.id], source.id, 1],
  );
  assert.equal([made.createdBy, made.contentType], [provider.id, 'text/plain']);
  await scene.edit(source.id, "I can't go, e.g. today");
  const changed = await scene.fresh(source.id, provider);
  assert.is(textOf(changed), 'Expanded:\nI cannot go, for example today');
  assert.is(changed.version, 2);
  await world.quiet(source.id);
  const noted = (await scene.read(source.id)).processedBy[provider.id];
  assert.is(noted?.status, 'succeeded');
  assert.equal(noted?.inputs, [{ blobId: source.id, version: 2 }]);
});

test('the three built-ins', async () => {
  const scene = newScene(world);
  const html = await scene.register({ workflowId: 'markdown-html', supportedTypes: ['text/markdown'] });
  const statistics = await scene.register({ workflowId: 'text-statistics', supportedTypes: ['text/markdown'] });
  const source = await scene.create('# Two words', 'text/markdown');
  const page = await scene.fresh(source.id, html);
  assert.equal([page.contentType, textOf(page)], ['text/html', '<h1>Two words</h1>\n']);
  const counts = await scene.fresh(source.id, statistics);
  assert.is(counts.contentType, 'application/json');
  assert.is((JSON.parse(textOf(counts)) as { words: number }).words, 2);
});

test('a provider of updates alone leaves new blobs be; one of creations alone leaves later edits be', async () => {
  const scene = newScene(world);
  const onUpdate = await scene.register({ triggerEvents: ['blob.updated'] });
  const onCreate = await scene.register({ triggerEvents: ['blob.created'] });
  const source = await scene.create('one');
  await scene.fresh(source.id, onCreate);
  await world.quiet(source.id);
  assert.is(await reasonOf(scene.derived(source.id, onUpdate)), 'BLOB_NOT_FOUND');
  await scene.edit(source.id, 'two');
  assert.is(textOf(await scene.fresh(source.id, onUpdate)), 'Expanded:\ntwo');
  assert.is(textOf(await scene.derived(source.id, onCreate)), 'Expanded:\none');
});

test('derived blobs of derived blobs follow their source, level by level', async () => {
  const scene = newScene(world);
  const first = await scene.register();
  const second = await scene.register({
    workflowId: 'text-statistics',
    supportedTypes: ['text/plain'],
    onDerived: true,
  });
  const source = await scene.create('one two');
  const middle = await scene.fresh(source.id, first);
  const words = async (): Promise<number> =>
    (JSON.parse(textOf(await scene.fresh(middle.id, second))) as { words: number }).words;
  assert.is(await words(), 3);
  await scene.edit(source.id, 'one two three four');
  await scene.fresh(source.id, first);
  assert.is(await words(), 5);
});

test('an output that did not change stops the branch: nothing below runs', async () => {
  const scene = newScene(world);
  const first = await scene.register();
  const second = await scene.register({
    workflowId: 'text-statistics',
    supportedTypes: ['text/plain'],
    onDerived: true,
  });
  const source = await scene.create("we can't");
  const middle = await scene.fresh(source.id, first);
  await scene.fresh(middle.id, second);
  await world.quiet(source.id);
  assert.is(await world.countExecutions({ root_id: source.id }), 2);
  await scene.edit(source.id, 'we cannot');
  const after = await scene.fresh(source.id, first);
  await world.quiet(source.id);
  assert.equal([after.contentVersion, after.derivedFrom?.inputs[0]?.version], [middle.contentVersion, 2]);
  assert.is(await world.countExecutions({ root_id: source.id, provider_id: second.id }), 1);
  assert.is(await world.countExecutions({ root_id: source.id }), 3);
});

test('G9 providers that feed each other come to an end, each run once', async () => {
  const scene = newScene(world);
  // Their outputs are text/plain too, which each of them takes.
  const fields = { supportedTypes: [scene.contentType, 'text/plain'], onDerived: true };
  const providers = [await scene.register(fields), await scene.register(fields), await scene.register(fields)];
  const source = await scene.create('round');
  await eventually('all lineages are made', async () => {
    const { nodes } = await world.documents.getDag(scene.caller, source.id);
    return nodes.length >= 16;
  });
  await world.quiet(source.id);
  const { nodes } = await world.documents.getDag(scene.caller, source.id);
  assert.is(nodes.length, 16);
  assert.is(Math.max(...nodes.map((node) => node.blob.depth)), providers.length);
  assert.is(await world.countExecutions({ root_id: source.id }), 15);
});

test('G9 a burst of edits ends fresh, with far fewer runs', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const source = await scene.create('start');
  for (let edit = 1; edit <= 100; edit++) await scene.edit(source.id, `edit ${edit}`);
  assert.is(textOf(await scene.fresh(source.id, provider)), 'Expanded:\nedit 100');
  await world.quiet(source.id);
  const runs = await world.countExecutions({ root_id: source.id });
  assert.ok(runs >= 2 && runs <= 60, `${runs} runs`);
  assert.is(await world.countExecutions({ root_id: source.id, status: 'running' }), 0);
});

test('G9 a run asked for and a wave that wants the same make one execution and one change', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const source = await scene.create('both');
  const asked = await Promise.all(Array.from({ length: 5 }, () => scene.process(source.id, provider)));
  assert.is(new Set(asked.map((execution) => execution.id)).size, 1);
  const execution = await scene.settled(asked[0]?.id ?? '');
  assert.equal([execution.status, execution.attempts], ['succeeded', 1]);
  await world.quiet(source.id);
  assert.is((await scene.fresh(source.id, provider)).version, 1);
  assert.is(await world.countExecutions({ root_id: source.id }), 1);
});

test('G4 the same request_id gets the first execution, however the blob changed since and whoever asked too', async () => {
  const scene = newScene(world);
  const provider = await scene.register({ triggerEvents: [] });
  const source = await scene.create('one');
  const ask = async (requestId: string): Promise<string> =>
    (await world.registry.process(scene.caller, { blobId: source.id, providerId: provider.id, requestId })).id;
  const first = await ask('r1');
  assert.is(await ask('r2'), first);
  await scene.settled(first);
  await scene.edit(source.id, 'two');
  assert.equal([await ask('r1'), await ask('r2')], [first, first]);
  const [second, beside] = await Promise.all([ask('r3'), ask('r3')]);
  assert.is(second, beside);
  assert.is.not(second, first);
  assert.is((await scene.settled(second)).status, 'succeeded');
  assert.is(await world.countExecutions({ root_id: source.id }), 2);
});

test('a run by hand needs no trigger, names its version, and never takes the derived blob back', async () => {
  const scene = newScene(world);
  const provider = await scene.register({ triggerEvents: [] });
  const source = await scene.create('one');
  await scene.edit(source.id, 'two');
  const run = async (version?: number): Promise<string> =>
    (await scene.settled((await scene.process(source.id, provider, version)).id)).status;
  assert.is(await run(), 'succeeded');
  assert.is(textOf(await scene.fresh(source.id, provider)), 'Expanded:\ntwo');
  assert.is(await run(1), 'skipped');
  assert.is(textOf(await scene.fresh(source.id, provider)), 'Expanded:\ntwo');
});

test('content that does not fit input_schema fails the run, once, until it changes', async () => {
  const scene = newScene(world);
  const provider = await scene.register({ inputSchema: JSON.stringify({ type: 'string', maxLength: 5 }) });
  const source = await scene.create('too long');
  const noted = await eventually('the failure is noted', async () => {
    const note = (await scene.read(source.id)).processedBy[provider.id];
    return note?.status === 'failed' && note;
  });
  const execution = await world.registry.getExecution(scene.caller, noted.executionId);
  assert.is(execution.error?.reason, 'INPUT_SCHEMA_MISMATCH');
  assert.match(execution.error?.message ?? '', /5 characters/);
  await world.quiet(source.id);
  assert.is(await world.countExecutions({ root_id: source.id }), 1);
  await scene.edit(source.id, 'short');
  assert.is(textOf(await scene.fresh(source.id, provider)), 'Expanded:\nshort');
});

test('output that does not fit output_schema fails the run, and no derived blob is made', async () => {
  const scene = newScene(world);
  const outputSchema = JSON.stringify({ type: 'object', required: ['sentiment'] });
  const provider = await scene.register({ workflowId: 'text-statistics', outputSchema });
  const source = await scene.create('words');
  const execution = await scene.settled((await scene.process(source.id, provider)).id);
  assert.equal([execution.status, execution.error?.reason], ['failed', 'OUTPUT_SCHEMA_MISMATCH']);
  assert.match(execution.error?.message ?? '', /sentiment/);
  assert.is(await reasonOf(scene.derived(source.id, provider)), 'BLOB_NOT_FOUND');
});

test('trigger patterns decide by content', async () => {
  const scene = newScene(world);
  const provider = await scene.register({ triggerPatterns: ['TODO'] });
  const source = await scene.create('nothing to do');
  await eventually(
    'the first content is passed over',
    async () => (await world.countExecutions({ root_id: source.id, status: 'skipped' })) === 1,
  );
  await scene.edit(source.id, 'a TODO');
  assert.is(textOf(await scene.fresh(source.id, provider)), 'Expanded:\na TODO');
});

test('a debounced provider runs after quiet, and at the latest after its greatest wait', async () => {
  const scene = newScene(world);
  const provider = await scene.register({ debounce: { quietMs: 1_500, maxWaitMs: 4_000 } });
  const startedAt = Date.now();
  const source = await scene.create('v0');
  for (let edit = 1; Date.now() - startedAt < 1_200; edit++) {
    await scene.edit(source.id, `v${edit}`);
    await sleep(100);
  }
  assert.is(await world.countExecutions({ root_id: source.id }), 0);
  await scene.fresh(source.id, provider);
  assert.is(await world.countExecutions({ root_id: source.id }), 1);
  const steadyFrom = Date.now();
  let madeAfterMs = Infinity;
  for (let edit = 1; madeAfterMs === Infinity && Date.now() - steadyFrom < 10_000; edit++) {
    await scene.edit(source.id, `w${edit}`);
    await sleep(100);
    if ((await world.countExecutions({ root_id: source.id })) > 1) madeAfterMs = Date.now() - steadyFrom;
  }
  assert.ok(madeAfterMs >= 3_500 && madeAfterMs < 8_000, `made ${madeAfterMs} ms into steady typing`);
});

test('G8 a provider of its owner alone never runs on the blobs of others, nor is it seen by them', async () => {
  const scene = newScene(world);
  const other = newScene(world);
  const foreign = await other.register({ supportedTypes: [scene.contentType] });
  const provider = await scene.register();
  const source = await scene.create('private');
  await scene.fresh(source.id, provider);
  await world.quiet(source.id);
  assert.is((await world.documents.getDag(scene.caller, source.id)).nodes.length, 2);
  assert.is(await reasonOf(world.registry.get(scene.caller, foreign.id)), 'PROVIDER_NOT_FOUND');
  assert.is(await reasonOf(scene.process(source.id, foreign)), 'PROVIDER_NOT_FOUND');
  assert.is(await reasonOf(other.process(source.id, foreign)), 'BLOB_NOT_FOUND');
  const run = await scene.process(source.id, provider);
  assert.is(await reasonOf(world.registry.getExecution(other.caller, run.id)), 'EXECUTION_NOT_FOUND');
  assert.is(await reasonOf(world.registry.getExecution(scene.caller, 'nonsense')), 'EXECUTION_NOT_FOUND');
});

test('what a provider does not take is refused with the reason, and so is its own lineage', async () => {
  const scene = newScene(world);
  const provider = await scene.register({ supportedTypes: [scene.contentType, 'text/plain'], maxInputSize: 20 });
  const html = await scene.create('<p>', 'text/html');
  const long = await scene.create('x'.repeat(21));
  assert.is(await reasonOf(scene.process(html.id, provider)), 'PROVIDER_INPUT_UNSUPPORTED');
  assert.is(await reasonOf(scene.process(long.id, provider)), 'PROVIDER_INPUT_UNSUPPORTED');
  assert.is(await reasonOf(scene.process('no-such-blob', provider)), 'BLOB_NOT_FOUND');
  const source = await scene.create('ok');
  const made = await scene.fresh(source.id, provider);
  assert.is(await reasonOf(scene.process(made.id, provider)), 'LINEAGE_LIMIT');
});

test('G9 a derived blob that somebody deleted stays deleted, and is brought up to date once it is undeleted', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const beside = await scene.register({ workflowId: 'text-statistics' });
  const source = await scene.create('one');
  const made = await scene.fresh(source.id, provider);
  await world.documents.deleteBlob(scene.caller, made.id, {});
  await scene.edit(source.id, 'two');
  await scene.fresh(source.id, beside);
  await world.quiet(source.id);
  assert.ok((await scene.read(derivedBlobId(source.id, provider.id))).deletedAt);
  assert.is(await world.countExecutions({ root_id: source.id, provider_id: provider.id }), 1);
  await world.documents.undeleteBlob(scene.caller, made.id, {});
  assert.is(textOf(await scene.fresh(source.id, provider)), 'Expanded:\ntwo');
});

test('what a person made of a derived blob survives the next run', async () => {
  const scene = newScene(world);
  const provider = await scene.register();
  const source = await scene.create('first line\nsecond line\n');
  const made = await scene.fresh(source.id, provider);
  await scene.edit(made.id, 'Expanded:\nfirst line\nsecond line, corrected\n');
  await scene.edit(source.id, 'first line, changed\nsecond line\n');
  const merged = await scene.fresh(source.id, provider);
  assert.is(textOf(merged), 'Expanded:\nfirst line, changed\nsecond line, corrected\n');
});

test('providers are listed page by page, and a page token is its own user’s alone', async () => {
  const scene = newScene(world);
  const ids: string[] = [];
  for (let index = 0; index < 3; index++)
    ids.unshift((await scene.register({ id: `${scene.caller.userId}-${index}` })).id);
  const first = await world.registry.list(scene.caller, { pageSize: 2, pageToken: '' });
  const second = await world.registry.list(scene.caller, { pageSize: 2, pageToken: first.nextPageToken });
  const listed = [...first.items, ...second.items].map((provider) => provider.id);
  assert.equal(new Set(listed), new Set(ids));
  assert.is(second.nextPageToken, '');
  const foreign = { pageSize: 2, pageToken: first.nextPageToken };
  assert.is(await reasonOf(world.registry.list(newScene(world).caller, foreign)), 'PAGE_TOKEN_INVALID');
});

test.run();
