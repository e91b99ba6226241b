/** Documents that were put away, and are given to the project's own client again. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { eventually } from '../harness/eventually.ts';
import { createText, readText } from './sync-world.ts';
import type { StudioClient } from '../../clients/node/src/index.ts';
import type { StudioDocument, StudioDocumentOptions } from '../../clients/web/src/index.ts';

type Open = (id: string, doc?: Y.Doc, options?: Partial<StudioDocumentOptions>) => StudioDocument;

const textOf = ({ doc }: { readonly doc: Y.Doc }): Y.Text => doc.getText('content');

export async function olderThanItsVersion(client: StudioClient, open: Open): Promise<void> {
  const id = await createText(client, 'middle');
  const [first, other] = [open(id), open(id)];
  await Promise.all([first.whenSynced(), other.whenSynced()]);
  const kept = new Y.Doc();
  Y.applyUpdate(kept, Y.encodeStateAsUpdate(first.doc));
  textOf(first).insert(0, 'start ');
  const version = await first.whenSaved();
  first.destroy();
  textOf(other).insert(textOf(other).length, ' end');
  await other.whenSaved();
  // What it missed is built on by nothing that comes after.
  const again = open(id, kept, { version });
  await again.whenSynced();
  assert.is(textOf(again).toJSON(), 'start middle end');
  assert.is(again.state.version, 3n);
}

export async function buildsOnMissing(client: StudioClient, open: Open): Promise<void> {
  const id = await createText(client, 'x');
  const [before, early] = [new Y.Doc(), new Y.Doc()];
  const text = before.getText('content');
  text.insert(0, 'first ');
  const first = Y.encodeStateAsUpdate(before);
  text.insert(6, 'second ');
  text.delete(0, 1);
  Y.applyUpdate(early, Y.encodeStateAsUpdate(before, Y.encodeStateVectorFromUpdate(first)));
  const replica = open(id, early);
  await replica.whenSynced();
  textOf(replica).insert(0, 'own ');
  await eventually('its own edit is stored', async () => (await readText(client, id)).includes('own '));
  await eventually('it says why not all is', () => replica.state.problem?.message.includes('build on some'));
  assert.equal([replica.state.status, replica.state.saved], ['connected', false]);
  await client.deltas.applyDelta({ blobId: id, patch: { case: 'yjsUpdate', value: first } });
  await replica.whenSaved();
  const stored = await readText(client, id);
  assert.match(stored, /irst second/);
  assert.not.match(stored, /first/);
  assert.is(textOf(replica).toJSON(), stored);
  assert.is(replica.state.problem, undefined);
}

/** So large that the studio would not even read the message. */
export async function largerThanAnyMessage(client: StudioClient, open: Open): Promise<void> {
  const id = await createText(client, '');
  const large = new Y.Doc();
  large.getText('content').insert(0, 'x'.repeat(17 * 1024 * 1024));
  const replica = open(id, large);
  await eventually('it is closed', () => replica.state.status === 'closed');
  assert.is(replica.state.problem?.reason, 'UPDATE_TOO_COMPLEX');
  assert.not.ok(replica.state.saved);
}
