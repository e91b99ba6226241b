/**
 * Keeps each blob's states and runs as the policy wants them, beside the commits: the newest runs of all blobs together,
 * else one blob at a time, a few states each time. A commit costs a comparison here, whatever the length of the history.
 * Failing costs only time.
 */
import { within } from '../../domain/within.ts';
import type { Logger } from 'pino';
import {
  CHECKPOINT_DRAIN_MS_MAX,
  COMPACTIONS_WAITING_MAX,
  LOAD_BYTES_ACCEPTED_MAX,
  RUN_DELTAS,
  RUNS_PER_ROUND_MAX,
  STATES_PER_ROUND_MAX,
  STRAY_AGE_MS_MIN,
} from '../../limits.ts';
import type { CheckpointIndex, Checkpoints, Entry } from '../../storage/checkpoints.ts';
import { isState } from '../../storage/checkpoints.ts';
import type { Tombstones } from '../../storage/log/tombstones.ts';
import type { CheckpointMaker, WantedRun } from './checkpoint-maker.ts';
import { BlobGrowth, dueRuns, isStateDueBy, type Growth } from './blob-growth.ts';
import {
  coveredTo,
  joinableRuns,
  leavesState,
  missingRuns,
  missingStates,
  superfluousRuns,
  superfluousStates,
} from './checkpoint-policy.ts';
import { DueStates } from './due-states.ts';
import { Gathering } from './gathering.ts';
import { PackedRuns } from './packed-runs.ts';
import type { RoomState } from '../memory/room-state.ts';
import { WrongCheckpoints } from './wrong-checkpoints.ts';

/** It keeps no document: those that wait here are no longer counted as loaded (G7). */
interface Job {
  readonly blobId: string;
  version: number;
  leaving: boolean;
  /** More may be missing than the newest runs: of a blob just loaded, or one of which the last round did not make all. */
  looks: boolean;
  isPartial: boolean;
}

export class Compaction {
  readonly #maker: CheckpointMaker;
  readonly #checkpoints: Checkpoints;
  readonly #tombstones: Tombstones;
  readonly #logger: Logger;
  readonly #acceptedBytesMax: number;
  readonly #packed = new PackedRuns();
  readonly #growth = new BlobGrowth();
  readonly #gathering = new Gathering();
  readonly #wrong: WrongCheckpoints;
  readonly #states: DueStates;
  readonly #jobs = new Map<string, Job>();
  #working: Promise<void> | undefined;
  #deadline = Infinity;

  constructor(options: {
    readonly maker: CheckpointMaker;
    readonly checkpoints: Checkpoints;
    readonly tombstones: Tombstones;
    readonly logger: Logger;
    readonly acceptedBytesMax?: number;
  }) {
    this.#acceptedBytesMax = options.acceptedBytesMax ?? LOAD_BYTES_ACCEPTED_MAX;
    this.#maker = options.maker;
    this.#checkpoints = options.checkpoints;
    this.#tombstones = options.tombstones;
    this.#logger = options.logger;
    this.#wrong = new WrongCheckpoints(options);
    this.#states = new DueStates(options.maker);
  }

  /** States made by this process. */
  get made(): number {
    return this.#states.made;
  }

  /** Stored objects it found wrong. */
  get rejected(): number {
    return this.#wrong.found;
  }

  /** The blob was loaded. */
  follow(state: RoomState, index: CheckpointIndex): void {
    if (state.version === 0) return;
    this.#growth.follow(state, index);
    const covered = coveredTo(index);
    // A log without checkpoints, or with too long a tail; or the end of a process came between its runs and its states.
    const isDue = isStateDueBy(this.#growth.of(state.blobId));
    if (!isDue && state.version - covered < RUN_DELTAS && missingStates(index, covered, []).length === 0) return;
    this.#enqueue(state, { looks: true });
    // Much is missing, and its versions are read slowly until it is there.
    this.#gathering.skip();
  }

  /** The blob got deltas. */
  grown(state: RoomState): void {
    const known = this.#growth.count(state);
    known.isLoaded = true;
    const isRunDue = Math.floor(state.version / RUN_DELTAS) * RUN_DELTAS > known.packed;
    if (isRunDue) this.#packed.pack(state);
    if ((isRunDue || isStateDueBy(known)) && state.version >= known.retryAt) this.#enqueue(state);
  }

  /** G7: whether a load would still be bounded. Where it is not, a state is made as soon as it can be. */
  isLoadable(state: RoomState): boolean {
    const { stateBytes, bytesSince } = this.#growth.count(state);
    if (stateBytes + bytesSince <= this.#acceptedBytesMax) return true;
    this.#enqueue(state, { looks: true, leaving: true });
    return false;
  }

  /** The room is about to let go of deltas. */
  keep(state: RoomState): void {
    this.#packed.keep(state);
  }

  /** The blob is let go. `isPartial`: the document is not its head but what was read until then, perhaps of half a commit. */
  left(state: RoomState, { isPartial = false } = {}): void {
    if (state.version === 0) return;
    const known = this.#growth.count(state);
    known.isLoaded = false;
    const newest = { version: known.stateVersion, bytes: known.stateBytes };
    if (this.#jobs.has(state.blobId) || leavesState(newest, state.version, known.bytesSince))
      this.#enqueue(state, { leaving: true, isPartial });
    else this.#growth.forget(state.blobId);
  }

  /** A stored object is wrong: it is out at once, and made anew with the blob's next round. */
  reject(blobId: string, entry: Entry, problem: string): void {
    const known = this.#growth.get(blobId);
    if (known) known.packed = Math.min(known.packed, isState(entry) ? entry.version : entry.first - 1);
    this.#wrong.drop(blobId, entry, problem);
  }

  /** Lets the round under way end, and what leaves be left, within CHECKPOINT_DRAIN_MS_MAX. */
  async close(): Promise<void> {
    this.#deadline = performance.now() + CHECKPOINT_DRAIN_MS_MAX;
    await within(this.settle(), CHECKPOINT_DRAIN_MS_MAX, undefined);
  }

  /** Makes all that the policy wants and is missing. */
  async rebuild(state: RoomState): Promise<void> {
    const { blobId, version } = state;
    this.#growth.forget(blobId);
    this.#growth.count(state);
    while (!(await this.round(blobId, version, { leaving: true })));
    await this.tidy(blobId);
  }

  /** Resolves when nothing is due. */
  async settle(): Promise<void> {
    await this.#gathering.hurry(async () => {
      while (this.#working) await this.#working;
    });
  }

  #enqueue({ blobId, version }: RoomState, { leaving = false, looks = false, isPartial = false } = {}): void {
    const job = this.#jobs.get(blobId);
    if (job) {
      // What was read in part says nothing of where commits end, nor of the head.
      if (isPartial && !job.isPartial) return;
      job.isPartial = isPartial;
      job.version = version;
      job.leaving ||= leaving;
      job.looks ||= looks;
      return;
    }
    if (this.#jobs.size >= COMPACTIONS_WAITING_MAX) {
      this.#growth.forgetUnloaded(blobId);
      return;
    }
    this.#jobs.set(blobId, { blobId, version, leaving, looks, isPartial });
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  async #work(): Promise<void> {
    for (let goesOn = false; this.#jobs.size > 0;) {
      if (!goesOn) await this.#gathering.pause();
      goesOn = false;
      const jobs = [...this.#jobs.values()];
      this.#jobs.clear();
      for (const job of await this.#makeDueRuns(jobs)) if (!(await this.#roundOf(job))) goesOn = true;
    }
  }

  /**
   * What nearly all have to do, and a busy process many times a second: store runs that are encoded already and follow
   * on those there are, for which nothing has to be looked up where all of their history is so young that it was not
   * thinned. Returns the jobs of which more is to be done.
   */
  async #makeDueRuns(jobs: readonly Job[]): Promise<Job[]> {
    const due: { readonly job: Job; readonly known: Growth; readonly runs: readonly WantedRun[] }[] = [];
    const rest: Job[] = [];
    for (const job of jobs) {
      const { blobId, version } = job;
      const known = this.#growth.get(blobId);
      const windows = !known || job.leaving || job.looks ? undefined : dueRuns(known, version);
      // Entered by a delta that came while its run was being stored.
      if (windows?.length === 0) continue;
      const runs = (windows ?? []).map((range) => ({ blobId, range, packed: this.#packed.youngRun(blobId, range) }));
      if (!known || !windows || runs.some(({ packed }) => !packed)) rest.push(job);
      else due.push({ job, known, runs });
    }
    try {
      if (performance.now() > this.#deadline) return [];
      await this.#maker.makeRuns(due.flatMap(({ runs }) => runs));
      for (const { known, runs } of due) {
        for (const { blobId, range } of runs) {
          known.packed = Math.max(known.packed, range.last);
          this.#growth.made(blobId);
          this.#packed.forget(blobId, [range]);
        }
      }
    } catch (error) {
      for (const { job } of due) this.#growth.postpone(job.blobId, job.version);
      this.#logFailure(error, { runs: due.length });
    }
    return rest;
  }

  /** False: there is more to do. */
  async #roundOf(job: Job): Promise<boolean> {
    const { blobId, version, leaving, isPartial } = job;
    if (performance.now() > this.#deadline) return true;
    try {
      if (!(await this.round(blobId, version, { leaving, isPartial }))) {
        const again = this.#jobs.get(blobId) ?? job;
        again.looks = true;
        this.#jobs.set(blobId, again);
        return false;
      }
    } catch (error) {
      this.#growth.postpone(blobId, version);
      this.#logFailure(error, { blobId });
    }
    if (!this.#jobs.has(blobId)) this.#growth.forgetUnloaded(blobId);
    return true;
  }

  /** What the end of the process cuts short is no fault. */
  #logFailure(error: unknown, of: { readonly blobId?: string; readonly runs?: number }): void {
    const level = performance.now() > this.#deadline ? 'debug' : 'warn';
    this.#logger[level]({ err: error, ...of }, 'checkpoints not made');
  }

  /** False: there is more to do. */
  async round(
    blobId: string,
    version: number,
    { leaving, isPartial = false }: { readonly leaving: boolean; readonly isPartial?: boolean },
  ): Promise<boolean> {
    await this.#wrong.dropped(blobId);
    const known = this.#growth.of(blobId);
    const dropped = await this.#tombstones.list(blobId);
    const index = await this.#maker.index(blobId);
    const missing = missingRuns(index, known.packed, version, dropped);
    const ranges = missing.slice(0, RUNS_PER_ROUND_MAX);
    await this.#maker.makeRuns(ranges.map((range) => ({ blobId, range, packed: this.#packed.run(blobId, range) })));
    const isPacked = ranges.length === missing.length;
    const packed = isPacked ? Math.floor(version / RUN_DELTAS) * RUN_DELTAS : (ranges.at(-1)?.last ?? 0);
    known.packed = Math.max(known.packed, packed);
    this.#packed.forget(blobId, ranges);
    const statesTo = isPacked ? version : packed;
    const of = { blobId, version, leaving, isPartial, packed: statesTo };
    const wanted = await this.#states.make({ ...of, known, index, dropped });
    // Made while retention dropped some of it: whoever registers first, the other sees.
    const isOvertaken = ranges.length > 0 && (await this.#tombstones.list(blobId)).length !== dropped.length;
    if (wanted > 0 || isOvertaken) await this.tidy(blobId);
    this.#growth.made(blobId);
    return isPacked && wanted <= STATES_PER_ROUND_MAX;
  }

  /** Joins runs, and removes what is superfluous or belongs to nobody. */
  async tidy(blobId: string, strayBefore: Date = new Date(Date.now() - STRAY_AGE_MS_MIN)): Promise<void> {
    let index = await this.#maker.index(blobId);
    for (const group of joinableRuns(index)) await this.#maker.joinRuns(blobId, group);
    index = await this.#maker.index(blobId);
    const dropped = await this.#tombstones.list(blobId);
    const superfluous = superfluousStates(index, dropped);
    await this.#maker.drop(blobId, [...superfluous, ...superfluousRuns(index, dropped)], async () => {
      // Retention may have come to rely on one of them since the tombstones were read.
      const ranges = await this.#tombstones.list(blobId);
      const isOnly = (version: number): boolean => index.states.filter((one) => one.version === version).length === 1;
      return superfluous.filter(({ version, hash }) =>
        ranges.some(({ last, stateHash }) => last === version && (stateHash === hash || isOnly(version))),
      );
    });
    const strays = await this.#checkpoints.strays(blobId, strayBefore);
    if (strays.length === 0) return;
    const needed = (await this.#tombstones.list(blobId)).map(({ stateHash }) => stateHash).filter(Boolean);
    const removable = strays.filter((id) => !needed.some((hash) => id.includes(hash)));
    await this.#checkpoints.removeObjects(removable, strayBefore);
  }
}
