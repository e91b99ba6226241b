/** Reverts of single deltas where content is under keys: a key is as the last delta that stands has left it. */
import * as encoding from 'lib0/encoding';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { createDocument } from '../../../src/domain/content/document.ts';
import type { Delta } from '../../../src/domain/delta.ts';
import { Ref } from '../../../src/domain/guard/update.ts';
import { encodeCopies } from '../../../src/domain/revert/copies.ts';
import { effectsBetween } from '../../../src/domain/revert/effects.ts';
import { Ledger, revertBody } from '../../../src/domain/revert/ledger.ts';
import { selectEffects } from '../../../src/domain/revert/selection.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';
import { write } from '../guard/updates.ts';
import { undone } from './histories.ts';

const test = suite('revert of keys, at random');
const KEYS = ['a', 'b', 'c'];

function documentOf(deltas: readonly Delta[]): Y.Doc {
  const doc = createDocument({ gc: false });
  doc.getMap('content');
  for (const { updates } of deltas) for (const update of updates) Y.applyUpdate(doc, update);
  return doc;
}

function deltaOf(deltas: readonly Delta[], made: Partial<Delta>): Delta {
  const toVersion = deltas.length + 1;
  return {
    id: `delta-${toVersion}`,
    blobId: 'b',
    toVersion,
    userId: 'u',
    operation: 'update',
    patch: { kind: 'content', bytes: 0 },
    updates: [],
    base: { fromVersion: toVersion - 1, extras: [] },
    chainLength: 1,
    newClients: [],
    createdAt: new Date(0),
    appliedAt: new Date(0),
    ...made,
  };
}

test(
  'a key is as the last delta that stands has left it, through reverts of reverts',
  seeded(async (random) => {
    for (let round = 0; round < 400; round++) {
      // A removal is of the value that was there: what it means that it stands again, when an older value has come back
      // meanwhile, is nobody's to say.
      const hasRemovals = round % 2 === 0;
      const deltas: Delta[] = [];
      /** By version: what each key was set to; undefined: removed. */
      const left = new Map<number, Map<string, number | undefined>>();
      for (let step = 0; step < 20; step++) {
        const ledger = new Ledger(deltas);
        const targets = random
          .shuffle(
            deltas.filter(
              ({ toVersion, operation }) => !ledger.undone.has(toVersion) && (!hasRemovals || operation === 'update'),
            ),
          )
          .slice(0, random.int(1, 3))
          .sort((a, b) => a.toVersion - b.toVersion);
        const [lowest] = targets;
        if (lowest && random.chance(0.4)) {
          const doc = documentOf([]);
          const effects = await selectEffects({ deltas, ledger, targets, doc, breathe: () => Promise.resolve() });
          const authoredWith = 5_000 + step;
          const { update, copies } = undone(doc, effects, authoredWith);
          const reverts = targets.map(({ id }) => id);
          const base = { fromVersion: deltas.length, extras: [] };
          const body = revertBody({ kind: 'deltas', ids: reverts }, base, lowest.toVersion);
          deltas.push(
            deltaOf(deltas, {
              operation: 'revert',
              patch: { kind: 'revert', bytes: 0, body },
              updates: update ? [update] : [],
              reverts,
              copies: encodeCopies(copies),
              authoredWith,
            }),
          );
        } else {
          const doc = documentOf(deltas);
          const map = doc.getMap<number>('content');
          doc.clientID = 1_000 + random.int(0, 3);
          const changes = new Map<string, number | undefined>();
          // As the log has it: only what is new, not all that was ever deleted.
          const updates: Uint8Array[] = [];
          doc.on('update', (update: Uint8Array) => updates.push(update));
          doc.transact(() => {
            for (const key of random.shuffle(KEYS).slice(0, random.int(1, 3))) {
              if (hasRemovals && map.has(key) && random.chance(0.3)) {
                map.delete(key);
                changes.set(key, undefined);
              } else {
                map.set(key, step + 1);
                changes.set(key, step + 1);
              }
            }
          });
          left.set(deltas.length + 1, changes);
          deltas.push(deltaOf(deltas, { updates }));
        }
        const { undone: gone } = new Ledger(deltas);
        const expected: Record<string, number> = {};
        for (const key of KEYS) {
          const last = [...left].findLast(([version, changes]) => !gone.has(version) && changes.has(key));
          const value = last?.[1].get(key);
          if (value !== undefined) expected[key] = value;
        }
        const story = deltas.map(({ toVersion, reverts }) =>
          reverts
            ? `${toVersion} reverts ${reverts.join()}`
            : `${toVersion} ${JSON.stringify([...(left.get(toVersion) ?? [])])}`,
        );
        assert.equal(documentOf(deltas).getMap('content').toJSON(), expected, `round ${round}: ${story.join('; ')}`);
      }
    }
  }),
);

test('G7: what a key had last is told without counting, however many values it says to have had', async () => {
  const first = documentOf([]);
  first.clientID = 1;
  first.getMap('content').set('a', 1);
  const content = (encoder: encoding.Encoder): void => encoding.writeVarUint(encoder, 2 ** 31 - 1);
  const longest = write([{ client: 2, clock: 0, structs: [{ ref: Ref.deleted, origin: [1, 0], content }] }]);
  const deltas = [deltaOf([], { updates: [Y.encodeStateAsUpdate(first)] })];
  deltas.push(deltaOf(deltas, { updates: [longest] }));
  assert.equal(documentOf(deltas).getMap('content').toJSON(), {}, 'it stands for the key');
  const past = documentOf(deltas.slice(0, 1));
  const back = documentOf(deltas);
  undone(back, effectsBetween(past, back), 3);
  assert.equal(back.getMap('content').toJSON(), { a: 1 }, 'to a version');
  const doc = documentOf([]);
  const breathe = (): Promise<void> => Promise.resolve();
  const targets = deltas.slice(1);
  const effects = await selectEffects({ deltas, ledger: new Ledger(deltas), targets, doc, breathe });
  undone(doc, effects, 3);
  assert.equal(doc.getMap('content').toJSON(), { a: 1 }, 'of one delta');
});

test.run();
