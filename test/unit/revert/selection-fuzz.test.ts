/** Reverts of single deltas and of reverts, against the plain meaning of them: each character is somebody's. */
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { createDocument, rootOf } from '../../../src/domain/content/document.ts';
import type { Delta, RevertTarget } from '../../../src/domain/delta.ts';
import { encodeCopies } from '../../../src/domain/revert/copies.ts';
import { Ledger, revertBody } from '../../../src/domain/revert/ledger.ts';
import { selectEffects } from '../../../src/domain/revert/selection.ts';
import { type Random, seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';
import { undone } from './histories.ts';

const test = suite('revert of single deltas, at random');
const ROUNDS = 200;
const STEPS = 25;
const FIRST_CHARACTER = 0x4e00;

class World {
  readonly deltas: Delta[] = [];
  readonly doc = createDocument({ gc: true });
  /** Of each character: who inserted it, and who deleted it; by version. */
  readonly #characters = new Map<string, { readonly by: number; readonly deletedBy: number[] }>();
  readonly #reverted: { readonly by: number; readonly versions: readonly number[] }[] = [];

  constructor() {
    rootOf(this.doc, 'text');
  }

  get text(): string {
    return rootOf(this.doc, 'text').toJSON();
  }

  /** By one of three authors, on the head or without having seen the last few deltas. */
  edit(random: Random): void {
    const seen = Math.max(0, this.deltas.length - random.int(0, 3));
    const doc = this.#documentAt(seen);
    const text = rootOf(doc, 'text');
    doc.clientID = 1_000 + this.deltas.length;
    const version = this.deltas.length + 1;
    const update = collect(doc, () => {
      doc.transact(() => {
        const at = random.int(0, text.length + 1);
        for (let index = Math.min(at + random.int(0, 4), text.length) - 1; index >= at; index--) {
          const character = text.toJSON()[index] ?? '';
          this.#characters.get(character)?.deletedBy.push(version);
          text.delete(index, 1);
        }
        const inserted = Array.from({ length: random.int(0, 4) }, () => this.#newCharacter(version)).join('');
        text.insert(at, inserted);
      });
    });
    if (!update) return;
    this.#commit('update', update);
    // Restored by a revert that the edit did not know: it deleted only what was there before.
    for (const character of this.text) {
      const deletedBy = this.#characters.get(character)?.deletedBy;
      if (deletedBy?.includes(version)) deletedBy.splice(deletedBy.indexOf(version), 1);
    }
  }

  async revert(random: Random): Promise<void> {
    const ledger = new Ledger(this.deltas);
    const isOpen = ({ toVersion }: Delta): boolean => !ledger.undone.has(toVersion);
    const targets = random
      .shuffle(this.deltas.filter(isOpen))
      .slice(0, random.int(1, 4))
      .sort((a, b) => a.toVersion - b.toVersion);
    if (targets.length === 0) return;
    const doc = this.#documentAt(0);
    const breathe = (): Promise<void> => Promise.resolve();
    const effects = await selectEffects({ deltas: this.deltas, ledger, targets, doc, breathe });
    const authoredWith = 5_000 + this.deltas.length;
    const { update, copies } = undone(doc, effects, authoredWith);
    this.#reverted.push({ by: this.deltas.length + 1, versions: targets.map(({ toVersion }) => toVersion) });
    this.#commit('revert', update, { targets, copies: encodeCopies(copies), authoredWith });
  }

  requireMeaning(where: string): void {
    const isStanding = (version: number): boolean =>
      !this.#reverted.some(({ by, versions }) => versions.includes(version) && isStanding(by));
    const expected = [...this.#characters].filter(
      ([, { by, deletedBy }]) => isStanding(by) && !deletedBy.some(isStanding),
    );
    const story = this.deltas.map(({ toVersion, reverts }) =>
      reverts?.length
        ? `${toVersion} reverts ${reverts.join()}`
        : `${toVersion} +${[...this.#characters]
            .filter(([, { by }]) => by === toVersion)
            .map(([c]) => c)
            .join('')} -${[...this.#characters]
            .filter(([, { deletedBy }]) => deletedBy.includes(toVersion))
            .map(([c]) => c)
            .join('')}`,
    );
    const sorted = [...this.text].sort().join('');
    assert.is(
      sorted,
      expected
        .map(([character]) => character)
        .sort()
        .join(''),
      where,
    );
    for (const version of new Set(expected.map(([, { by }]) => by))) {
      const own = [...this.text].filter((character) => this.#characters.get(character)?.by === version);
      assert.is(
        own.join(''),
        [...own].sort().join(''),
        `${where}: each stays where it was: ${this.text} ${story.join('; ')}`,
      );
    }
  }

  #newCharacter(by: number): string {
    const character = String.fromCharCode(FIRST_CHARACTER + this.#characters.size);
    this.#characters.set(character, { by, deletedBy: [] });
    return character;
  }

  #documentAt(version: number): Y.Doc {
    const doc = createDocument({ gc: false });
    rootOf(doc, 'text');
    for (const delta of this.deltas.slice(0, version)) for (const one of delta.updates) Y.applyUpdate(doc, one);
    return doc;
  }

  #commit(
    operation: 'update' | 'revert',
    update: Uint8Array | undefined,
    made: { targets?: readonly Delta[]; copies?: Uint8Array; authoredWith?: number } = {},
  ): void {
    const { targets = [], copies, authoredWith } = made;
    const toVersion = this.deltas.length + 1;
    const reverts = targets.map(({ id }) => id);
    const target: RevertTarget = { kind: 'deltas', ids: reverts };
    const base = { fromVersion: toVersion - 1, extras: [] };
    const body = targets[0] && revertBody(target, base, targets[0].toVersion);
    this.deltas.push({
      id: `delta-${toVersion}`,
      blobId: 'b',
      toVersion,
      userId: 'u',
      operation,
      patch: { kind: operation === 'revert' ? 'revert' : 'text_edits', bytes: 0, body },
      updates: update ? [update] : [],
      base,
      chainLength: 1,
      reverts,
      copies,
      authoredWith,
      newClients: [],
      createdAt: new Date(0),
      appliedAt: new Date(0),
    });
    if (update) Y.applyUpdate(this.doc, update);
  }
}

function collect(doc: Y.Doc, edit: () => void): Uint8Array | undefined {
  let update: Uint8Array | undefined;
  doc.on('update', (bytes: Uint8Array) => {
    update = bytes;
  });
  edit();
  return update;
}

test(
  'what is undone is gone, what stands is there, through reverts of reverts',
  seeded(async (random) => {
    for (let round = 0; round < ROUNDS; round++) {
      const world = new World();
      for (let step = 0; step < STEPS; step++) {
        if (random.chance(0.6)) world.edit(random);
        else await world.revert(random);
        world.requireMeaning(`round ${round}, step ${step}`);
      }
    }
  }),
);

test.run();
