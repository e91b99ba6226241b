/** Which deltas are undone, by which reverts: worked out of the deltas alone, so that every process finds the same. */
import { baseIncludes } from '../base.ts';
import type { Base, Delta, RevertTarget } from '../delta.ts';

/** The delta's patch, in JSON, as it is kept. */
interface RevertBody {
  to_version?: number;
  /** The state in which the content was made that of `to_version`. */
  from_version?: number;
  extras?: [first: number, last: number][];
  deltas?: readonly string[];
  author?: string;
  versions?: [first: number, last: number | null];
  /** The lowest version undone: how far back the history must be known to know what is. */
  lowest: number;
}

export function revertBody(target: RevertTarget, base: Base, lowest: number): Uint8Array {
  return Buffer.from(JSON.stringify(bodyOf(target, base, lowest)));
}

function bodyOf(target: RevertTarget, base: Base, lowest: number): RevertBody {
  switch (target.kind) {
    case 'version': {
      const extras = base.extras.map(({ first, last }): [number, number] => [first, last]);
      return {
        to_version: target.version,
        from_version: base.fromVersion,
        extras: extras.length > 0 ? extras : undefined,
        lowest,
      };
    }
    case 'deltas':
      return { deltas: target.ids, lowest };
    case 'author':
      return { author: target.userId, versions: [target.first ?? 1, target.last ?? null], lowest };
  }
}

export type Known = Pick<Delta, 'id' | 'toVersion' | 'operation' | 'patch' | 'reverts'>;

export interface Revert {
  readonly delta: Known;
  readonly lowest: number;
  covers(delta: Known): boolean;
}

/** Undefined for a delta that is no revert. */
function readRevert(delta: Known): Revert | undefined {
  if (delta.operation !== 'revert' || !delta.patch.body) return undefined;
  const body = JSON.parse(Buffer.from(delta.patch.body).toString('utf8')) as RevertBody;
  const { to_version: version, lowest } = body;
  if (version === undefined) {
    const ids = new Set(delta.reverts);
    return { delta, lowest, covers: ({ id }) => ids.has(id) };
  }
  const extras = (body.extras ?? []).map(([first, last]) => ({ first, last }));
  const base: Base = { fromVersion: body.from_version ?? version, extras };
  return {
    delta,
    lowest,
    covers: ({ toVersion }) => toVersion > version && baseIncludes(base, toVersion),
  };
}

export class Ledger {
  /** By seq. A delta is undone while a revert of it stands, that is, is not undone itself. */
  readonly undone: ReadonlySet<number>;
  /** The lowest version that a revert among the deltas reaches back to; Infinity if there is none. */
  readonly lowest: number;
  /** Reverts that are not undone themselves. */
  readonly standing: readonly Revert[];
  readonly #deltas: readonly Known[];
  readonly #undoneReverts: readonly Revert[];

  /** `deltas`: in order of seq, up to the head. */
  constructor(deltas: readonly Known[]) {
    const undone = new Set<number>();
    const standing: Revert[] = [];
    const undoneReverts: Revert[] = [];
    let lowest = Infinity;
    // From the newest back: what undoes a revert comes after it.
    for (const delta of [...deltas].reverse()) {
      const isUndone = standing.some((revert) => revert.covers(delta));
      if (isUndone) undone.add(delta.toVersion);
      const revert = readRevert(delta);
      if (!revert) continue;
      lowest = Math.min(lowest, revert.lowest);
      (isUndone ? undoneReverts : standing).push(revert);
    }
    this.undone = undone;
    this.lowest = lowest;
    this.#deltas = deltas;
    this.standing = standing;
    this.#undoneReverts = undoneReverts;
  }

  /** What a revert undoes, of the deltas that are known here. */
  coveredBy(revert: Revert): readonly Known[] {
    return this.#deltas.filter((delta) => revert.covers(delta));
  }

  /**
   * All whose effects have to go together so that `targets` are undone and nothing else changes. Where a target was
   * reverted and that revert reverted, its content lives on in what the second revert inserted: both go along, with
   * everything the second one undid.
   */
  closure(targets: readonly Known[]): Set<number> {
    const found = new Set<number>();
    const queue = [...targets];
    for (let delta = queue.pop(); delta; delta = queue.pop()) {
      if (found.has(delta.toVersion)) continue;
      found.add(delta.toVersion);
      for (const revert of this.#undoneReverts) {
        if (!revert.covers(delta)) continue;
        queue.push(revert.delta);
        for (const later of this.standing) {
          if (later.covers(revert.delta)) queue.push(later.delta, ...this.coveredBy(later));
        }
      }
    }
    return found;
  }
}
