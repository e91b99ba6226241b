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

type Known = Pick<Delta, 'id' | 'toVersion' | 'operation' | 'patch' | 'reverts'>;

interface Revert {
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
    return { lowest, covers: ({ id }) => ids.has(id) };
  }
  const extras = (body.extras ?? []).map(([first, last]) => ({ first, last }));
  const base: Base = { fromVersion: body.from_version ?? version, extras };
  return {
    lowest,
    covers: ({ toVersion }) => toVersion > version && baseIncludes(base, toVersion),
  };
}

export class Ledger {
  /** By seq. A delta is undone while a revert of it stands, that is, is not undone itself. */
  readonly undone: ReadonlySet<number>;
  /** The lowest version that a revert among the deltas reaches back to; Infinity if there is none. */
  readonly lowest: number;
  readonly #deltas: readonly Known[];
  /** By seq. */
  readonly #reverts = new Map<number, Revert>();

  /** `deltas`: in order of seq, up to the head. */
  constructor(deltas: readonly Known[]) {
    this.#deltas = deltas;
    for (const delta of deltas) {
      const revert = readRevert(delta);
      if (revert) this.#reverts.set(delta.toVersion, revert);
    }
    this.lowest = Math.min(Infinity, ...Array.from(this.#reverts.values(), ({ lowest }) => lowest));
    this.undone = this.undoneWith([]);
  }

  /** What is undone when `targets` are, too: where one of them is a revert, what it undid is back. */
  undoneWith(targets: readonly Known[]): ReadonlySet<number> {
    const undone = new Set(targets.map(({ toVersion }) => toVersion));
    const standing: Revert[] = [];
    // From the newest back: what undoes a revert comes after it.
    for (const delta of [...this.#deltas].reverse()) {
      if (standing.some((revert) => revert.covers(delta))) undone.add(delta.toVersion);
      const revert = this.#reverts.get(delta.toVersion);
      if (revert && !undone.has(delta.toVersion)) standing.push(revert);
    }
    return undone;
  }
}
