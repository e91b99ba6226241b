/** The project's own client in two browser windows: Subscribe and Push over Connect-Web, from another origin. */
import * as assert from 'uvu/assert';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { createText } from '../integration/sync-world.ts';
import { requireChromium } from './chromium.ts';
import { agreed, ask, goTo, openBrowserWorld, type, type BrowserWorld } from './windows.ts';

const test = suite('browser: StudioDocument', { timeoutMs: 120_000 });
let world: BrowserWorld | undefined;

test.after(() => world?.close());

test('G3: two people type at once, one of them offline for a while, and all end with the stored text', async () => {
  const chromium = requireChromium();
  world = await openBrowserWorld(chromium, 'studio-document');
  const id = await createText(world.client, 'middle');
  const { address } = world.studio;
  const [a, b] = await Promise.all([world.open(id, address), world.open(id, address)]);
  await goTo(a, 'start');
  await goTo(b, 'end');
  await Promise.all([type(a, 'Typed at the start. '), type(b, ' Typed at the end.')]);
  assert.is(await agreed(world, id, [a, b]), 'Typed at the start. middle Typed at the end.');
  await eventually('each sees the other', async () => (await ask(a, 'others')).length === 1);
  await eventually('it says saved', async () => (await a.page.title()).startsWith('connected saved'));

  await a.context.setOffline(true);
  await Promise.all([type(a, 'Typed offline. '), type(b, ' Typed meanwhile.')]);
  assert.match(await a.page.title(), /unsaved/);
  assert.match(await ask(a, 'text'), /Typed offline/);
  assert.not.match(await ask(b, 'text'), /Typed offline/);
  await a.context.setOffline(false);
  const text = 'Typed at the start. Typed offline. middle Typed at the end. Typed meanwhile.';
  assert.is(await agreed(world, id, [a, b]), text);
  for (const window of [a, b]) {
    await eventually('it says saved', async () => (await window.page.title()).startsWith('connected saved'));
    assert.is(await ask(window, 'text'), text);
    assert.equal(window.faults, []);
  }
});

test('G8: a page learns why it is refused; one of an origin that is not allowed is not answered', async () => {
  requireChromium();
  assert.ok(world);
  const { studio, client, pages } = world;
  const id = await createText(client, 'x');
  const window = await world.open(id, studio.address);
  const push = (): Promise<{ readonly status?: number; readonly body?: string; readonly failed?: string }> =>
    window.page.evaluate(`fetch('${studio.address}/memmie.studio.v1.SyncService/Push', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Connect-Protocol-Version': '1', Authorization: 'Bearer garbage' },
      body: JSON.stringify({ blob_id: '${id}', update: 'AAA=' }),
    }).then(
      async (answer) => ({ status: answer.status, body: await answer.text() }),
      (error) => ({ failed: String(error) }),
    )`);
  const answered = await push();
  assert.is(answered.status, 401);
  assert.match(answered.body ?? '', /google\.rpc\.ErrorInfo/);
  await client.blobs.deleteBlob({ id });
  await eventually('the page says why', async () => (await window.page.title()) === 'closed saved BLOB_DELETED');

  // The same page by another name of the same host: another origin.
  await window.page.goto(pages.origin.replace('127.0.0.1', 'localhost'));
  assert.match((await push()).failed ?? '', /Failed to fetch/);
});

test.run();
