import * as assert from 'uvu/assert';
import { SIGNALS_IN_FLIGHT_MAX } from '../../../src/limits.ts';
import type { SeenVersions } from '../../../src/workers/names.ts';
import { RootSignals } from '../../../src/workers/signals.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('root signals');

test('a burst on one root costs few signals, and none resolves before one that carries it was sent', async () => {
  const sent: SeenVersions[] = [];
  const signals = new RootSignals({
    send: async (_root, _owner, seen) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      sent.push(seen);
    },
  });
  const calls = Array.from({ length: 100 }, async (_, index) => {
    const version = index + 1;
    await signals.signal('root', 'ada', { blob: { version } });
    assert.ok(
      sent.some((seen) => (seen['blob']?.version ?? 0) >= version),
      `version ${version} was not sent`,
    );
  });
  await Promise.all(calls);
  assert.is(sent.length, 2);
  assert.is(sent.at(-1)?.['blob']?.version, 100);
});

test('each owner in a root is signalled for, with what was seen of theirs alone', async () => {
  const sent: { readonly owner: string; readonly blobs: string[] }[] = [];
  const signals = new RootSignals({
    send: async (_root, owner, seen) => void sent.push({ owner, blobs: Object.keys(seen) }),
  });
  const seen = { version: 1 };
  await signals.signal('root', 'ada', { first: seen });
  await Promise.all([signals.signal('root', 'ada', { second: seen }), signals.signal('root', 'eve', { below: seen })]);
  const of = (name: string): string[][] => sent.filter(({ owner }) => owner === name).map(({ blobs }) => blobs);
  assert.equal(of('ada'), [['first'], ['second']]);
  assert.equal(of('eve'), [['below']]);
});

test('a signal that fails fails everything that waited for it, and the next is sent', async () => {
  let calls = 0;
  const signals = new RootSignals({
    send: async () => {
      calls += 1;
      if (calls === 1) throw new Error('down');
    },
  });
  const first = await signals.signal('root', 'ada', {}).catch((error: Error) => error.message);
  assert.is(first, 'down');
  await signals.signal('root', 'ada', {});
  assert.is(calls, 2);
});

test('G7 many roots share a bounded number of signals in flight', async () => {
  let inFlight = 0;
  let most = 0;
  const signals = new RootSignals({
    send: async () => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setTimeout(resolve, 1));
      inFlight -= 1;
    },
  });
  await Promise.all(Array.from({ length: 200 }, (_, index) => signals.signal(`root-${index}`, 'ada', {})));
  assert.is(most, SIGNALS_IN_FLIGHT_MAX);
});

test.run();
