/**
 * Makes stored states and runs, one at a time, out of the log and earlier states. Each is written, read back, verified,
 * and only then entered into the index: killed anywhere in between, it never was.
 */
import type { Delta, SeqRange } from '../domain/delta.ts';
import type { Failpoints } from '../failpoints.ts';
import type { CheckpointIndex, Checkpoints, Entry, RunEntry, StateEntry } from '../storage/checkpoints.ts';
import type { CommitLog } from '../storage/commit-log.ts';
import { decodeRun, encodeRun, joinRuns, runOf } from './checkpoint-codec.ts';
import { originOf, type Origin } from './log-facts.ts';
import { readStrictly } from './log-stretch.ts';
import type { StateWorker } from './state-worker.ts';
import type { StoredVersions } from './stored-versions.ts';

export class CheckpointMaker {
  readonly #log: CommitLog;
  readonly #checkpoints: Checkpoints;
  readonly #stored: StoredVersions;
  readonly #worker: StateWorker;
  readonly #failpoints: Failpoints;

  constructor(options: {
    readonly log: CommitLog;
    readonly checkpoints: Checkpoints;
    readonly stored: StoredVersions;
    readonly worker: StateWorker;
    readonly failpoints: Failpoints;
  }) {
    this.#log = options.log;
    this.#checkpoints = options.checkpoints;
    this.#stored = options.stored;
    this.#worker = options.worker;
    this.#failpoints = options.failpoints;
  }

  /** `packed`: the run, if it was encoded already. Undefined: too large for a run, the log is as good. */
  async makeRun(
    blobId: string,
    { first, last }: SeqRange,
    bytesMax: number,
    packed: Uint8Array | undefined,
  ): Promise<RunEntry | undefined> {
    const bytes = packed ?? encodeRun(runOf(await this.#readDeltas(blobId, first, last)));
    if (bytes.byteLength > bytesMax) return undefined;
    const entry = await this.#write<RunEntry>(blobId, { first, last }, bytes);
    await this.#readBack(blobId, entry);
    return this.#register(blobId, entry);
  }

  /** From the nearest state below, or from nothing. Throws LogGap where retention dropped what it would be made of. */
  async makeState(blobId: string, version: number, endsCommit?: boolean): Promise<StateEntry> {
    const fetched = await this.#stored.fetch(blobId, { from: version - 1, to: version, wholeRuns: true });
    const runs: { bytes: Uint8Array; skip: number }[] = [];
    let since = 0;
    for (const stretch of fetched.stretches) {
      const bytes = stretch.bytes ?? encodeRun(runOf(await this.#readDeltas(blobId, stretch.first, stretch.last)));
      since += bytes.byteLength;
      runs.push({ bytes, skip: stretch.run ? stretch.first - stretch.run.first : 0 });
    }
    const base = fetched.state?.bytes ?? (await this.#origin(blobId));
    const { state, digest, contentType } = await this.#worker.build({ base, runs });
    const entry = await this.#write<StateEntry>(blobId, { version, since, ends_commit: endsCommit }, state);
    // What is verified is what a reader will get, not what was sent.
    const stored = await this.#readBack(blobId, entry);
    const differences = await this.#worker.check({ state: stored, contentType, digest });
    if (differences.length > 0) throw new Error(`state ${version} reads back with another ${differences.join(', ')}`);
    return this.#register(blobId, entry);
  }

  /** Runs that follow one another become one. The shorter ones stay, for whoever removes what is superfluous. */
  async joinRuns(blobId: string, group: readonly RunEntry[]): Promise<RunEntry | undefined> {
    const [first, last] = [group[0], group.at(-1)];
    const found = await this.#checkpoints.read(blobId, group);
    if (!first || !last || found.size < group.length) return undefined;
    const bytes = encodeRun(joinRuns(group.map((run) => decodeRun(found.get(run) as Uint8Array))));
    const entry = await this.#write<RunEntry>(blobId, { first: first.first, last: last.last }, bytes);
    await this.#readBack(blobId, entry);
    const registered = await this.#register(blobId, entry);
    this.#failpoints.pass('compaction.after_join');
    return registered;
  }

  /** The index first: a reader who plans after it plans without them. */
  async drop(blobId: string, entries: readonly Entry[]): Promise<void> {
    if (entries.length === 0) return;
    await this.#checkpoints.unregister(blobId, entries);
    this.#failpoints.pass('compaction.after_unregister');
    await this.#checkpoints.remove(blobId, entries);
    this.#failpoints.pass('compaction.after_remove');
  }

  /** Whether its bytes are what its hash says. */
  async isWhole(blobId: string, entry: Entry): Promise<boolean> {
    return (await this.#checkpoints.read(blobId, [entry])).has(entry);
  }

  index(blobId: string): Promise<CheckpointIndex> {
    return this.#checkpoints.index(blobId);
  }

  async #write<E extends Entry>(
    blobId: string,
    place: Omit<E, 'bytes' | 'parts' | 'hash'>,
    bytes: Uint8Array,
  ): Promise<E> {
    this.#failpoints.pass('checkpoint.before_write');
    const entry = await this.#checkpoints.write<E>(blobId, place, bytes);
    this.#failpoints.pass('checkpoint.after_write');
    return entry;
  }

  async #readBack(blobId: string, entry: Entry): Promise<Uint8Array> {
    const stored = (await this.#checkpoints.read(blobId, [entry])).get(entry);
    if (!stored) throw new Error('a checkpoint was not read back as it was written');
    return stored;
  }

  async #register<E extends Entry>(blobId: string, entry: E): Promise<E> {
    this.#failpoints.pass('checkpoint.after_verify');
    await this.#checkpoints.register(blobId, entry);
    this.#failpoints.pass('checkpoint.after_register');
    return entry;
  }

  async #origin(blobId: string): Promise<Origin> {
    const first = await this.#log.commitAt(blobId, 1);
    if (!first) throw new Error('the log lacks its beginning');
    return originOf(first);
  }

  async #readDeltas(blobId: string, first: number, last: number): Promise<Delta[]> {
    const deltas: Delta[] = [];
    for await (const commits of readStrictly(this.#log, blobId, first, last)) {
      for (const commit of commits) deltas.push(...commit.deltas);
    }
    return deltas;
  }
}
