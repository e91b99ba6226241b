/**
 * Makes stored states and runs, one at a time, out of the log and earlier states. Each is written, read back, verified,
 * and only then entered into the index: killed anywhere in between, it never was.
 */
import { updateBytes, type Delta, type SeqRange } from '../../domain/delta.ts';
import type { Failpoints } from '../../failpoints.ts';
import {
  COLLECTED_STEP_BYTES,
  RUN_BYTES_MAX,
  RUNS_TOGETHER_BYTES_MAX,
  RUNS_TOGETHER_MAX,
  WHOLE_STATE_BYTES_MAX,
} from '../../limits.ts';
import type {
  CheckpointIndex,
  Checkpoints,
  Entry,
  PlacedEntry,
  RunBytes,
  RunEntry,
  StateEntry,
} from '../../storage/checkpoints.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import { decodeRun, deltasIn, encodeRun, joinRuns, runOf } from '../log/checkpoint-codec.ts';
import { originOf, type Origin } from '../log/log-facts.ts';
import { readStrictly } from '../log/log-stretch.ts';
import type { BuiltState } from './state-builder.ts';
import { StateTooHeavy, type StateWorker } from './state-worker.ts';
import { holdsItsDeltas, type FetchedStretch, type StoredVersions } from './stored-versions.ts';

export interface WantedRun {
  readonly blobId: string;
  readonly range: SeqRange;
  /** Its bytes, if it was encoded already. */
  readonly packed: Uint8Array | undefined;
}

export interface MakeState {
  /** The version is known to be the last of its commit. */
  readonly endsCommit?: boolean;
  /** Up to where retention has dropped history. */
  readonly keptFrom?: number;
}

interface StatePlace {
  readonly version: number;
  readonly since: number;
  readonly endsCommit: boolean | undefined;
  readonly collectedTo: number | undefined;
}

export class CheckpointMaker {
  readonly #log: CommitLog;
  readonly #checkpoints: Checkpoints;
  readonly #stored: StoredVersions;
  readonly #worker: StateWorker;
  readonly #failpoints: Failpoints;
  readonly #wholeBytesMax: number;

  constructor(options: {
    readonly log: CommitLog;
    readonly checkpoints: Checkpoints;
    readonly stored: StoredVersions;
    readonly worker: StateWorker;
    readonly failpoints: Failpoints;
    readonly wholeBytesMax?: number;
  }) {
    this.#log = options.log;
    this.#checkpoints = options.checkpoints;
    this.#stored = options.stored;
    this.#worker = options.worker;
    this.#failpoints = options.failpoints;
    this.#wholeBytesMax = options.wholeBytesMax ?? WHOLE_STATE_BYTES_MAX;
  }

  /**
   * Runs of one blob or of many: those that fit together are written, read back and entered together. What is too large
   * for a run is left out, the log is as good.
   */
  async makeRuns(wanted: readonly WantedRun[]): Promise<void> {
    let group: RunBytes[] = [];
    let groupBytes = 0;
    for (const { blobId, range, packed } of wanted) {
      const isPacked = packed && deltasIn(packed) === range.last - range.first + 1;
      const bytes = isPacked ? packed : await this.#readRun(blobId, range, RUN_BYTES_MAX);
      if (!bytes || bytes.byteLength > RUN_BYTES_MAX) continue;
      if (group.length === RUNS_TOGETHER_MAX || groupBytes + bytes.byteLength > RUNS_TOGETHER_BYTES_MAX) {
        await this.#makeTogether(group);
        [group, groupBytes] = [[], 0];
      }
      group.push({ blobId, range, bytes });
      groupBytes += bytes.byteLength;
    }
    if (group.length > 0) await this.#makeTogether(group);
  }

  async #makeTogether(runs: readonly RunBytes[]): Promise<void> {
    this.#failpoints.pass('checkpoint.before_write');
    const placed = await this.#checkpoints.writeRuns(runs);
    this.#failpoints.pass('checkpoint.after_write');
    const stored = await this.#checkpoints.readPlaced(placed);
    const whole = placed.filter(({ entry }) => stored.has(entry));
    if (whole.length > 0) await this.#register(whole);
    if (whole.length < placed.length) throw new Error('a checkpoint was not read back as it was written');
  }

  /**
   * From the nearest state below, or from nothing. With all that was deleted after `keptFrom`, unless that is too much
   * for a state: then without what is deleted. Throws LogGap where retention dropped what it would be made of.
   */
  async makeState(blobId: string, version: number, options: MakeState = {}): Promise<StateEntry> {
    try {
      const whole = await this.#makeWhole(blobId, version, options);
      if (whole) return whole;
    } catch (error) {
      if (!(error instanceof StateTooHeavy)) throw error;
    }
    return this.makeCollected(blobId, version, options);
  }

  async #makeWhole(blobId: string, version: number, options: MakeState): Promise<StateEntry | undefined> {
    const keptFrom = options.keptFrom ?? 0;
    const fetched = await this.#stored.fetch(blobId, { from: version - 1, to: version, wholeRuns: true, keptFrom });
    const runs: { bytes: Uint8Array; skip: number }[] = [];
    let left = this.#wholeBytesMax - (fetched.state?.bytes.byteLength ?? 0);
    let since = 0;
    for (const stretch of fetched.stretches) {
      const bytes = stretch.bytes ?? (left > 0 ? await this.#readRun(blobId, stretch, left) : undefined);
      left -= bytes?.byteLength ?? 0;
      if (!bytes || left < 0) return undefined;
      since += bytes.byteLength;
      runs.push({ bytes, skip: stretch.run ? stretch.first - stretch.run.first : 0 });
    }
    const base = fetched.state?.bytes ?? (await this.#origin(blobId));
    const built = await this.#worker.build({ base, runs });
    const { endsCommit } = options;
    return this.#store(blobId, { version, since, endsCommit, collectedTo: fetched.state?.entry.collected_to }, built);
  }

  /** Without what is deleted: it costs what the content takes and what has come since the nearest state below, step by step. */
  async makeCollected(blobId: string, version: number, { endsCommit }: MakeState = {}): Promise<StateEntry> {
    const fetched = await this.#stored.fetch(blobId, { from: version - 1, to: version, wholeRuns: true });
    let base = fetched.state?.bytes ?? (await this.#origin(blobId));
    let runs: { bytes: Uint8Array; skip: number }[] = [];
    let since = 0;
    let bytes = 0;
    for await (const run of this.#runsOf(blobId, fetched.stretches)) {
      runs.push(run);
      since += run.bytes.byteLength;
      bytes += run.bytes.byteLength;
      if (bytes < COLLECTED_STEP_BYTES) continue;
      base = (await this.#worker.build({ base, runs, collectTo: version })).state;
      [runs, bytes] = [[], 0];
    }
    const built = await this.#worker.build({ base, runs, collectTo: version });
    return this.#store(blobId, { version, since, endsCommit, collectedTo: version }, built);
  }

  /** What the log has is made to runs a page at a time. */
  async *#runsOf(
    blobId: string,
    stretches: readonly FetchedStretch[],
  ): AsyncGenerator<{ readonly bytes: Uint8Array; readonly skip: number }> {
    for (const { first, last, run, bytes } of stretches) {
      if (bytes) yield { bytes, skip: run ? first - run.first : 0 };
      else
        for await (const commits of readStrictly(this.#log, blobId, first, last))
          yield { bytes: encodeRun(runOf(commits.flatMap(({ deltas }) => deltas))), skip: 0 };
    }
  }

  async #store(
    blobId: string,
    { version, since, endsCommit, collectedTo }: StatePlace,
    { state, digest, contentType }: BuiltState,
  ): Promise<StateEntry> {
    this.#failpoints.pass('checkpoint.before_write');
    const place = { version, since, ends_commit: endsCommit, collected_to: collectedTo };
    const entry = await this.#checkpoints.writeState(blobId, place, state);
    this.#failpoints.pass('checkpoint.after_write');
    // What is verified is what a reader will get, not what was sent.
    const stored = (await this.#checkpoints.read(blobId, [entry])).get(entry);
    if (!stored) throw new Error('a checkpoint was not read back as it was written');
    const differences = await this.#worker.check({ state: stored, contentType, digest });
    if (differences.length > 0) throw new Error(`state ${version} reads back with another ${differences.join(', ')}`);
    await this.#register([{ blobId, entry }]);
    return entry;
  }

  /** Runs that follow one another become one. The shorter ones stay, for whoever removes what is superfluous. */
  async joinRuns(blobId: string, group: readonly RunEntry[]): Promise<void> {
    const [first, last] = [group[0], group.at(-1)];
    const found = await this.#checkpoints.read(blobId, group);
    if (!first || !last || found.size < group.length) return;
    // A reader will come upon the wrong one, and it is made anew.
    if (![...found].every(([run, bytes]) => holdsItsDeltas(run, bytes))) return;
    const bytes = encodeRun(joinRuns(group.map((run) => decodeRun(found.get(run) as Uint8Array))));
    await this.#makeTogether([{ blobId, range: { first: first.first, last: last.last }, bytes }]);
    this.#failpoints.pass('compaction.after_join');
  }

  /**
   * The index first: a reader who plans after it plans without them. `needed` is asked then which of them have come to
   * be needed meanwhile: those are listed again. What another process makes anew meanwhile has the same hash, and stays.
   */
  async drop(
    blobId: string,
    entries: readonly Entry[],
    needed: () => Promise<readonly Entry[]> = () => Promise.resolve([]),
  ): Promise<void> {
    if (entries.length === 0) return;
    const before = new Date();
    await this.#checkpoints.unregister(blobId, entries);
    this.#failpoints.pass('compaction.after_unregister');
    const kept = await needed().catch(async (error: unknown) => {
      // What is not known to be superfluous any more is not left unlisted.
      await this.#checkpoints.register(entries.map((entry) => ({ blobId, entry })));
      throw error;
    });
    if (kept.length > 0) await this.#checkpoints.register(kept.map((entry) => ({ blobId, entry })));
    await this.#checkpoints.remove(
      blobId,
      entries.filter((entry) => !kept.includes(entry)),
      before,
    );
    this.#failpoints.pass('compaction.after_remove');
  }

  /** Whether its bytes are what its hash says. */
  async isWhole(blobId: string, entry: Entry): Promise<boolean> {
    return (await this.#checkpoints.read(blobId, [entry])).has(entry);
  }

  index(blobId: string): Promise<CheckpointIndex> {
    return this.#checkpoints.index(blobId);
  }

  async #register(placed: readonly PlacedEntry[]): Promise<void> {
    this.#failpoints.pass('checkpoint.after_verify');
    await this.#checkpoints.register(placed);
    this.#failpoints.pass('checkpoint.after_register');
  }

  async #origin(blobId: string): Promise<Origin> {
    const first = await this.#log.commitAt(blobId, 1);
    if (!first) throw new Error('the log lacks its beginning');
    return originOf(first);
  }

  /** The run, encoded. Undefined: its updates alone come to more. Not read further then. */
  async #readRun(blobId: string, { first, last }: SeqRange, bytesMax: number): Promise<Uint8Array | undefined> {
    const deltas: Delta[] = [];
    let bytes = 0;
    for await (const commits of readStrictly(this.#log, blobId, first, last)) {
      for (const delta of commits.flatMap((commit) => commit.deltas)) {
        deltas.push(delta);
        bytes += updateBytes(delta);
      }
      if (bytes > bytesMax) return undefined;
    }
    return encodeRun(runOf(deltas));
  }
}
