/** Where the plans of a root ended that took too long to look at everything, so that the next goes on there. */
import { createHash } from 'node:crypto';
import type { Provider } from '../domain/derivation/provider.ts';
import { PLAN_ROUNDS_REMEMBERED_MAX } from '../limits.ts';
import type { OwnedGraph } from './owned-graph.ts';

/** Plans of which each goes on where the one before ended. */
export interface Round {
  /** What there was when it began: see `stateOf`. */
  readonly state: string;
  /** The last blob that was looked at: plans look at them by depth, then by id. */
  readonly depth: number;
  readonly id: string;
  /** Found so far. */
  readonly wakeAtMs: number;
  readonly newNodes: number;
  readonly hasReady: boolean;
}

/**
 * By workflow id, in memory: where it is lost, a round begins anew. What a plan of a round found is kept in it, for the
 * answer may have been lost on its way to the workflow, or may have gone to the reconciler.
 */
export class PlanRounds {
  readonly #rounds = new Map<string, Round>();

  get(id: string): Round | undefined {
    return this.#rounds.get(id);
  }

  set(id: string, round: Round): void {
    this.#rounds.delete(id);
    this.#rounds.set(id, round);
    const [oldest] = this.#rounds.keys();
    if (this.#rounds.size > PLAN_ROUNDS_REMEMBERED_MAX && oldest !== undefined) this.#rounds.delete(oldest);
  }

  delete(id: string): void {
    this.#rounds.delete(id);
  }
}

/** G9: if it is another when a round ends, something changed behind the plans of it, and there is one round more. */
export function stateOf({ sources }: OwnedGraph, providers: readonly Provider[], running: ReadonlySet<string>): string {
  const hash = createHash('sha256');
  for (const { id, version } of [...sources, ...providers]) hash.update(`${id} ${version}\n`);
  for (const id of [...running].sort()) hash.update(`${id}\n`);
  return hash.digest('base64');
}

/** How many of the sources the round has looked at. */
export function lookedAt({ sources }: OwnedGraph, round: Round | undefined): number {
  if (!round) return 0;
  const isBeyond = sources.findIndex(({ depth, id }) => (depth === round.depth ? id > round.id : depth > round.depth));
  return isBeyond < 0 ? sources.length : isBeyond;
}
