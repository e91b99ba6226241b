/** Graphs that hold blobs of several owners, each with providers of their own. */
import * as assert from 'uvu/assert';
import type { Blob } from '../../src/domain/blob.ts';
import type { Caller } from '../../src/domain/caller.ts';
import type { Provider } from '../../src/domain/provider.ts';
import { Planner } from '../../src/workers/planner.ts';
import { suite } from '../harness/suite.ts';
import { startWorld, type World } from './providers-compose.ts';
import { bytes, newScene, type Scene } from './providers-world.ts';

const test = suite('graphs of several owners');
const admin: Caller = { userId: 'root', administrator: true };
const now = (): Date => new Date();
let world: World;
let planner: Planner;

test.before(async () => {
  world = await startWorld({ worker: false });
  const { documents, providers, executions: runs } = world.engine;
  planner = new Planner({ documents, providers, runs, now });
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

async function createBelow(scene: Scene, parentId: string): Promise<Blob> {
  const { contentType } = scene;
  const request = { content: bytes('of the guest'), contentType, parentIds: [parentId], labels: {} };
  return (await world.documents.createBlob(scene.caller, request)).blob;
}

/** What is to be run in one owner's name, as pairs of source and provider. */
async function readyFor(rootId: string, scene: Scene): Promise<string[]> {
  const plan = await planner.plan({ rootId, owner: scene.caller.userId, seen: {}, running: [] });
  return plan.ready.map((ref) => `${ref.owner} ${ref.sourceId} ${ref.providerId}`).sort();
}

const run = (scene: Scene, source: Blob, provider: Provider): string =>
  `${scene.caller.userId} ${source.id} ${provider.id}`;

test('G8 what is made of a blob is made in its owner’s name, whoever else may read it', async () => {
  let forAll: Provider | undefined;
  const { host, guest, source, below } = await newShared(async (one, other) => {
    forAll = await one.register({ scope: 'all', supportedTypes: [one.contentType, other.contentType] }, admin);
  });
  assert.ok(forAll);
  assert.equal(await readyFor(source.id, guest), [run(guest, below, forAll)]);
  assert.equal(await readyFor(source.id, host), [run(host, source, forAll)]);
});

test.run();
