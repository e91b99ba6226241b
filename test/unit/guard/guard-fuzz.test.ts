import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { readCanonical } from '../../../src/domain/content/canonical.ts';
import { StudioError } from '../../../src/errors.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';
import { Editor, FUZZED_TYPES } from './editors.ts';
import { Replicas } from './replicas.ts';

const test = suite('guard, at random');

/** Delivers the editor's oldest update, or, as after a reconnect, all it has at once. Flushes of random size. */
function deliver(replicas: Replicas, editors: readonly Editor[], editor: Editor, random: Random): void {
  const user = `user ${editor.doc.clientID}`;
  const update = editor.outbox.shift();
  if (random.chance(0.1)) {
    const vector = random.chance(0.5) ? Y.encodeStateVector(replicas.live) : undefined;
    editor.outbox.length = 0;
    replicas.accept(Y.encodeStateAsUpdate(editor.doc, vector), user);
  } else if (update) {
    replicas.accept(update, user);
    // What was accepted is known at once, before it is committed.
    if (random.chance(0.2)) assert.not(replicas.guard.check(update, user).brings);
  }
  if (random.chance(0.4)) commit(replicas, editors);
}

function commit(replicas: Replicas, editors: readonly Editor[]): void {
  const updates = replicas.commit();
  for (const editor of editors) editor.inbox.push(...updates);
}

/** A history by several hands. Ends with everyone having seen everything. */
function history(
  type: (typeof FUZZED_TYPES)[number],
  random: Random,
  steps: number,
): { replicas: Replicas; editors: Editor[] } {
  const replicas = new Replicas(type.shape, type.contentType);
  const ids = random.shuffle([1, 77, 3_000_000_000, 4_294_967_295]);
  const editors = ids.slice(0, 3).map((id) => new Editor(id));
  for (let step = 0; step < steps; step++) {
    const editor = random.pick(editors);
    const action = random.next();
    if (action < 0.45) editor.edit(type.shape, random);
    else if (action < 0.65) editor.receive(random.int(1, 4));
    else deliver(replicas, editors, editor, random);
  }
  for (let rounds = 0; editors.some((editor) => editor.outbox.length + editor.inbox.length > 0); rounds++) {
    assert.ok(rounds < 1_000, 'the editors come to rest');
    for (const editor of editors) {
      for (let update = editor.outbox.shift(); update; update = editor.outbox.shift()) {
        replicas.accept(update, `user ${editor.doc.clientID}`);
      }
      commit(replicas, editors);
      editor.receive(Infinity);
    }
  }
  return { replicas, editors };
}

for (const type of FUZZED_TYPES) {
  test(
    `G3 G6: valid ${type.shape} histories pass in any order and converge`,
    seeded((random) => {
      for (let round = 0; round < 40; round++) {
        const { replicas, editors } = history(type, random, 60);
        replicas.requireAgreement();
        for (const editor of editors) {
          const content = Buffer.from(readCanonical(editor.doc, type.contentType)).toString('utf8');
          assert.is(content, replicas.content(), `editor ${editor.doc.clientID} in round ${round}`);
          assert.not(replicas.guard.check(Y.encodeStateAsUpdate(editor.doc), 'user 1').brings, 'everything is known');
        }
      }
    }),
  );
}

function mutated(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const step = random.next();
  if (step < 0.1) return bytes.slice(0, random.int(0, bytes.length));
  if (step < 0.2) {
    const cut = random.int(0, bytes.length);
    return Buffer.concat([bytes.subarray(0, cut), other.subarray(random.int(0, other.length))]);
  }
  if (step < 0.3) {
    const at = random.int(0, bytes.length);
    const from = random.int(0, other.length);
    return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + random.int(1, 6)), bytes.subarray(at)]);
  }
  const copy = Uint8Array.from(bytes);
  for (let flips = random.int(1, 4); flips > 0; flips--) {
    const at = random.int(0, copy.length);
    // Small numbers name other clients, clocks, kinds and lengths; any byte may be anything.
    copy[at] = random.chance(0.5)
      ? random.int(0, 12)
      : random.chance(0.5)
        ? (copy[at] ?? 0) ^ (1 << random.int(0, 8))
        : random.int(0, 256);
  }
  return copy;
}

/** The history's updates again, each followed by broken ones, into fresh replicas. */
function hurt(
  type: (typeof FUZZED_TYPES)[number],
  updates: readonly Uint8Array[],
  random: Random,
): { refused: number; passed: number } {
  const replicas = new Replicas(type.shape, type.contentType);
  const roots = [...replicas.live.share.keys()].join();
  const counts = { refused: 0, passed: 0 };
  const attempt = (bytes: Uint8Array): void => {
    const before = replicas.content();
    try {
      if (replicas.accept(bytes, 'someone').brings) counts.passed += 1;
    } catch (error) {
      if (!(error instanceof StudioError) || error.reason === 'INTERNAL') throw error;
      counts.refused += 1;
      assert.is(replicas.content(), before);
      return;
    }
    if (random.chance(0.5)) replicas.commit();
  };
  for (const update of updates) {
    for (let tries = random.int(0, 4); tries > 0; tries--) attempt(mutated(update, random.pick(updates), random));
    attempt(update);
  }
  replicas.commit();
  replicas.requireAgreement();
  if (type.shape !== 'yjs') assert.is([...replicas.live.share.keys()].join(), roots, 'no root was added');
  return counts;
}

for (const type of FUZZED_TYPES) {
  test(
    `G6: broken ${type.shape} updates are refused, or integrate at once and whole`,
    seeded((random) => {
      let tried = 0;
      let refused = 0;
      for (let round = 0; round < 30; round++) {
        const { replicas, editors } = history(type, random, 40);
        const states = editors.map((editor) => Y.encodeStateAsUpdate(editor.doc));
        const counts = hurt(type, [...replicas.log, ...states], random);
        refused += counts.refused;
        tried += counts.refused + counts.passed;
      }
      assert.ok(refused > 300 && tried > refused, `${refused} of ${tried} refused`);
    }),
  );
}

test(
  'bytes of no meaning are refused',
  seeded((random) => {
    const replicas = new Replicas('text', 'text/plain');
    let refused = 0;
    for (let round = 0; round < 5_000; round++) {
      try {
        replicas.guard.check(random.bytes(random.int(0, 60)), 'someone');
      } catch (error) {
        assert.instance(error, StudioError);
        refused += 1;
      }
    }
    // Two zeros are an update that brings nothing; hardly anything else of so few bytes is one.
    assert.ok(refused > 4_500, `${refused} of 5000 refused`);
  }),
);

test.run();
