/**
 * Keeps each blob's states and runs as the policy wants them, beside the commits: one blob at a time, a few states each
 * time. A commit costs a comparison here, whatever the length of the history. Failing costs only time.
 */
import type { Logger } from 'pino';
import {
  CHECKPOINT_DRAIN_MS_MAX,
  COMPACTIONS_WAITING_MAX,
  RUN_BYTES_MAX,
  RUN_DELTAS,
  RUNS_PER_ROUND_MAX,
  STATES_PER_ROUND_MAX,
  STRAY_AGE_MS_MIN,
} from '../limits.ts';
import type { CheckpointIndex, Checkpoints, Entry } from '../storage/checkpoints.ts';
import { isState } from '../storage/checkpoints.ts';
import type { Tombstones } from '../storage/tombstones.ts';
import type { CheckpointMaker } from './checkpoint-maker.ts';
import {
  coveredTo,
  isStateDue,
  joinableRuns,
  leavesState,
  missingRuns,
  missingStates,
  newestState,
  superfluousRuns,
  superfluousStates,
} from './checkpoint-policy.ts';
import { PackedRuns } from './packed-runs.ts';
import type { RoomState } from './room-state.ts';

/** What is known of a blob that is loaded here. */
interface Followed {
  /** Up to where there are runs, or will be none. */
  packed: number;
  /** Up to where bytes were counted. */
  counted: number;
  /** Bytes of updates since the newest state. */
  bytesSince: number;
  stateVersion: number;
  stateBytes: number;
}

interface Job {
  readonly state: RoomState;
  leaving: boolean;
}

export class Compaction {
  readonly #maker: CheckpointMaker;
  readonly #checkpoints: Checkpoints;
  readonly #tombstones: Tombstones;
  readonly #logger: Logger;
  readonly #packed = new PackedRuns();
  readonly #followed = new Map<string, Followed>();
  readonly #jobs = new Map<string, Job>();
  #working: Promise<void> | undefined;
  #deadline = Infinity;
  #made = 0;
  #rejected = 0;

  constructor(options: {
    readonly maker: CheckpointMaker;
    readonly checkpoints: Checkpoints;
    readonly tombstones: Tombstones;
    readonly logger: Logger;
  }) {
    this.#maker = options.maker;
    this.#checkpoints = options.checkpoints;
    this.#tombstones = options.tombstones;
    this.#logger = options.logger;
  }

  /** States made by this process. */
  get made(): number {
    return this.#made;
  }

  /** Stored objects it found wrong. */
  get rejected(): number {
    return this.#rejected;
  }

  /** The blob was loaded. */
  follow(state: RoomState, index: CheckpointIndex): void {
    if (state.version === 0) return;
    const newest = newestState(index);
    this.#followed.set(state.blobId, {
      packed: Math.min(coveredTo(index), state.version),
      counted: state.version,
      bytesSince: bytesOfRuns(index, newest?.version ?? 0),
      stateVersion: newest?.version ?? 0,
      stateBytes: newest?.bytes ?? 0,
    });
    // A log without checkpoints, or with too long a tail: made once, for the next who loads it.
    if (state.version - coveredTo(index) >= RUN_DELTAS) this.#enqueue(state, false);
  }

  /** The blob got deltas. */
  grown(state: RoomState): void {
    const known = this.#count(state);
    const isRunDue = Math.floor(state.version / RUN_DELTAS) * RUN_DELTAS > known.packed;
    if (isRunDue) this.#packed.pack(state);
    if (isRunDue || isStateDue({ version: known.stateVersion, bytes: known.stateBytes }, known.bytesSince))
      this.#enqueue(state, false);
  }

  /** The blob is let go. */
  left(state: RoomState): void {
    if (state.version === 0) return;
    const known = this.#count(state);
    const newest = { version: known.stateVersion, bytes: known.stateBytes };
    if (leavesState(newest, state.version, known.bytesSince)) this.#enqueue(state, true);
    else if (!this.#jobs.has(state.blobId)) this.#followed.delete(state.blobId);
  }

  /** A stored object is wrong: it is out at once, and made anew with the blob's next round. */
  reject(blobId: string, entry: Entry, problem: string): void {
    this.#rejected += 1;
    this.#logger.error({ blobId, entry, problem }, 'a stored checkpoint is wrong; it is left out and made anew');
    const known = this.#followed.get(blobId);
    if (known) known.packed = Math.min(known.packed, isState(entry) ? entry.version : entry.first - 1);
    this.#maker
      .drop(blobId, [entry])
      .catch((error: unknown) => this.#logger.warn({ err: error, blobId }, 'a wrong checkpoint is still listed'));
  }

  /** Lets the round under way end, and what leaves be left, within CHECKPOINT_DRAIN_MS_MAX. */
  async close(): Promise<void> {
    this.#deadline = Date.now() + CHECKPOINT_DRAIN_MS_MAX;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CHECKPOINT_DRAIN_MS_MAX)));
    await Promise.race([this.settle(), late]);
    clearTimeout(timer);
  }

  /** Makes all that the policy wants and is missing. */
  async rebuild(state: RoomState): Promise<void> {
    this.#followed.delete(state.blobId);
    while (!(await this.round(state, { leaving: true })));
    await this.tidy(state.blobId);
  }

  /** Resolves when nothing is due. */
  async settle(): Promise<void> {
    while (this.#working) await this.#working;
  }

  #count(state: RoomState): Followed {
    let known = this.#followed.get(state.blobId);
    if (!known) {
      known = { packed: 0, counted: 0, bytesSince: 0, stateVersion: 0, stateBytes: 0 };
      this.#followed.set(state.blobId, known);
    }
    for (const delta of state.recent(known.counted + 1, state.version) ?? [])
      for (const update of delta.updates) known.bytesSince += update.byteLength;
    known.counted = state.version;
    return known;
  }

  #enqueue(state: RoomState, leaving: boolean): void {
    const job = this.#jobs.get(state.blobId);
    if (job) {
      job.leaving ||= leaving;
      if (job.state === state) return;
      this.#jobs.set(state.blobId, { state, leaving: job.leaving });
      return;
    }
    if (this.#jobs.size >= COMPACTIONS_WAITING_MAX) return;
    this.#jobs.set(state.blobId, { state, leaving });
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  async #work(): Promise<void> {
    for (let next = this.#take(); next; next = this.#take()) {
      try {
        const isDone = await this.round(next.state, { leaving: next.leaving });
        if (!isDone) this.#jobs.set(next.state.blobId, next);
        else if (next.leaving && !this.#jobs.has(next.state.blobId)) this.#followed.delete(next.state.blobId);
      } catch (error) {
        // Not tried again before the next run is due, so that a broken log is not read over and over. What the end of
        // the process cuts short is no fault.
        const level = Date.now() > this.#deadline ? 'debug' : 'warn';
        this.#logger[level]({ err: error, blobId: next.state.blobId }, 'checkpoints not made');
      }
    }
  }

  #take(): Job | undefined {
    if (Date.now() > this.#deadline) this.#jobs.clear();
    for (const [blobId, job] of this.#jobs) {
      this.#jobs.delete(blobId);
      return job;
    }
    return undefined;
  }

  /** False: there is more to do. */
  async round(state: RoomState, { leaving }: { readonly leaving: boolean }): Promise<boolean> {
    const { blobId, version } = state;
    const known = this.#count(state);
    const dropped = await this.#tombstones.list(blobId);
    const index = await this.#maker.index(blobId);
    const missing = missingRuns(index, known.packed, version, dropped);
    const ranges = missing.slice(0, RUNS_PER_ROUND_MAX);
    for (const range of ranges) {
      await this.#maker.makeRun(blobId, range, RUN_BYTES_MAX, this.#packed.run(blobId, range));
    }
    const isPacked = ranges.length === missing.length;
    const packed = isPacked ? Math.floor(version / RUN_DELTAS) * RUN_DELTAS : (ranges.at(-1)?.last ?? 0);
    known.packed = Math.max(known.packed, packed);
    this.#packed.forget(blobId, ranges);
    const newest = newestState(index);
    const wanted = missingStates(index, isPacked ? version : packed, dropped);
    if (
      isPacked &&
      (isStateDue(newest, known.bytesSince) || (leaving && leavesState(newest, version, known.bytesSince)))
    )
      wanted.push(version);
    for (const at of wanted.slice(0, STATES_PER_ROUND_MAX)) {
      const made = await this.#maker.makeState(blobId, at, at === version || undefined);
      this.#made += 1;
      if (at >= known.stateVersion) {
        known.bytesSince = 0;
        known.stateVersion = at;
        known.stateBytes = made.bytes;
      }
    }
    if (wanted.length > 0) await this.tidy(blobId);
    return isPacked && wanted.length <= STATES_PER_ROUND_MAX;
  }

  /** Joins runs, and removes what is superfluous or belongs to nobody. */
  async tidy(blobId: string, strayBefore: Date = new Date(Date.now() - STRAY_AGE_MS_MIN)): Promise<void> {
    let index = await this.#maker.index(blobId);
    for (const group of joinableRuns(index)) await this.#maker.joinRuns(blobId, group);
    index = await this.#maker.index(blobId);
    const dropped = await this.#tombstones.list(blobId);
    await this.#maker.drop(blobId, [...superfluousStates(index, dropped), ...superfluousRuns(index, dropped)]);
    const strays = await this.#checkpoints.strays(blobId, strayBefore);
    if (strays.length > 0) await this.#checkpoints.removeObjects(strays);
  }
}

function bytesOfRuns(index: CheckpointIndex, after: number): number {
  return index.runs.reduce((bytes, run) => (run.first > after ? bytes + run.bytes : bytes), 0);
}
