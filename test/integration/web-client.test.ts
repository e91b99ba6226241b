/** clients/web against real studio processes: both links, in Node. */
import { Code } from '@connectrpc/connect';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import {
  StudioDocument,
  type DocumentState,
  type LinkMaker,
  type StudioDocumentOptions,
} from '../../clients/web/src/index.ts';
import { Role } from '../../clients/node/gen/memmie/studio/v1/access_pb.ts';
import { TOKEN_CLOCK_TOLERANCE_SECONDS } from '../../src/limits.ts';
import { startCutProxy } from '../harness/cut-proxy.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { seeded } from '../harness/random.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';
import { suite } from '../harness/suite.ts';
import { createText, readText, SyncWorld } from './sync-world.ts';
import { buildsOnMissing, largerThanAnyMessage, olderThanItsVersion } from './web-kept-cases.ts';
import { LINKS } from './web-links.ts';
import type { StudioClient } from '../../clients/node/src/index.ts';

const test = suite('web client');
const world = new SyncWorld();
const documents: StudioDocument[] = [];
let parts: TestParts;
let here: TestStudio;
let there: TestStudio;
let client: StudioClient;
let token: string;

test.before(async () => {
  parts = await startParts({ mongodb: true, nats: true, temporal: true });
  [here, there] = await Promise.all([startStudio({ parts }), startStudio({ parts })]);
  client = await world.client(here, 'ada');
  token = await here.token('ada');
});
test.after(() => parts.stop());
test.after(async () => void (await Promise.all([here.stop(), there.stop()])));
test.after(() => world.close());
test.after.each(() => {
  for (const document of documents.splice(0)) document.destroy();
});

const open = (
  link: LinkMaker,
  blobId: string,
  doc = new Y.Doc(),
  options: Partial<StudioDocumentOptions> = {},
): StudioDocument => {
  const document = new StudioDocument({ blobId, doc, link, ...options });
  documents.push(document);
  return document;
};
const textOf = (document: StudioDocument): Y.Text => document.doc.getText('content');
const sameText = (id: string, ...documents: readonly { readonly doc: Y.Doc }[]): Promise<string> =>
  eventually('all have the stored text', async () => {
    const stored = await readText(client, id);
    for (const { doc } of documents) assert.is(doc.getText('content').toJSON(), stored);
    return `${stored} `;
  });

for (const [name, linkTo] of Object.entries(LINKS)) {
  test(
    `${name} (G3): two replicas and a stock editor that type at random and drop off end with one text`,
    seeded(async (random) => {
      const id = await createText(client, 'seed');
      const editor = await world.openSynced(there, id, token);
      const replicas = [open(linkTo(here.address, token), id), open(linkTo(there.address, token), id)];
      await Promise.all(replicas.map((replica) => replica.whenSynced()));
      for (const replica of replicas) assert.is(textOf(replica).toJSON(), 'seed');
      for (let round = 0; round < 120; round += 1) {
        const replica = random.pick([...replicas, editor]);
        const text = replica.doc.getText('content');
        if (replica instanceof StudioDocument && random.chance(0.06)) {
          if (replica.state.status === 'offline') replica.connect();
          else replica.disconnect();
        } else if (text.length > 0 && random.chance(0.3)) {
          const at = random.int(0, text.length);
          text.delete(at, Math.min(random.int(1, 4), text.length - at));
        } else text.insert(random.int(0, text.length + 1), random.pick('abcdefgh'.split('')));
        if (random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, random.int(0, 15)));
      }
      for (const replica of replicas) replica.connect();
      await Promise.all(replicas.map((replica) => replica.whenSaved()));
      await Promise.all(replicas.map((replica) => replica.whenSynced()));
      await sameText(id, editor, ...replicas);
      const { blob } = await client.blobs.getBlob({ id });
      await eventually('both say which version they have', () =>
        replicas.every(({ state }) => state.version === blob?.version),
      );
    }),
  );

  test(`${name}: edits made before there was a connection, and while there was none, are kept and pushed`, async () => {
    const id = await createText(client, 'x');
    const doc = new Y.Doc();
    doc.getText('content').insert(0, 'before ');
    const replica = open(linkTo(here.address, token), id, doc);
    assert.not.ok(replica.state.saved);
    const saved = await replica.whenSaved();
    assert.is(saved, 2n);
    replica.disconnect();
    for (let n = 0; n < 1_500; n += 1) textOf(replica).insert(0, 'o');
    textOf(replica).delete(textOf(replica).toJSON().indexOf('before'), 'before '.length);
    assert.equal([replica.state.status, replica.state.saved], ['offline', false]);
    await client.deltas.applyDelta({
      blobId: id,
      patch: { case: 'textEdits', value: { edits: [{ offset: 8, deleteCount: 0, insert: '!' }] } },
    });
    replica.connect();
    await replica.whenSaved();
    const text = await sameText(id, replica);
    assert.equal([...text].sort().join(''), ` !${'o'.repeat(1_500)}x`);
  });

  const openHere = (id: string, doc?: Y.Doc, options?: Partial<StudioDocumentOptions>): StudioDocument =>
    open(linkTo(here.address, token), id, doc, options);
  test(`${name} (G6): a kept state that is older than the version given with it gets what it lacks`, () =>
    olderThanItsVersion(client, openHere));

  test(`${name} (G6): a document whose changes build on what the studio lacks works, is not saved, and is once that came`, () =>
    buildsOnMissing(client, openHere));

  test(`${name} (G7): more than one push may hold closes it, also where no message may be so large`, () =>
    largerThanAnyMessage(client, openHere));

  test(`${name}: it comes back to a studio that was killed, and what was typed meanwhile is saved`, async () => {
    const id = await createText(client, '');
    const first = await startStudio({ parts });
    const replica = open(linkTo(first.address, token), id);
    await replica.whenSynced();
    textOf(replica).insert(0, 'one ');
    await replica.whenSaved();
    textOf(replica).insert(4, 'two ');
    await first.kill();
    textOf(replica).insert(8, 'three');
    await eventually('it notices', () => replica.state.status !== 'connected' && replica.state.problem !== undefined);
    assert.equal([replica.state.saved, replica.state.synced], [false, false]);
    const second = await startStudio({ parts, ports: first });
    try {
      await eventually('it is saved', () => replica.state.saved, 30_000);
      assert.is(await sameText(id, replica), 'one two three ');
      // Sent twice, perhaps; kept once.
      assert.ok(replica.state.savedVersion <= 4n, `version ${replica.state.savedVersion}`);
    } finally {
      replica.destroy();
      await second.stop();
    }
  });

  test(`${name} (G1): while the database is away it does not say saved, nobody else sees the edit, and then it is`, async () => {
    const proxy = await startCutProxy(parts.url('mongodb'));
    const studio = await startStudio({ parts, env: { STUDIO_MONGODB_URL: proxy.url } });
    try {
      const id = await createText(client, 'x');
      const [replica, other] = [open(linkTo(studio.address, token), id), open(linkTo(studio.address, token), id)];
      await Promise.all([replica.whenSynced(), other.whenSynced()]);
      const states: DocumentState[] = [];
      proxy.pause();
      textOf(replica).insert(1, 'y');
      replica.on('change', (state) => states.push(state));
      const { code } = await eventually('it says that it waits', () => replica.state.problem);
      assert.is(code, Code.Unavailable);
      assert.equal([replica.state.status, replica.state.saved], ['connected', false]);
      assert.not.ok(states.some(({ saved }) => saved));
      assert.is(textOf(other).toJSON(), 'x');
      proxy.resume();
      assert.is(await eventually('it is saved', () => replica.state.saved && replica.state.savedVersion, 30_000), 2n);
      assert.is(await readText(client, id), 'xy');
      await sameText(id, replica, other);
      assert.is(replica.state.problem, undefined);
    } finally {
      for (const document of documents.splice(0)) document.destroy();
      proxy.resume();
      await studio.stop();
      await proxy.close();
    }
  });

  test(`${name}: awareness reaches editors and other replicas, and goes with the connection`, async () => {
    const id = await createText(client, '');
    const editor = await world.openSynced(here, id, token);
    const [a, b] = [open(linkTo(here.address, token), id), open(linkTo(there.address, token), id)];
    await Promise.all([a.whenSynced(), b.whenSynced()]);
    const cursorOf = (who: { doc: Y.Doc }, seenBy: typeof a.awareness): unknown =>
      seenBy?.getStates().get(who.doc.clientID)?.['cursor'];
    a.awareness?.setLocalStateField('cursor', 1);
    editor.provider.awareness.setLocalStateField('cursor', 2);
    await eventually('the editor sees the replica', () => cursorOf(a, editor.provider.awareness) === 1);
    await eventually(
      'another replica sees both',
      () => cursorOf(a, b.awareness) === 1 && cursorOf(editor, b.awareness) === 2,
    );
    // Over the studio's limit: it is not sent, and no edit is lost to it.
    a.awareness?.setLocalStateField('note', 'x'.repeat(70_000));
    textOf(a).insert(0, 'typed');
    await eventually('it says so', () => a.state.problem?.code === Code.ResourceExhausted);
    await a.whenSaved();
    a.awareness?.setLocalStateField('note', 'x');
    const noteSeen = (): boolean => b.awareness?.getStates().get(a.doc.clientID)?.['note'] === 'x';
    await eventually('it is sent again', noteSeen);
    await eventually('nothing is wrong', () => a.state.status === 'connected' && a.state.problem === undefined);
    a.disconnect();
    await eventually('it is gone', () => cursorOf(a, b.awareness) === undefined);
    await eventually('it is gone from the editor', () => cursorOf(a, editor.provider.awareness) === undefined);
    assert.is(cursorOf(editor, a.awareness), undefined);
    a.connect();
    await eventually('it is back', () => cursorOf(a, b.awareness) === 1);
    // Long before they say again that they are there, which they do every 15 s.
    const shown = (): boolean => cursorOf(editor, a.awareness) === 2;
    await eventually('it sees who was there all the time', shown, 5_000);
  });

  test(`${name} (G8): what can't be mended closes it with the reason, and what was typed stays in the document`, async () => {
    const foreign = await createText(await world.client(here, 'eve'), 'hers');
    const gone = await createText(client, 'x');
    const cases: [string, string, string][] = [
      [foreign, token, 'BLOB_NOT_FOUND'],
      ['no-such-blob', token, 'BLOB_NOT_FOUND'],
      [gone, 'garbage', 'TOKEN_INVALID'],
    ];
    for (const [id, given, reason] of cases) {
      const replica = open(linkTo(here.address, given), id);
      await eventually('it is closed', () => replica.state.status === 'closed');
      assert.is(replica.state.problem?.reason, reason);
      await replica.whenSynced().then(
        () => assert.unreachable(),
        (error: unknown) => assert.is(error, replica.state.problem),
      );
    }
    const replica = open(linkTo(here.address, token), gone);
    await replica.whenSynced();
    await client.blobs.deleteBlob({ id: gone });
    await eventually('it is closed', () => replica.state.status === 'closed');
    assert.is(replica.state.problem?.reason, 'BLOB_DELETED');
    const wrong = new Y.Doc();
    wrong.getMap('other').set('k', 1);
    const refused = open(linkTo(here.address, token), await createText(client, 'y'), wrong);
    await eventually('it is closed', () => refused.state.status === 'closed');
    assert.is(refused.state.problem?.reason, 'UPDATE_ROOT_FORBIDDEN');
    assert.not.ok(refused.state.saved);
    assert.is(wrong.getMap('other').get('k'), 1);
  });

  test(`${name} (G8): what a viewer types stays unsaved with them, and is saved once they may write`, async () => {
    const id = await createText(client, 'x');
    await client.access.grantAccess({ blobId: id, userId: 'bob', role: Role.VIEWER });
    const replica = open(linkTo(there.address, await here.token('bob')), id);
    await replica.whenSynced();
    assert.equal([replica.state.readOnly, replica.state.saved], [true, true]);
    // Put away and opened again: there is still nothing to save.
    const kept = new Y.Doc();
    Y.applyUpdate(kept, Y.encodeStateAsUpdate(replica.doc));
    const again = open(linkTo(there.address, await here.token('bob')), id, kept, replica.state);
    await again.whenSynced();
    assert.equal([again.state.readOnly, again.state.saved], [true, true]);
    again.destroy();
    textOf(replica).insert(1, 'y');
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal([replica.state.status, replica.state.saved], ['connected', false]);
    assert.is(await readText(client, id), 'x');
    await client.access.grantAccess({ blobId: id, userId: 'bob', role: Role.EDITOR });
    await replica.whenSaved();
    assert.is(await readText(client, id), 'xy');
    await client.access.revokeAccess({ blobId: id, userId: 'bob' });
    await eventually('it is closed', () => replica.state.status === 'closed');
    assert.ok(replica.state.problem?.isFinal);
  });

  test(`${name} (G8): one who types on while made a reader and a writer again stays, and all of it is saved`, async () => {
    const id = await createText(client, '');
    await client.access.grantAccess({ blobId: id, userId: 'bob', role: Role.EDITOR });
    const replica = open(linkTo(there.address, await here.token('bob')), id);
    await replica.whenSynced();
    let typed = 0;
    const typing = setInterval(() => textOf(replica).insert(0, String(typed++ % 10)), 2);
    try {
      for (const role of [Role.VIEWER, Role.EDITOR, Role.VIEWER, Role.EDITOR]) {
        await client.access.grantAccess({ blobId: id, userId: 'bob', role });
        await eventually('it is told', () => replica.state.readOnly === (role === Role.VIEWER));
        const before = typed;
        await eventually('and types on', () => typed > before + 20);
        assert.is(replica.state.status, 'connected');
      }
    } finally {
      clearInterval(typing);
    }
    await replica.whenSaved();
    assert.is((await sameText(id, replica)).length, typed + 1);
  });

  test(`${name}: what is typed in the moment after an acknowledgement is pushed too`, async () => {
    const id = await createText(client, '');
    // Without awareness, whose renewals would push it in the end.
    const link = linkTo(here.address, token);
    const replica = open(link, id, new Y.Doc(), { awareness: null });
    await replica.whenSynced();
    // An edit in any of the turns that follow on the acknowledgement, as programs that react to the state make them.
    for (let turns = 1; turns <= 6; turns += 1) {
      textOf(replica).insert(0, 'a');
      await new Promise<void>((resolve) => {
        const react = ({ saved }: DocumentState): void => {
          if (!saved) return;
          replica.off('change', react);
          let left = turns;
          const turn = (): void => {
            if (left-- > 0) {
              queueMicrotask(turn);
              return;
            }
            textOf(replica).insert(0, 'b');
            resolve();
          };
          turn();
        };
        replica.on('change', react);
      });
      await eventually('the reaction is saved', () => replica.state.saved);
    }
    await sameText(id, replica);
  });

  test(`${name}: whoever is told that it connects may disconnect or destroy it, and nothing is opened then`, async () => {
    const id = await createText(client, 'x');
    const opened: AbortSignal[] = [];
    const link: LinkMaker = (blobId, opening, signal) => {
      opened.push(signal);
      return linkTo(here.address, token)(blobId, opening, signal);
    };
    const make = (react: (replica: StudioDocument) => void): StudioDocument => {
      const replica = open(link, id, new Y.Doc(), { connect: false });
      let reacted = false;
      replica.on('change', ({ status }) => {
        if (status !== 'connecting' || reacted) return;
        reacted = true;
        react(replica);
      });
      replica.connect();
      return replica;
    };
    assert.is(make((replica) => replica.disconnect()).state.status, 'offline');
    assert.is(make((replica) => replica.destroy()).state.status, 'closed');
    assert.is(opened.length, 0);
    const again = make((replica) => {
      replica.disconnect();
      replica.connect();
    });
    await again.whenSynced();
    assert.is(opened.length, 1);
  });

  test(`${name}: one that is disconnected or destroyed while it takes in the opening stays so`, async () => {
    const id = await createText(client, 'x');
    for (const [how, status] of [
      ['disconnect', 'offline'],
      ['destroy', 'closed'],
    ] as const) {
      const replica = open(linkTo(here.address, token), id);
      await new Promise<void>((resolve) => {
        replica.doc.once('update', () => {
          replica[how]();
          resolve();
        });
      });
      assert.equal([replica.state.status, replica.state.synced], [status, false]);
    }
  });

  test(`${name}: a token that expires is replaced`, async () => {
    const id = await createText(client, 'x');
    const brief = await here.token('ada', { ttlSeconds: 2 - TOKEN_CLOCK_TOLERANCE_SECONDS });
    let asked = 0;
    const replica = open(
      linkTo(here.address, () => (asked++ === 0 ? brief : token)),
      id,
    );
    await replica.whenSynced();
    await eventually('it ends', () => replica.state.status !== 'connected');
    assert.is(replica.state.problem?.reason, 'TOKEN_EXPIRED');
    await replica.whenSynced();
    assert.is(replica.state.status, 'connected');
  });

  test(`${name}: a connection ends when it is given up, also if its token never comes`, async () => {
    const link = linkTo(here.address, () => new Promise<string>(() => {}));
    const opening = { stateVector: Y.encodeStateVector(new Y.Doc()), afterVersion: 0n };
    const events = link('any', opening, AbortSignal.timeout(50)).events()[Symbol.asyncIterator]();
    let ended = false;
    events.next().then(
      () => assert.unreachable(),
      () => (ended = true),
    );
    await eventually('it ends', () => ended, 3_000);
  });
}

test.run();
