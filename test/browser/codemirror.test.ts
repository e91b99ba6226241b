/** CodeMirror in two browser windows, on the stock y-websocket provider. */
import * as assert from 'uvu/assert';
import { eventually } from '../harness/eventually.ts';
import { suite } from '../harness/suite.ts';
import { createText } from '../integration/sync-world.ts';
import { requireChromium } from './chromium.ts';
import { agreed, ask, goTo, openBrowserWorld, type, type BrowserWorld } from './windows.ts';

const test = suite('browser: CodeMirror', { timeoutMs: 120_000 });
let world: BrowserWorld | undefined;

test.after(() => world?.close());

test('G3: two people type at once, one of them offline for a while, and all end with the stored text', async () => {
  const chromium = requireChromium();
  world = await openBrowserWorld(chromium, 'codemirror');
  const id = await createText(world.client, 'middle');
  const cable = await world.layCable();
  const [a, b] = await Promise.all([world.open(id, `ws://${cable.host}`), world.open(id, world.studio.socketAddress)]);
  await goTo(a, 'start');
  await goTo(b, 'end');
  await Promise.all([type(a, 'Typed at the start. '), type(b, ' Typed at the end.')]);
  assert.is(await agreed(world, id, [a, b]), 'Typed at the start. middle Typed at the end.');
  assert.equal((await ask(b, 'others')).length, 1);

  cable.pull();
  await eventually('it is cut off', async () => !(await ask(a, 'connected')));
  await Promise.all([type(a, 'Typed offline. '), type(b, ' Typed meanwhile.')]);
  assert.match(await ask(a, 'text'), /Typed offline/);
  assert.not.match(await ask(b, 'text'), /Typed offline/);
  cable.plugIn();
  const text = 'Typed at the start. Typed offline. middle Typed at the end. Typed meanwhile.';
  await eventually('it is back', () => ask(a, 'connected'), 30_000);
  assert.is(await agreed(world, id, [a, b]), text);
  for (const window of [a, b]) {
    assert.is(await ask(window, 'text'), text);
    assert.equal(window.faults, []);
  }
});

test.run();
