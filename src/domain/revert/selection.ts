/**
 * Undoing single deltas, whatever came after them. What anybody inserted is there if its delta stands and none that
 * stands has deleted it; reverts themselves only choose which stand. So an undo is the difference between two choices.
 */
import type * as Y from 'yjs';
import type { Delta } from '../delta.ts';
import { decodeCopies, Originals } from './copies.ts';
import {
  common,
  deletedBy,
  type Effects,
  insertedBy,
  merged,
  noRanges,
  type Ranges,
  replay,
  without,
} from './effects.ts';
import type { Ledger } from './ledger.ts';

export interface Selection {
  /** In order of seq, up to the head; from the lowest that a target or a revert among them reaches back to. */
  readonly deltas: readonly Delta[];
  readonly ledger: Ledger;
  /** None of them undone. */
  readonly targets: readonly Delta[];
  /** A document of the version before the first of the deltas, its deleted content kept. It is brought to the head. */
  readonly doc: Y.Doc;
  /** Awaited now and then, so that a long history does not keep the process from everything else. */
  readonly breathe: () => Promise<void>;
}

/** Deltas replayed in one go. */
const BREATH_DELTAS = 256;

interface Plain {
  readonly seq: number;
  readonly inserted: Ranges;
  /** Of what it deleted, the originals. */
  readonly deleted: Ranges;
  /** What it deleted, copies as such. */
  readonly struck: Ranges;
  /** What it deleted as it came: what is under a key of a deleted object nobody has ever seen. */
  readonly unseen: Ranges;
}

export async function selectEffects({ deltas, ledger, targets, doc, breathe }: Selection): Promise<Effects> {
  const originals = new Originals();
  const plain: Plain[] = [];
  for (const [index, delta] of deltas.entries()) {
    if (index % BREATH_DELTAS === BREATH_DELTAS - 1) await breathe();
    const deleted = replay(doc, delta);
    if (delta.operation === 'revert') {
      if (delta.copies && delta.authoredWith !== undefined) {
        originals.add(delta.authoredWith, decodeCopies(delta.copies));
      }
      continue;
    }
    const inserted = insertionsOf(delta);
    // What two have deleted without knowing of each other is deleted by both, unless a revert was faster than the second.
    const said = deletedBy(delta);
    const all = originals.of(merged([deleted, common(said, originals.newest(originals.of(said)))]));
    plain.push({ seq: delta.toVersion, inserted, deleted: all, struck: deleted, unseen: common(deleted, inserted) });
  }
  const undone = ledger.undoneWith(targets);
  const before = hidden(plain, ledger.undone);
  const after = hidden(plain, undone);
  const stays = ({ seq }: Plain): boolean => !undone.has(seq);
  const gone = merged(plain.filter((one) => !stays(one)).map(({ inserted }) => inserted));
  const struckByOthers = merged(plain.filter(stays).map(({ struck }) => struck));
  const unseen = merged(plain.map((one) => one.unseen));
  return {
    insertions: originals.withCopies(without(after, before)),
    deletions: originals.newest(without(before, after)),
    // A value that came back while another was set shows only when that one goes.
    values: originals.newest(without(merged(plain.flatMap(({ inserted, deleted }) => [inserted, deleted])), after)),
    // Values follow each other as they were set, not as they were brought back: copies don't count.
    passed: merged([originals.withCopies(unseen), without(merged([gone, originals.copies]), struckByOthers)]),
    originalsOf: (range, found) => originals.resolve(range, found),
  };
}

/** What is not there when these are undone. */
function hidden(plain: readonly Plain[], undone: ReadonlySet<number>): Ranges {
  return merged(plain.map(({ seq, inserted, deleted }) => (undone.has(seq) ? inserted : deleted)));
}

function insertionsOf(delta: Delta): Ranges {
  const ranges = noRanges();
  insertedBy(delta, ranges);
  return merged([ranges]);
}
