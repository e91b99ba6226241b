import * as assert from 'uvu/assert';
import type { Blob } from '../../../src/domain/blob.ts';
import { derivedBlobId, executionKey, keyOfRun } from '../../../src/domain/derivation/execution-key.ts';
import { Graph } from '../../../src/domain/derivation/graph.ts';
import type { Provider } from '../../../src/domain/derivation/provider.ts';
import { frontier, wantedRuns } from '../../../src/domain/derivation/waves.ts';
import { processorMs } from '../../harness/processor-time.ts';
import { suite } from '../../harness/suite.ts';
import { blobOf, providerOf } from './fixtures.ts';

const test = suite('waves');
/** It takes some 0.4 s; 25 s and more when every blob looks at all that is above it. */
const LARGE_MS_MAX = 5_000;
const limits = { depthMax: 32 };

function derive(source: Blob, provider: Provider, inputVersion: number, fields: Partial<Blob> = {}): Blob {
  const id = derivedBlobId(source.id, provider.id);
  const inputs = [{ blobId: source.id, version: inputVersion }];
  return blobOf({
    id,
    parentIds: [source.id],
    depth: source.depth + 1,
    createdBy: provider.id,
    derivedFrom: {
      providerId: provider.id,
      providerVersion: provider.version,
      inputs,
      executionKey: executionKey({ derivedId: id, providerId: provider.id, providerVersion: provider.version, inputs }),
      outputHash: '',
    },
    ...fields,
  });
}

test('a new blob wants what its provider makes of it, a fresh derived blob nothing', () => {
  const provider = providerOf({ id: 'p' });
  const root = blobOf({ id: 'root' });
  const wanted = wantedRuns(new Graph([root]), [provider], limits);
  assert.equal(
    wanted.map((run) => [run.source.id, run.provider.id, run.derivedId]),
    [['root', 'p', derivedBlobId('root', 'p')]],
  );
  assert.equal(wantedRuns(new Graph([root, derive(root, provider, 1)]), [provider], limits), []);
});

test('G5 a doubled or late look at the same versions asks for the same key', () => {
  const provider = providerOf({ id: 'p' });
  const graph = (): Graph => new Graph([blobOf({ id: 'root', version: 7 })]);
  assert.is(wantedRuns(graph(), [provider], limits)[0]?.key, wantedRuns(graph(), [provider], limits)[0]?.key);
  const moved = new Graph([blobOf({ id: 'root', version: 8 })]);
  assert.is.not(wantedRuns(graph(), [provider], limits)[0]?.key, wantedRuns(moved, [provider], limits)[0]?.key);
});

test('a changed source makes its derived blob wanted again, but only for providers told of updates', () => {
  const both = providerOf({ id: 'both' });
  const once = providerOf({ id: 'once', triggerEvents: ['blob.created'] });
  const root = blobOf({ id: 'root', version: 5 });
  const graph = new Graph([root, derive(root, both, 4), derive(root, once, 4)]);
  assert.equal(
    wantedRuns(graph, [both, once], limits).map((run) => run.provider.id),
    ['both'],
  );
});

test('a version that only noted something makes nothing below it out of date, and no new key', () => {
  const provider = providerOf({ id: 'p' });
  const changed = blobOf({ id: 'root', version: 5, contentVersion: 5 });
  const noted = blobOf({ id: 'root', version: 9, contentVersion: 5 });
  assert.is(wantedRuns(new Graph([noted, derive(noted, provider, 5)]), [provider], limits).length, 0);
  assert.is(wantedRuns(new Graph([noted, derive(noted, provider, 4)]), [provider], limits).length, 1);
  assert.is(keyOfRun(provider, noted), keyOfRun(provider, changed));
});

test('a provider for updates alone waits for the first update', () => {
  const provider = providerOf({ id: 'p', triggerEvents: ['blob.updated'] });
  assert.is(wantedRuns(new Graph([blobOf({ id: 'root' })]), [provider], limits).length, 0);
  assert.is(wantedRuns(new Graph([blobOf({ id: 'root', version: 2 })]), [provider], limits).length, 1);
});

test('registering a provider does not start it on everything written before', () => {
  const provider = providerOf({ id: 'p', createdAt: new Date('2026-01-03T00:00:00Z') });
  const old = blobOf({ id: 'root', version: 9 });
  assert.is(wantedRuns(new Graph([old]), [provider], limits).length, 0);
  const edited = blobOf({ id: 'root', version: 10, updatedAt: new Date('2026-01-04T00:00:00Z') });
  assert.is(wantedRuns(new Graph([edited]), [provider], limits).length, 1);
});

test('G9 a blob that came after a provider is derived from, though another process’s clock says it came before', () => {
  const provider = providerOf({ id: 'p', createdAt: new Date('2026-01-03T00:00:01Z') });
  const at = new Date('2026-01-03T00:00:00Z');
  const created = blobOf({ id: 'root', createdAt: at, updatedAt: at });
  assert.is(wantedRuns(new Graph([created]), [provider], limits).length, 1);
  const edited = blobOf({ id: 'root', version: 2, updatedAt: at });
  assert.is(wantedRuns(new Graph([edited]), [provider], limits).length, 1);
});

test('derived blobs are inputs only of providers that ask for them', () => {
  const first = providerOf({ id: 'first' });
  const second = providerOf({ id: 'second', onDerived: true });
  const root = blobOf({ id: 'root' });
  const made = derive(root, first, 1);
  const wanted = wantedRuns(new Graph([root, made, derive(root, second, 1)]), [first, second], limits);
  assert.equal(
    wanted.map((run) => [run.source.id, run.provider.id]),
    [[made.id, 'second']],
  );
});

test('G9 providers that feed each other come to an end: each occurs once in a lineage', () => {
  const providers = ['a', 'b', 'c'].map((id) => providerOf({ id, onDerived: true }));
  const blobs = new Map<string, Blob>([['root', blobOf({ id: 'root' })]]);
  let rounds = 0;
  for (;;) {
    const wanted = wantedRuns(new Graph(blobs.values()), providers, limits);
    if (wanted.length === 0) break;
    for (const run of wanted) blobs.set(run.derivedId, derive(run.source, run.provider, run.source.version));
    rounds += 1;
    assert.ok(rounds <= providers.length, 'the cycle runs on');
  }
  // 3 + 3·2 + 3·2·1 ordered choices, and the root.
  assert.is(blobs.size, 16);
});

test('G9 a lineage has a greatest depth', () => {
  const providers = ['a', 'b', 'c'].map((id) => providerOf({ id, onDerived: true }));
  const deep = new Graph([blobOf({ id: 'root', depth: 32 })]);
  assert.is(wantedRuns(deep, providers, limits).length, 0);
  assert.is(wantedRuns(new Graph([blobOf({ id: 'root', depth: 31 })]), providers, limits).length, 3);
});

test('G8 a provider of its owner alone never sees the blobs of others', () => {
  const own = providerOf({ id: 'own', userId: 'eve' });
  const all = providerOf({ id: 'all', userId: 'root', scope: 'all' });
  const wanted = wantedRuns(new Graph([blobOf({ id: 'root' })]), [own, all], limits);
  assert.equal(
    wanted.map((run) => run.provider.id),
    ['all'],
  );
});

test('type, size, status and deletion keep a provider away', () => {
  const root = blobOf({ id: 'root' });
  const ids = (blob: Blob, fields: Partial<Provider>): number =>
    wantedRuns(new Graph([blob]), [providerOf({ id: 'p', ...fields })], limits).length;
  assert.is(ids(root, {}), 1);
  assert.is(ids(root, { supportedTypes: ['text/markdown'] }), 0);
  assert.is(
    ids(blobOf({ id: 'root', contentType: 'Text/Markdown; charset=utf-8' }), { supportedTypes: ['text/markdown'] }),
    1,
  );
  assert.is(ids(root, { maxInputSize: 9 }), 0);
  assert.is(ids(root, { status: 'disabled' }), 0);
  assert.is(ids(blobOf({ id: 'root', deletedAt: new Date() }), {}), 0);
});

test('a derived blob somebody deleted, or an id somebody else took, is left alone', () => {
  const provider = providerOf({ id: 'p' });
  const root = blobOf({ id: 'root', version: 2 });
  const deleted = derive(root, provider, 1, { deletedAt: new Date() });
  assert.is(wantedRuns(new Graph([root, deleted]), [provider], limits).length, 0);
  const taken = blobOf({ id: derivedBlobId('root', 'p'), version: 3 });
  const wanted = wantedRuns(new Graph([root, taken]), [provider], limits);
  assert.not.ok(wanted.some((run) => run.derivedId === taken.id));
});

test('level by level: nothing runs below a blob that is about to change', () => {
  const first = providerOf({ id: 'first' });
  const second = providerOf({ id: 'second', onDerived: true, triggerEvents: ['blob.created', 'blob.updated'] });
  const root = blobOf({ id: 'root', version: 2 });
  const made = derive(root, first, 1, { version: 3 });
  const below = derive(made, second, 2);
  const graph = new Graph([root, made, below, derive(root, second, 2)]);
  const wanted = wantedRuns(graph, [first, second], limits);
  assert.equal(new Set(wanted.map((run) => run.derivedId)), new Set([made.id, below.id]));
  const ready = frontier(graph, wanted, new Set(wanted.map((run) => run.derivedId)));
  assert.equal(
    ready.map((run) => run.derivedId),
    [made.id],
  );
});

test('G7 large graphs: a chain, many parents, many providers; processor time grows with their size', () => {
  const count = 10_000;
  const chain = Array.from({ length: count }, (_, at) =>
    blobOf({ id: `chain-${at}`, parentIds: at === 0 ? [] : [`chain-${at - 1}`] }),
  );
  const wide = Array.from({ length: 4_000 }, (_, at) =>
    blobOf({ id: `wide-${at}`, parentIds: Array.from({ length: Math.min(at, 32) }, (_, up) => `wide-${at - 1 - up}`) }),
  );
  const provider = providerOf({ id: 'p' });
  const many = Array.from({ length: 20 }, (_, at) => providerOf({ id: `p-${at}`, triggerEvents: ['blob.updated'] }));
  const took = processorMs(() => {
    for (const blobs of [chain, wide]) {
      const graph = new Graph(blobs);
      const wanted = wantedRuns(graph, [provider], limits);
      const active = new Set(wanted.map((run) => run.derivedId));
      assert.is(frontier(graph, wanted, active).length, blobs.length);
      assert.is(frontier(graph, wanted, new Set([...active, blobs[0]?.id ?? ''])).length, 0);
    }
    assert.equal(wantedRuns(new Graph(chain), many, limits), []);
  });
  assert.ok(took < LARGE_MS_MAX, `${took} ms`);
});

test('ids and keys: stable, within the alphabet, and different for every part', () => {
  const id = derivedBlobId('s', 'p');
  assert.match(id, /^[A-Za-z0-9_-]{1,64}$/);
  assert.is.not(derivedBlobId('a', 'bc'), derivedBlobId('ab', 'c'));
  const run = { derivedId: id, providerId: 'p', providerVersion: 1, inputs: [{ blobId: 'a', version: 1 }] };
  const keys = [
    run,
    { ...run, derivedId: 'other' },
    { ...run, providerVersion: 2 },
    { ...run, inputs: [{ blobId: 'a', version: 2 }] },
    { ...run, inputs: [...run.inputs, { blobId: 'b', version: 1 }] },
  ].map(executionKey);
  assert.is(new Set(keys).size, keys.length);
  const inputs = [
    { blobId: 'b', version: 1 },
    { blobId: 'a', version: 1 },
  ];
  assert.is(executionKey({ ...run, inputs }), executionKey({ ...run, inputs: inputs.toReversed() }));
});

test.run();
