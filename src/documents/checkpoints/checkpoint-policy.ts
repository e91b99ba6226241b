/** Which states and runs a blob should have. Pure: the same index and version give the same answer in every process. */
import {
  CHECKPOINT_RUNS_MAX,
  CHECKPOINT_STATES_MAX,
  COLLECTED_FROM_BYTES,
  RUN_DELTAS,
  RUN_JOIN_FACTOR,
  RUN_JOINED_BYTES_MAX,
  RUN_JOINED_DELTAS,
  STATE_BYTES_PER_DELTA,
  STATE_EVERY_BYTES,
  STATE_EVERY_DELTAS,
  STATE_LEAVING_BYTES,
  STATE_LEAVING_DELTAS,
} from '../../limits.ts';
import type { SeqRange } from '../../domain/delta.ts';
import type { CheckpointIndex, Entry, RunEntry, StateEntry } from '../../storage/checkpoints.ts';

/** Growing with the state, so that states never cost more than a fixed share of the log; with age, so that they stay few. */
export function stateSpacing(version: number, stateBytes: number): number {
  let spacing = STATE_EVERY_DELTAS;
  while (spacing * STATE_BYTES_PER_DELTA < stateBytes || version / spacing > CHECKPOINT_STATES_MAX) spacing *= 2;
  return spacing;
}

/** Versions up to `version` that should have a state and have none, ascending. */
export function missingStates(index: CheckpointIndex, version: number, dropped: readonly SeqRange[]): number[] {
  const spacing = stateSpacing(version, (newestWhole(index, dropped) ?? newestState(index))?.bytes ?? 0);
  const present = new Set(index.states.map((state) => state.version));
  const missing: number[] = [];
  for (let at = spacing; at <= version; at += spacing) {
    if (!present.has(at) && !dropped.some((range) => range.first <= at && at < range.last)) missing.push(at);
  }
  return missing;
}

/** What of a state its successors are planned by. */
export type StateSize = Pick<StateEntry, 'version' | 'bytes'>;

export function isStateDue(newest: StateSize | undefined, bytesSince: number): boolean {
  return bytesSince >= Math.max(STATE_EVERY_BYTES, newest?.bytes ?? 0);
}

/** Whether all that was deleted is to be kept in one more state, as of the head: seldom where that is much. */
export function isWholeDue(index: CheckpointIndex, dropped: readonly SeqRange[], bytesSince: number): boolean {
  const whole = newestWhole(index, dropped);
  if (!whole || whole.bytes < COLLECTED_FROM_BYTES) return true;
  const after = index.states.filter(({ version }) => version > whole.version);
  return isStateDue(
    whole,
    after.reduce((bytes, { since = 0 }) => bytes + since, bytesSince),
  );
}

export function leavesState(newest: StateSize | undefined, version: number, bytesSince: number): boolean {
  const grown = version - (newest?.version ?? 0);
  return grown > 0 && (grown >= STATE_LEAVING_DELTAS || bytesSince >= STATE_LEAVING_BYTES);
}

/** Up to where retention has dropped history, as of a version: what was deleted before that nothing can show again. */
export function keptFrom(dropped: readonly SeqRange[], version: number): number {
  return Math.max(0, ...dropped.filter(({ last }) => last <= version).map(({ last }) => last));
}

/** The newest state with all that was deleted since history was dropped last. */
export function newestWhole(index: CheckpointIndex, dropped: readonly SeqRange[]): StateEntry | undefined {
  return index.states.findLast((state) => isWhole(state, dropped));
}

export function isWhole({ version, collected_to: collectedTo = 0 }: StateEntry, dropped: readonly SeqRange[]): boolean {
  return collectedTo <= keptFrom(dropped, version);
}

/**
 * States that others make superfluous. Kept are the newest and the newest whole one, those at the spacing, those that
 * end a dropped range, and those that were due by the bytes before them.
 */
export function superfluousStates(index: CheckpointIndex, dropped: readonly SeqRange[]): StateEntry[] {
  const newest = newestState(index);
  if (!newest) return [];
  const whole = newestWhole(index, dropped);
  const spacing = stateSpacing(newest.version, (whole ?? newest).bytes);
  const seen = new Set<number>();
  const collected = new Set<number>();
  return index.states.filter((state) => {
    const isDouble = isWhole(state, dropped) ? seen.has(state.version) : collected.has(state.version);
    const hasWhole = seen.has(state.version);
    (isWhole(state, dropped) ? seen : collected).add(state.version);
    if (isDouble || dropped.some((range) => range.first <= state.version && state.version < range.last)) return true;
    if (state.version === newest.version || state === whole) return false;
    if (hasWhole) return true;
    if (dropped.some((range) => range.last === state.version)) return false;
    return state.version % spacing !== 0 && (state.since ?? 0) < STATE_EVERY_BYTES;
  });
}

/** What makes versions readable that retention dropped: states before the last version of the range, and runs. */
export function objectsOfRange(index: CheckpointIndex, { first, last }: SeqRange): Entry[] {
  return [
    ...index.states.filter((state) => first <= state.version && state.version < last),
    ...index.runs.filter((run) => run.first <= last && first <= run.last),
  ];
}

/** Runs that lie wholly in a longer one, or twice at one place, or reach into a dropped range. */
export function superfluousRuns(index: CheckpointIndex, dropped: readonly SeqRange[] = []): RunEntry[] {
  let covered = 0;
  // Sorted by first seq, the longer before the shorter.
  return index.runs.filter((run) => {
    if (run.last <= covered || dropped.some((range) => run.first <= range.last && range.first <= run.last)) return true;
    covered = run.last;
    return false;
  });
}

/** Whole windows of RUN_DELTAS within after+1..version that no run has, as ranges. */
export function missingRuns(
  index: CheckpointIndex,
  after: number,
  version: number,
  dropped: readonly SeqRange[],
): SeqRange[] {
  const missing: SeqRange[] = [];
  for (let start = Math.floor(after / RUN_DELTAS) * RUN_DELTAS; start + RUN_DELTAS <= version; start += RUN_DELTAS) {
    const window = { first: start + 1, last: start + RUN_DELTAS };
    const overlaps = (range: SeqRange): boolean => range.first <= window.last && window.first <= range.last;
    if (!index.runs.some(overlaps) && !dropped.some(overlaps)) missing.push(window);
  }
  return missing;
}

/** Groups of runs that follow one another without a hole and fill an aligned range: each is to become one. */
export function joinableRuns(index: CheckpointIndex): RunEntry[][] {
  const sizes = [RUN_JOINED_DELTAS];
  if (index.runs.length > CHECKPOINT_RUNS_MAX) sizes.push(RUN_JOINED_DELTAS * RUN_JOIN_FACTOR);
  const superfluous = new Set(superfluousRuns(index));
  const runs = index.runs.filter((run) => !superfluous.has(run));
  return sizes.flatMap((size) => {
    const groups = new Map<number, RunEntry[]>();
    for (const run of runs) {
      const group = Math.floor((run.first - 1) / size);
      if (Math.floor((run.last - 1) / size) === group) groups.set(group, [...(groups.get(group) ?? []), run]);
    }
    return [...groups.values()].filter((group) => isJoinable(group, size));
  });
}

function isJoinable(group: readonly RunEntry[], size: number): boolean {
  const deltas = group.reduce((sum, run) => sum + run.last - run.first + 1, 0);
  const bytes = group.reduce((sum, run) => sum + run.bytes, 0);
  return group.length > 1 && deltas === size && bytes <= RUN_JOINED_BYTES_MAX;
}

export function newestState(index: CheckpointIndex): StateEntry | undefined {
  return index.states.at(-1);
}

/** The version up to which the index spares reading the log. */
export function coveredTo(index: CheckpointIndex): number {
  return Math.max(newestState(index)?.version ?? 0, ...index.runs.map((run) => run.last));
}
