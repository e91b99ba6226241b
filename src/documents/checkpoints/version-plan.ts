/** How a range of versions is read: from which stored state on, then which runs and which stretches of the log. */
import type { CheckpointIndex, Entry, RunEntry, StateEntry } from '../../storage/checkpoints.ts';

/** first..last, inclusive; of a run perhaps only a part of what it holds. */
export interface Stretch {
  readonly first: number;
  readonly last: number;
  /** Absent: read from the log. */
  readonly run?: RunEntry;
}

export interface VersionPlan {
  readonly state?: StateEntry;
  /** Ascending, without a hole, from right after the state (or from 1) to the last version asked for. */
  readonly stretches: readonly Stretch[];
}

export interface PlanOptions {
  /** The state must be at or below this. */
  readonly from: number;
  /** MAX_SAFE_INTEGER: to the end of the log, whatever it is. */
  readonly to: number;
  /** Runs that reach beyond `to` are not used. */
  readonly wholeRuns?: boolean;
  /** What was deleted after this version must be there. Absent: nothing that is deleted needs to be. */
  readonly keptFrom?: number;
  /** Objects that turned out unusable. */
  readonly without?: ReadonlySet<string>;
}

export function planVersion(index: CheckpointIndex, options: PlanOptions): VersionPlan {
  const { from, to, wholeRuns, keptFrom = Infinity, without } = options;
  const isUsable = (entry: Entry): boolean => !without?.has(entry.hash);
  const holds = ({ version, collected_to: collectedTo = 0 }: StateEntry): boolean =>
    version <= from && collectedTo <= keptFrom;
  const state = index.states.filter((entry) => holds(entry) && isUsable(entry)).at(-1);
  const runs = index.runs.filter((run) => isUsable(run) && !(wholeRuns && run.last > to));
  const stretches: Stretch[] = [];
  let next = (state?.version ?? 0) + 1;
  while (next <= to) {
    let best: RunEntry | undefined;
    let nextStart = Infinity;
    for (const run of runs) {
      if (run.last < next) continue;
      if (run.first > next) nextStart = Math.min(nextStart, run.first);
      else if (!best || run.last > best.last) best = run;
    }
    const last = Math.min(to, best ? best.last : nextStart - 1);
    stretches.push({ first: next, last, run: best });
    next = last + 1;
  }
  return { state, stretches };
}
