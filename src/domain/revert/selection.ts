/** What single deltas did, followed through everything that came after them. */
import type * as Y from 'yjs';
import type { Delta } from '../delta.ts';
import { common, type Effects, insertedBy, merged, noRanges, type Ranges, replay } from './effects.ts';
import type { Ledger } from './ledger.ts';

export interface Selection {
  /** In order of seq, up to the head; from the lowest that a revert among them reaches back to. */
  readonly deltas: readonly Delta[];
  readonly ledger: Ledger;
  /** None of them undone. */
  readonly targets: readonly Delta[];
  /** A document of our own that holds this version, its deleted content kept; 0 for an empty one. */
  readonly documentAt: (version: number) => Promise<Y.Doc>;
}

/** The effects that go when the targets are undone, and a document at the head to undo them on. */
export async function selectEffects(selection: Selection): Promise<{ effects: Effects; doc: Y.Doc }> {
  const { ledger, targets, documentAt } = selection;
  const chosen = ledger.closure(targets);
  for (;;) {
    const first = Math.min(...chosen);
    const deltas = selection.deltas.filter((delta) => delta.toVersion >= first);
    const doc = await documentAt(first - 1);
    const deletions = new Map<number, Ranges>();
    for (const delta of deltas) if (delta.updates.length > 0) deletions.set(delta.toVersion, replay(doc, delta));
    while (growByRestored(chosen, { ...selection, deltas }, deletions));
    if (Math.min(...chosen) === first) return { effects: sum(selection, chosen, deletions), doc };
    doc.destroy();
  }
}

/**
 * Where something undone had deleted what a chosen delta inserted, the revert that undid it holds that now, as its own:
 * the revert goes along, with everything it undid. Returns whether there was any such.
 */
function growByRestored(
  chosen: Set<number>,
  { ledger, deltas }: Selection,
  deletions: ReadonlyMap<number, Ranges>,
): boolean {
  const inserted = insertionsOf(deltas, (seq) => chosen.has(seq));
  const before = chosen.size;
  for (const revert of ledger.standing) {
    if (chosen.has(revert.delta.toVersion)) continue;
    const covered = ledger.coveredBy(revert);
    const holds = covered.some(({ toVersion }) => {
      const deleted = deletions.get(toVersion);
      return deleted !== undefined && common(deleted, inserted).clients.size > 0;
    });
    if (holds) for (const seq of ledger.closure([revert.delta, ...covered])) chosen.add(seq);
  }
  return chosen.size > before;
}

function sum(
  { deltas, ledger }: Selection,
  chosen: ReadonlySet<number>,
  deletions: ReadonlyMap<number, Ranges>,
): Effects {
  const reverts = new Set(ledger.standing.map(({ delta }) => delta.toVersion));
  const deleted: Ranges[] = [];
  const byOthers: Ranges[] = [];
  const unseen: Ranges[] = [];
  for (const delta of deltas) {
    const own = deletions.get(delta.toVersion);
    if (!own) continue;
    if (chosen.has(delta.toVersion)) deleted.push(own);
    else if (!ledger.undone.has(delta.toVersion)) {
      if (!reverts.has(delta.toVersion)) byOthers.push(own);
      unseen.push(
        common(
          own,
          insertionsOf([delta], () => true),
        ),
      );
    }
  }
  return {
    // Those of what was undone before, too: nobody's deletion of such comes back.
    insertions: insertionsOf(deltas, (seq) => chosen.has(seq) || ledger.undone.has(seq)),
    deletions: merged(...deleted),
    unseen: merged(...unseen),
    deletedByOthers: merged(...byOthers),
  };
}

function insertionsOf(deltas: readonly Delta[], includes: (seq: number) => boolean): Ranges {
  const ranges = noRanges();
  for (const delta of deltas) if (includes(delta.toVersion)) insertedBy(delta, ranges);
  return merged(ranges);
}
