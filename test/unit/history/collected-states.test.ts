/** G3: a state without what is deleted is as good as one with it for all that comes after. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { decodeState, encodeRun } from '../../../src/documents/log/checkpoint-codec.ts';
import { NO_FACTS, type Origin } from '../../../src/documents/log/log-facts.ts';
import { applyUpdates, buildState, checkState } from '../../../src/documents/checkpoints/state-builder.ts';
import { digestOf } from '../../../src/documents/checkpoints/state-digest.ts';
import { readCanonical } from '../../../src/domain/content/canonical.ts';
import { createDocument, rootOf } from '../../../src/domain/content/document.ts';
import { effectsBetween } from '../../../src/domain/revert/effects.ts';
import { undo } from '../../../src/domain/revert/undo.ts';
import { Random } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('collected states');
const ROUNDS = 60;
const EDITS = 80;
const TYPE = 'application/json';
const origin: Origin = {
  genesis: { contentType: TYPE, parentIds: [], rootId: 'b', depth: 0, createdBy: 'user', labels: {} },
  owner: 'ann',
  createdAt: new Date(0),
};
const breathe = (): Promise<void> => Promise.resolve();

/** Edits of three replicas that see each other's late: nested maps, lists, keys set over and over, much deleted. */
function edits(random: Random): Uint8Array[] {
  const replicas = [1, 2, 3].map((id) => {
    const doc = new Y.Doc();
    doc.clientID = id;
    return doc;
  });
  const log: Uint8Array[] = [];
  const seen = replicas.map(() => 0);
  for (const [index, doc] of replicas.entries())
    doc.on('update', (update: Uint8Array, from: unknown) => {
      if (from !== 'log') log.push(update);
      if (from !== 'log' && seen[index] === log.length - 1) seen[index] = log.length;
    });
  const follow = (index: number): void => {
    for (const update of log.slice(seen[index])) Y.applyUpdate(replicas[index] as Y.Doc, update, 'log');
    seen[index] = log.length;
  };
  (replicas[0] as Y.Doc).getMap('content').set('root', new Y.Map());
  for (let edit = 0; edit < EDITS; edit++) {
    const index = random.int(0, replicas.length);
    if (edit < 3 || random.chance(0.4)) follow(edit < 3 ? edit : index);
    const root = (replicas[index] as Y.Doc).getMap('content').get('root');
    if (root instanceof Y.Map) change(root, random, edit);
  }
  return log;
}

function change(root: Y.Map<unknown>, random: Random, edit: number): void {
  const key = random.pick(['a', 'b', 'c']);
  const value = root.get(key);
  if (random.chance(0.15)) root.delete(key);
  else if (value instanceof Y.Array && random.chance(0.7)) {
    if (value.length > 0 && random.chance(0.4)) value.delete(random.int(0, value.length), 1);
    else value.insert(random.int(0, value.length + 1), [random.chance(0.3) ? new Y.Map([['n', edit]]) : edit]);
  } else root.set(key, random.chance(0.6) ? new Y.Array() : `${edit}`);
}

const contentOf = (doc: Y.Doc): string => Buffer.from(readCanonical(doc, TYPE)).toString();

function documentOf(
  updates: readonly Uint8Array[],
  options: { readonly gc: boolean; readonly state?: Uint8Array },
): Y.Doc {
  const doc = createDocument(options);
  if (options.state) Y.applyUpdateV2(doc, decodeState(options.state).update);
  applyUpdates(doc, updates);
  rootOf(doc, 'json');
  return doc;
}

test('G3: content, clocks and deletions are those of the log, and reverts to later versions make the same of it', async () => {
  for (let round = 1; round <= ROUNDS; round++) {
    const random = new Random(round);
    const log = edits(random);
    const at = random.int(1, log.length);
    const runOf = (updates: readonly Uint8Array[]): { bytes: Uint8Array; skip: number } => ({
      bytes: encodeRun({ facts: NO_FACTS, owners: new Map(), updates: updates.map((update) => [update]) }),
      skip: 0,
    });
    const { state, digest } = await buildState(
      { base: origin, runs: [runOf(log.slice(0, at))], collectTo: at },
      breathe,
    );
    assert.is(decodeState(state).collectedTo, at);
    const before = documentOf(log.slice(0, at), { gc: false });
    assert.equal(digest, digestOf(before, TYPE), `round ${round}`);
    assert.equal(await checkState({ state, contentType: TYPE, digest: digestOf(before, TYPE) }, breathe), []);
    const later = await buildState({ base: state, runs: [runOf(log.slice(at))] }, breathe);
    assert.is(decodeState(later.state).collectedTo, at, 'what is built on it says what it lacks');
    const whole = documentOf(log, { gc: false });
    assert.equal(later.digest, digestOf(whole, TYPE), `round ${round}`);

    const version = random.int(at, log.length + 1);
    const reverted = [documentOf(log.slice(at), { gc: false, state }), whole].map((doc) => {
      doc.clientID = 9;
      undo(doc, effectsBetween(documentOf(log.slice(0, version), { gc: true }), doc));
      return contentOf(doc);
    });
    assert.is(reverted[0], reverted[1], `round ${round}`);
    assert.is(reverted[0], contentOf(documentOf(log.slice(0, version), { gc: false })), `round ${round}`);
  }
});

test.run();
