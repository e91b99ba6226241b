/** Graphs that hold blobs of several owners, each with providers of their own. */
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import type { Blob } from '../../src/domain/blob.ts';
import { contentHash } from '../../src/domain/content/canonical.ts';
import type { Caller } from '../../src/domain/access/caller.ts';
import { derivedBlobId } from '../../src/domain/derivation/execution-key.ts';
import type { Provider } from '../../src/domain/derivation/provider.ts';
import { StudioError } from '../../src/errors.ts';
import { PLAN_RUNS_MAX } from '../../src/limits.ts';
import { startWorker } from '../../src/worker.ts';
import { Planner } from '../../src/workers/planner.ts';
import { Reconciler } from '../../src/workers/reconciler.ts';
import { RootSignals } from '../../src/workers/signals.ts';
import { suite } from '../harness/suite.ts';
import { startWorld, type World } from './providers-compose.ts';
import { bytes, newScene, reasonOf, textOf, type Scene } from './providers-world.ts';

const test = suite('graphs of several owners');
const admin: Caller = { userId: 'root', administrator: true };
const logger = pino({ level: 'silent' });
const now = (): Date => new Date();
let world: World;
let planner: Planner;

test.before(async () => {
  world = await startWorld({ worker: false });
  const { documents, heads, access, providers, executions: runs } = world.engine;
  planner = new Planner({ documents, heads, access, providers, runs, logger, now });
});
test.after(() => world?.stop());

interface Shared {
  readonly host: Scene;
  readonly guest: Scene;
  /** The host's, which the guest may read. */
  readonly source: Blob;
  /** The guest's, below it. */
  readonly below: Blob;
}

async function newShared(register: (host: Scene, guest: Scene) => Promise<void>): Promise<Shared> {
  const [host, guest] = [newScene(world), newScene(world)];
  await register(host, guest);
  const source = await host.create('of the host');
  await world.engine.sharing.grant(host.caller, { blobId: source.id, userId: guest.caller.userId, role: 'viewer' });
  const below = await createBelow(guest, source.id);
  return { host, guest, source, below };
}

const createBelow = (scene: Scene, parentId: string): Promise<Blob> =>
  scene.create('of the guest', scene.contentType, [parentId]);

/** What is to be run in one owner's name, as pairs of source and provider. */
async function readyFor(rootId: string, scene: Scene): Promise<string[]> {
  const plan = await planner.plan({ rootId, owner: scene.caller.userId, seen: {}, running: [] });
  return plan.ready.map((ref) => `${ref.owner} ${ref.sourceId} ${ref.providerId}`).sort();
}

const run = (scene: Scene, source: Blob, provider: Provider): string =>
  `${scene.caller.userId} ${source.id} ${provider.id}`;

test('G9 who may read a source can’t take the id of what is to be made of it', async () => {
  let provider: Provider | undefined;
  const { host, guest, source } = await newShared(async (scene) => {
    provider = await scene.register();
  });
  assert.ok(provider);
  const request = { content: bytes('mine'), contentType: 'text/plain', parentIds: [], labels: {} };
  for (const { caller } of [guest, host]) {
    const id = derivedBlobId(source.id, provider.id);
    assert.is(await reasonOf(world.documents.createBlob(caller, { ...request, id })), 'FIELD_INVALID');
  }
  assert.equal(await readyFor(source.id, host), [run(host, source, provider)]);
});

test('G8 what is made of a blob is made in its owner’s name, whoever else may read it', async () => {
  let forAll: Provider | undefined;
  const { host, guest, source, below } = await newShared(async (one, other) => {
    forAll = await one.register({ scope: 'all', supportedTypes: [one.contentType, other.contentType] }, admin);
  });
  assert.ok(forAll);
  assert.equal(await readyFor(source.id, guest), [run(guest, below, forAll)]);
  assert.equal(await readyFor(source.id, host), [run(host, source, forAll)]);
});

test('G9 a blob is derived from whether or not its owner may read the root, and after the root was deleted', async () => {
  const [host, guest] = [newScene(world), newScene(world)];
  const provider = await guest.register();
  const root = await host.create('for its owner alone');
  const shared = await createBelow(host, root.id);
  await world.engine.sharing.grant(host.caller, { blobId: shared.id, userId: guest.caller.userId, role: 'viewer' });
  const below = await createBelow(guest, shared.id);
  assert.is(below.rootId, root.id);
  assert.equal(await readyFor(root.id, guest), [run(guest, below, provider)]);
  await world.documents.deleteBlob(host.caller, root.id, {});
  assert.equal(await readyFor(root.id, guest), [run(guest, below, provider)]);
});

test('G8 a provider of an editor’s own runs on no blob of another, and the refusal says so', async () => {
  let provider: Provider | undefined;
  const { host, guest, source } = await newShared(async (one, other) => {
    provider = await other.register({ supportedTypes: [one.contentType] });
  });
  assert.ok(provider);
  assert.is(await reasonOf(guest.process(source.id, provider)), 'ACCESS_DENIED');
  await world.engine.sharing.grant(host.caller, { blobId: source.id, userId: guest.caller.userId, role: 'editor' });
  const refusal = await guest.process(source.id, provider).catch((error: unknown) => StudioError.from(error));
  assert.instance(refusal, StudioError);
  assert.is((refusal as StudioError).reason, 'PROVIDER_INPUT_UNSUPPORTED');
  assert.match((refusal as StudioError).message, /is another user's/);
});

test('G9 the reconciler finds what each owner in a root has left to do', async () => {
  const { host, guest, source } = await newShared(async (one, other) => {
    await one.register();
    await other.register();
  });
  const { providers, executions: runs, heads, accessLists, reconciled: mark } = world.engine;
  const told: string[] = [];
  const signals = new RootSignals({ send: async (rootId, owner) => void told.push(`${rootId} ${owner}`) });
  const starter = { start: async () => undefined };
  await new Reconciler({ heads, accessLists, mark, planner, providers, runs, starter, signals, logger, now }).pass();
  for (const { caller } of [host, guest]) assert.ok(told.includes(`${source.id} ${caller.userId}`), told.join());
});

test('G9 an owner who was shut out of a blob and let in again: the reconciler finds what was left undone', async () => {
  const { host, guest, source } = await newShared(async (one) => void (await one.register()));
  const [{ caller: owner }, { caller: other }] = [host, guest];
  const { sharing, providers, executions: runs, heads, accessLists, reconciled: mark } = world.engine;
  await sharing.grant(owner, { blobId: source.id, userId: other.userId, role: 'owner' });
  await sharing.revoke(other, { blobId: source.id, userId: owner.userId });
  const told: string[] = [];
  const signals = new RootSignals({ send: async (rootId, of) => void told.push(`${rootId} ${of}`) });
  const starter = { start: async () => undefined };
  const parts = { heads, accessLists, mark, planner, providers, runs, starter, signals, logger, now };
  const reconciler = new Reconciler(parts);
  await reconciler.pass();
  assert.not.ok(told.includes(`${source.id} ${owner.userId}`));
  await sharing.grant(other, { blobId: source.id, userId: owner.userId, role: 'editor' });
  await reconciler.pass();
  assert.ok(told.includes(`${source.id} ${owner.userId}`), told.join());
});

test('G9 an owner who may only read a blob for a while: nothing is made of it then, and what was left afterwards', async () => {
  const { host, guest, source } = await newShared(async (one) => void (await one.register()));
  const [{ caller: owner }, { caller: other }] = [host, guest];
  const { sharing } = world.engine;
  const wants = async (): Promise<boolean> => {
    const { ready } = await planner.plan({ rootId: source.id, owner: owner.userId, seen: {}, running: [] });
    return ready.some(({ sourceId }) => sourceId === source.id);
  };
  await sharing.grant(owner, { blobId: source.id, userId: other.userId, role: 'owner' });
  assert.ok(await wants());
  await sharing.grant(other, { blobId: source.id, userId: owner.userId, role: 'viewer' });
  assert.not.ok(await wants());
  await sharing.grant(other, { blobId: source.id, userId: owner.userId, role: 'editor' });
  assert.ok(await wants());
});

test('G9 what one owner waits for holds up no other’s work in the same root', async () => {
  const worker = await startWorker(world.config, logger);
  try {
    let provider: Provider | undefined;
    const { guest, source, below } = await newShared(async (one, other) => {
      // Longer than any test: the host's workflow is there, and waits.
      await one.register({ debounce: { quietMs: 3_600_000, maxWaitMs: 3_600_000 } });
      provider = await other.register();
    });
    assert.ok(provider);
    assert.is(textOf(await guest.fresh(below.id, provider)), 'Expanded:\nof the guest');
    await world.quiet(source.id, { owner: guest.caller.userId });
  } finally {
    await worker.stop();
  }
});

test('G9 what a plan leaves over, for there is enough to start, is in the next one', async () => {
  const scene = newScene(world);
  const providers = await Promise.all(Array.from({ length: 8 }, () => scene.register()));
  const root = await scene.create('root', 'text/x-nobodys');
  const texts = Array.from({ length: 9 }, (_, at) => String(at));
  await Promise.all(texts.map((text) => scene.create(text, scene.contentType, [root.id])));
  const { documents, heads, access, executions: runs } = world.engine;
  const parts = { documents, heads, access, providers: world.engine.providers, runs, logger, now, pairsMax: 8 };
  const request = { rootId: root.id, owner: scene.caller.userId, seen: {} };
  const first = (await new Planner(parts).plan({ ...request, running: [] })).ready;
  assert.is(first.length, PLAN_RUNS_MAX);
  const running = first.map(({ derivedId }) => derivedId);
  const second = (await new Planner(parts).plan({ ...request, running })).ready;
  const all = new Set([...first, ...second].map(({ derivedId }) => derivedId));
  assert.is(all.size, texts.length * providers.length);
});

test('G9 a lineage stays one when what it leads through is deleted', async () => {
  const scene = newScene(world);
  const expander = await scene.register({ supportedTypes: ['text/*'], onDerived: true });
  const other = await scene.register({ triggerEvents: [] });
  const source = await scene.create('text', 'text/x-nobodys');
  const first = derivedBlobId(source.id, expander.id);
  const second = derivedBlobId(first, other.id);
  for (const [id, from, by] of [
    [first, source.id, expander],
    [second, first, other],
  ] as const) {
    await world.documents.commitTransform({
      blobId: id,
      ownerId: scene.caller.userId,
      parentIds: [from],
      contentType: 'text/plain',
      content: bytes(id),
      derivation: {
        providerId: by.id,
        providerVersion: by.version,
        inputs: [{ blobId: from, version: 1 }],
        executionKey: id,
        outputHash: contentHash(bytes(id)),
      },
    });
  }
  await scene.edit(second, 'edited');
  for (const id of [first, source.id]) await world.documents.deleteBlob(scene.caller, id, {});
  const seen = { [second]: { version: 2 } };
  const plan = await planner.plan({ rootId: source.id, owner: scene.caller.userId, seen, running: [] });
  assert.equal(plan.ready, []);
});

test.run();
