/** Tiptap in two browser windows, on the stock Hocuspocus provider. */
import * as assert from 'uvu/assert';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { requireChromium } from './chromium.ts';
import { agreed, ask, goTo, openBrowserWorld, type, type BrowserWorld } from './windows.ts';

const test = suite('browser: Tiptap', { timeoutMs: 120_000 });
let world: BrowserWorld | undefined;

test.after(() => world?.close());

test('G3: two people write a rich document at once, one of them offline for a while, and all end with what is stored', async () => {
  const chromium = requireChromium();
  world = await openBrowserWorld(chromium, 'tiptap');
  const created = await world.client.blobs.createBlob({ contentType: 'application/vnd.studio.prosemirror+yjs' });
  const id = created.blob?.id ?? '';
  const cable = await world.layCable();
  const a = await world.open(id, `ws://${cable.host}`);
  await type(a, 'First paragraph.');
  await a.page.keyboard.press('Enter');
  await type(a, 'Last paragraph.');
  await agreed(world, id, [a]);
  const b = await world.open(id, world.studio.socketAddress);
  await goTo(a, 'start');
  await goTo(b, 'end');
  await a.page.keyboard.press('Control+b');
  await Promise.all([type(a, 'Bold by one. '), type(b, ' By the other.')]);
  await a.page.keyboard.press('Control+b');
  const before = await agreed(world, id, [a, b]);
  assert.match(before, /Bold by one\. ?<\//);
  await eventually('each sees the other', async () => (await ask(b, 'others')).length === 1);

  cable.pull();
  await eventually('it is cut off', async () => !(await ask(a, 'connected')));
  await Promise.all([type(a, 'Offline. '), type(b, ' Meanwhile.')]);
  assert.match(await ask(a, 'text'), /Offline/);
  assert.not.match(await ask(b, 'text'), /Offline/);
  cable.plugIn();
  await eventually('it is back, and saved', () => ask(a, 'synced'), 30_000);
  const after = await agreed(world, id, [a, b]);
  for (const text of ['Bold by one. ', 'Offline. ', 'First paragraph.', 'Last paragraph. By the other. Meanwhile.'])
    assert.ok(after.includes(text), after);
  assert.is(await ask(a, 'text'), await ask(b, 'text'));
  for (const window of [a, b]) assert.equal(window.faults, []);
});

test.run();
