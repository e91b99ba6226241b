/** G7: what is small on the wire costs little, whatever it says; what may cost more is left to a thread. */
import * as encoding from 'lib0/encoding';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { createDocument, rootOf } from '../../../src/domain/content/document.ts';
import type { Shape } from '../../../src/domain/content/shape.ts';
import { Guard } from '../../../src/domain/guard/guard.ts';
import { NeedsTrial } from '../../../src/domain/guard/refusals.ts';
import { knownStateVector } from '../../../src/domain/guard/state-vector.ts';
import { StudioError } from '../../../src/errors.ts';
import { STATE_VECTOR_BYTES_MAX, TRIAL_FROM_BYTES } from '../../../src/limits.ts';
import { suite } from '../../harness/suite.ts';
import { adrift, deletions, fan, shreddedText, typed } from './bombs.ts';
import { run, string, type, values, write, type WrittenStruct } from './updates.ts';

const test = suite('bombs', { timeoutMs: 60_000 });

interface Cost {
  readonly ms: number;
  readonly bytes: number;
}

interface Outcome extends Cost {
  /** The first reason of refusal, or `trial`; `passed` if all did, and were applied. */
  readonly outcome: string;
}

/** A blob's document and guard, as in a room. */
class Blob {
  readonly doc = createDocument({ gc: true });
  readonly guard: Guard;

  constructor(shape: Shape, state?: Uint8Array) {
    rootOf(this.doc, shape);
    if (state) Y.applyUpdate(this.doc, state);
    this.guard = new Guard({ doc: this.doc, shape, owners: new Map() });
  }

  /** As one flush takes it: all that pass are applied together. */
  take(updates: readonly Uint8Array[]): Outcome {
    const outcomes: string[] = [];
    const cost = measure(() => {
      const passed: Uint8Array[] = [];
      for (const update of updates) outcomes.push(this.#check(update, passed));
      Y.transact(this.doc, () => passed.forEach((update) => Y.applyUpdate(this.doc, update)), null, false);
      this.guard.settle();
    });
    return { ...cost, outcome: outcomes.find((outcome) => outcome !== 'passed') ?? 'passed' };
  }

  #check(update: Uint8Array, passed: Uint8Array[]): string {
    try {
      const checked = this.guard.check(update, 'mallory');
      this.guard.accept(checked);
      passed.push(checked.update);
      return 'passed';
    } catch (error) {
      if (error instanceof NeedsTrial) return 'trial';
      if (error instanceof StudioError) return error.reason;
      throw error;
    }
  }
}

function measure(body: () => void): Cost {
  const heap = process.memoryUsage();
  const started = performance.now();
  body();
  const ms = performance.now() - started;
  const after = process.memoryUsage();
  return { ms, bytes: after.heapUsed + after.arrayBuffers - heap.heapUsed - heap.arrayBuffers };
}

/** What an update of the size that is taken without a trial costs when a person typed it. */
const HONEST = ((): Cost => {
  const update = typed(TRIAL_FROM_BYTES / 8, 7, { parent: 'content' });
  const costs = [1, 2, 3].map(() => new Blob('text').take([update]));
  assert.ok(costs.every(({ outcome }) => outcome === 'passed'));
  return { ms: Math.max(...costs.map(({ ms }) => ms)), bytes: Math.max(...costs.map(({ bytes }) => bytes)) };
})();

function withinBudget(name: string, { ms, bytes }: Cost): void {
  assert.ok(ms < 500 + 20 * HONEST.ms, `${name} took ${Math.round(ms)} ms; honest ones take ${HONEST.ms} ms`);
  assert.ok(bytes < 100e6 + 5 * Math.max(0, HONEST.bytes), `${name} took ${Math.round(bytes / 1e6)} MB`);
}

function bomb(
  name: string,
  expected: string | readonly string[],
  make: () => { readonly shape?: Shape; readonly state?: Uint8Array; readonly updates: readonly Uint8Array[] },
): void {
  test(name, () => {
    const { shape, state, updates } = make();
    const blob = new Blob(shape ?? 'text', state);
    const { outcome, ...cost } = blob.take(updates);
    assert.ok([expected].flat().includes(outcome), `${outcome} instead of ${String(expected)}`);
    withinBudget(name, cost);
  });
}

const one = (client: number, clock: number, ...structs: WrittenStruct[]): Uint8Array =>
  write([{ client, clock, structs }]);
const text = (length: number): Uint8Array => one(1, 0, string('a'.repeat(length), { parent: 'content' }));
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const content = (ref: number, parent: WrittenStruct['parent'], ...strings: string[]): WrittenStruct => ({
  ref,
  parent,
  content: (encoder) => strings.forEach((part) => encoding.writeVarString(encoder, part)),
});

bomb(
  '384 KB of missing dependencies of 40,000 client ids',
  ['UPDATE_DEPENDS_ON_MISSING', 'UPDATE_TOO_COMPLEX'],
  () => ({
    updates: [
      write(
        times(40_000, (index) => ({ client: 100 + index, clock: 5, structs: [string('x', { origin: [99, index] })] })),
      ),
    ],
  }),
);
bomb('seven bytes that announce thirty million structs', 'UPDATE_MALFORMED', () => ({
  updates: [write([{ client: 8, clock: 0, structs: [], count: 30_000_000 }])],
}));
bomb('a string of a terabyte, announced', 'UPDATE_MALFORMED', () => ({
  updates: [one(8, 0, { ref: 4, parent: 'content', content: (encoder) => encoding.writeVarUint(encoder, 2 ** 40) })],
}));
bomb('two billion deleted characters in ten bytes', 'passed', () => ({
  updates: [one(8, 0, run(1, 2 ** 31 - 2, { parent: 'content' }))],
}));
bomb('two billion collected ones, and one more', 'UPDATE_TOO_COMPLEX', () => ({
  updates: [one(8, 0, run(0, 2 ** 31 - 2), run(0, 2))],
}));
bomb('clocks at the end of what a number holds', ['UPDATE_MALFORMED', 'UPDATE_TOO_COMPLEX'], () => ({
  updates: [one(8, Number.MAX_SAFE_INTEGER, string('x', { parent: 'content' }))],
}));
bomb('deletions at the end of what a number holds', 'UPDATE_DELETES_UNKNOWN', () => ({
  state: text(10),
  updates: [deletions(1, [[Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]])],
}));
bomb('five thousand maps within each other', 'UPDATE_TOO_COMPLEX', () => ({
  shape: 'json',
  updates: [
    one(
      8,
      0,
      ...times(5_000, (index) =>
        type(1, index ? { parent: [8, index - 1], sub: 'k' } : { parent: 'content', sub: 'root' }),
      ),
    ),
  ],
}));
bomb('the same, one level in each update', 'UPDATE_TOO_COMPLEX', () => ({
  shape: 'json',
  updates: times(256, (index) =>
    one(8, index, type(1, index ? { parent: [8, index - 1], sub: 'k' } : { parent: 'content', sub: 'root' })),
  ),
}));
bomb('a thousand client ids at one place', 'trial', () => ({
  updates: [
    write(times(1_000, (index) => ({ client: 100 + index, clock: 0, structs: [string('x', { parent: 'content' })] }))),
  ],
}));
bomb('a thousand structs, each to be put in order with all before', 'trial', () => ({
  state: text(2_000),
  updates: [fan(1_000)],
}));
bomb('the same in many small updates of one flush', 'trial', () => ({
  state: text(2_000),
  updates: times(256, (index) => fan(100, 1_000 + index)),
}));
bomb('fifty structs without neighbours in a long text', 'trial', () => ({
  state: shreddedText(100_000),
  updates: [adrift(50)],
}));
bomb('many values under one key, without neighbours', 'trial', () => ({
  shape: 'json',
  updates: times(256, (index) =>
    one(10 + index, 0, ...times(40, () => values([1], { parent: 'content', sub: 'root' }))),
  ),
}));
bomb('two thousand deletions of the same hundred thousand characters', 'passed', () => ({
  state: shreddedText(200_000),
  updates: [
    deletions(
      1,
      times(2_000, () => [0, 100_000] as const),
    ),
  ],
}));
bomb('deletions that split a long text, from its end to its beginning', 'trial', () => ({
  state: text(2_000_000),
  updates: times(256, (at) =>
    deletions(
      1,
      times(3_000, (index) => [(255 - at) * 7_000 + index * 2, 1] as const),
    ),
  ),
}));
bomb('plain values nested a hundred thousand deep', 'UPDATE_TOO_COMPLEX', () => {
  const nested = (encoder: encoding.Encoder): void => {
    encoding.writeVarUint(encoder, 1);
    for (let depth = 0; depth < 100_000; depth++) for (const byte of [117, 1]) encoding.writeUint8(encoder, byte);
  };
  return { shape: 'yjs', updates: [one(8, 0, { ref: 8, parent: 'any', content: nested })] };
});
for (const [name, ref, strings] of [
  ['an embed', 5, []],
  ['a mark', 6, ['bold']],
] as const) {
  bomb(`${name} nested a million deep`, 'UPDATE_TOO_COMPLEX', () => ({
    shape: 'yjs',
    updates: [one(8, 0, content(ref, 'any', ...strings, '['.repeat(1e6) + ']'.repeat(1e6)))],
  }));
}
bomb('two million undefined values', 'UPDATE_TOO_COMPLEX', () => ({
  shape: 'yjs',
  updates: [
    one(
      8,
      0,
      values(
        times(2_000_000, () => undefined),
        { parent: 'any' },
      ),
    ),
  ],
}));
bomb('a key of four megabytes', ['passed', 'trial'], () => ({
  shape: 'json',
  updates: [
    one(8, 0, type(1, { parent: 'content', sub: 'root' }), values([1], { parent: [8, 0], sub: 'k'.repeat(4e6) })),
  ],
}));
bomb('fifty thousand marks', ['passed', 'trial'], () => ({
  updates: [
    one(
      8,
      0,
      ...times(50_000, (index): WrittenStruct => ({
        ...content(6, undefined, `m${index}`, 'true'),
        ...(index === 0 ? { parent: 'content' } : { origin: [8, index - 1] as const }),
      })),
    ),
  ],
}));
bomb('a document within the document', 'UPDATE_CONTENT_FORBIDDEN', () => ({
  shape: 'yjs',
  updates: [one(8, 0, content(9, 'any', 'guid'))],
}));
bomb('a hook in rich content', 'UPDATE_CONTENT_FORBIDDEN', () => ({
  shape: 'rich',
  updates: [one(8, 0, type(5, { parent: 'default' }))],
}));
bomb('ten thousand roots', 'UPDATE_TOO_COMPLEX', () => ({
  shape: 'yjs',
  updates: [one(8, 0, ...times(10_000, (index) => string('x', { parent: `root ${index}` })))],
}));

test('a state vector of eight megabytes is refused, and one of a megabyte costs little', () => {
  const { doc } = new Blob('text', text(10));
  const entries = (count: number): Uint8Array =>
    encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, count);
      for (let index = 0; index < count; index++) for (const n of [index, 1]) encoding.writeVarUint(encoder, n);
    });
  try {
    knownStateVector(entries(2_000_000), doc);
    assert.unreachable();
  } catch (error) {
    assert.is((error as StudioError).reason, 'UPDATE_TOO_COMPLEX');
  }
  const large = entries(240_000);
  assert.ok(large.byteLength > STATE_VECTOR_BYTES_MAX / 2 && large.byteLength < STATE_VECTOR_BYTES_MAX);
  let kept: Uint8Array = large;
  withinBudget(
    'the vector',
    measure(() => (kept = knownStateVector(large, doc))),
  );
  assert.equal([...kept], [1, 1, 1], 'of the clients it has');
});

test('marks that would make gigabytes of rich content are not written out', async () => {
  const { readCanonical, contentSize } = await import('../../../src/domain/content/canonical.ts');
  const doc = createDocument({ gc: true });
  const node = new Y.XmlText();
  rootOf(doc, 'rich').insert(0, [node]);
  doc.transact(() => {
    node.insert(0, 'ab'.repeat(3_000));
    node.format(0, 6_000, { link: { href: 'h'.repeat(100_000) } });
    for (let at = 0; at < 3_000; at++) node.format(at * 2, 1, { bold: true });
  });
  for (const read of [readCanonical, contentSize]) {
    const cost = measure(() => {
      assert.throws(() => read(doc, 'application/vnd.studio.prosemirror+yjs'), /too large/);
    });
    withinBudget('reading it', cost);
  }
});

test.run();
