/** What providers make of what is shared, and who may read it. */
import * as assert from 'uvu/assert';
import { Role } from '../../src/gen/memmie/studio/v1/access_pb.ts';
import { roleOf } from '../../src/transport/mapping/access.ts';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { startWorld, type World } from './providers-compose.ts';
import { bytes, newScene, reasonOf, textOf } from './providers-world.ts';
import type { Caller } from '../../src/domain/access/caller.ts';

const test = suite('access: derived blobs');
let world: World;
test.before(async () => void (world = await startWorld()));
test.after(() => world.stop());

const bob: Caller = { userId: 'bob', administrator: false };
const eve: Caller = { userId: 'eve', administrator: false };

async function share(owner: Caller, blobId: string, userId: string, role: Role): Promise<void> {
  await world.engine.sharing.grant(owner, { blobId, userId, role: roleOf(role) });
}

const read = (caller: Caller, id: string): Promise<string> =>
  world.documents.getBlob(caller, id, { withContent: true }).then(textOf);
const write = (caller: Caller, id: string): Promise<unknown> =>
  world.documents.updateBlob(caller, { id, content: bytes('mine') });

test('G8: what was made of a blob is for those who may read that blob, in their role there, down the graph', async () => {
  const scene = newScene(world);
  const expander = await scene.register();
  const statistics = await scene.register({
    workflowId: 'text-statistics',
    supportedTypes: ['text/plain', scene.contentType],
    onDerived: true,
  });
  const source = await scene.create('some words');
  const expanded = await scene.fresh(source.id, expander);
  const counted = await scene.fresh(expanded.id, statistics);
  for (const id of [expanded.id, counted.id]) assert.is(await reasonOf(read(bob, id)), 'BLOB_NOT_FOUND');

  // A grant on the output alone lets nobody in.
  await share(scene.caller, expanded.id, 'eve', Role.OWNER);
  assert.is(await reasonOf(read(eve, expanded.id)), 'BLOB_NOT_FOUND');

  await share(scene.caller, source.id, 'bob', Role.VIEWER);
  assert.match(await read(bob, expanded.id), 'some words');
  assert.ok((await read(bob, counted.id)).length > 0);
  assert.is(await reasonOf(write(bob, expanded.id)), 'ACCESS_DENIED');
  const { nodes } = await world.documents.getDag(bob, source.id);
  assert.ok([source.id, expanded.id, counted.id].every((id) => nodes.some(({ blob }) => blob.id === id)));

  // One on top of the right to read raises it.
  await share(scene.caller, expanded.id, 'bob', Role.EDITOR);
  assert.is(await reasonOf(write(bob, expanded.id)), 'no error');
  assert.is(await reasonOf(write(bob, source.id)), 'ACCESS_DENIED');

  await world.engine.sharing.revoke(scene.caller, { blobId: source.id, userId: 'bob' });
  for (const id of [source.id, expanded.id, counted.id]) assert.is(await reasonOf(read(bob, id)), 'BLOB_NOT_FOUND');
});

test('G8: live editors of what was made of a blob end with the right to read the blob', async () => {
  const scene = newScene(world);
  const expander = await scene.register();
  const source = await scene.create('some words');
  const expanded = await scene.fresh(source.id, expander);
  await share(scene.caller, source.id, 'bob', Role.EDITOR);
  let closed: Error | undefined;
  const roles: boolean[] = [];
  const live = await world.documents.open(bob, expanded.id, {
    onUpdate: () => undefined,
    onAccess: (readOnly) => void roles.push(readOnly),
    onClose: (error) => void (closed = error),
  });
  assert.is(live.readOnly, false);
  await share(scene.caller, source.id, 'bob', Role.VIEWER);
  await eventually('he is made a reader', () => live.readOnly, 2_000);
  await world.engine.sharing.revoke(scene.caller, { blobId: source.id, userId: 'bob' });
  await eventually('he is shut out', () => closed, 2_000);
  assert.equal(roles, [true]);
  live.close();
});

test('G8: a provider no longer runs on a blob that its owner was shut out of', async () => {
  const scene = newScene(world);
  const expander = await scene.register();
  const source = await scene.create('one');
  const before = await scene.fresh(source.id, expander);
  await share(scene.caller, source.id, 'bob', Role.OWNER);
  await world.engine.sharing.revoke(bob, { blobId: source.id, userId: scene.caller.userId });
  await world.documents.updateBlob(bob, { id: source.id, content: bytes('two') });
  await world.quiet(source.rootId);
  const after = await world.documents.getBlob(bob, before.id, { withContent: true });
  assert.equal([after.version, textOf(after)], [before.version, textOf(before)]);
});

test('G8: a run on demand takes an editor; its execution is for those who may read its input', async () => {
  const scene = newScene(world);
  const admin: Caller = { userId: 'root', administrator: true };
  const forAll = await world.registry.register(admin, {
    scope: 'all',
    name: 'for all',
    description: '',
    type: 'builtin',
    workflowId: 'expander',
    taskQueue: '',
    endpoint: '',
    inputSchema: '',
    outputSchema: '',
    config: '',
    supportedTypes: [scene.contentType],
    maxInputSize: 0,
    timeoutMs: 0,
    triggerEvents: [],
    triggerPatterns: [],
    onDerived: false,
  });
  const source = await scene.create('words');
  const run = (caller: Caller): Promise<{ readonly id: string }> =>
    world.registry.process(caller, { blobId: source.id, providerId: forAll.id });
  assert.is(await reasonOf(run(bob)), 'BLOB_NOT_FOUND');
  await share(scene.caller, source.id, 'bob', Role.VIEWER);
  assert.is(await reasonOf(run(bob)), 'ACCESS_DENIED');
  await share(scene.caller, source.id, 'bob', Role.EDITOR);
  const { id } = await run(bob);
  await eventually('it succeeds', async () => (await world.registry.getExecution(bob, id)).status === 'succeeded');
  assert.is(await reasonOf(world.registry.getExecution(eve, id)), 'EXECUTION_NOT_FOUND');
  const derived = await scene.derived(source.id, forAll);
  assert.equal([derived.userId, await read(bob, derived.id)], [scene.caller.userId, textOf(derived)]);
});

test.run();
