/**
 * Drops what a rule says of one blob's log. In this order, so that a process killed anywhere leaves something whole:
 * a verified state at the end of the range, the tombstone announced and made certain, the checkpoints within, the commits. What is broken off is
 * finished by the next call. Of several at once, in whatever processes, the one whose tombstone takes the slot goes on;
 * the others plan anew, on what it left.
 */
import { bytesOfDelta, type SeqRange } from '../../domain/delta.ts';
import { isThinned, RetentionPlan, type PlannedRange, type RetentionRule } from '../../domain/retention.ts';
import type { Failpoints } from '../../failpoints.ts';
import { LOG_PAGE_COMMITS, RETENTION_PLANS_MAX } from '../../limits.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Tombstones } from '../../storage/log/tombstones.ts';
import type { CheckpointMaker } from '../checkpoints/checkpoint-maker.ts';
import { isWhole, keptFrom, objectsOfRange } from '../checkpoints/checkpoint-policy.ts';
import { LogGap } from '../log/log-stretch.ts';

/** Who knows which versions people gave a name. */
export interface NamedVersionSource {
  versionsOf(blobId: string): Promise<readonly { readonly version: number }[]>;
}

/** `kept`: a name called it off. `overtaken`: somebody else dropped something since it was planned. */
type DropOutcome = 'dropped' | 'kept' | 'overtaken';

/** A commit's share of the document around its updates: ids, times, names. */
const COMMIT_BYTES = 320;

export class Thinning {
  readonly #log: CommitLog;
  readonly #tombstones: Tombstones;
  readonly #maker: CheckpointMaker;
  readonly #names: NamedVersionSource;
  readonly #prepare: (blobId: string) => Promise<void>;
  readonly #failpoints: Failpoints;

  constructor(options: {
    readonly log: CommitLog;
    readonly tombstones: Tombstones;
    readonly maker: CheckpointMaker;
    readonly names: NamedVersionSource;
    /** Keeps what is to outlive the deltas. Called before any is dropped. */
    readonly prepare: (blobId: string) => Promise<void>;
    readonly failpoints: Failpoints;
  }) {
    this.#log = options.log;
    this.#tombstones = options.tombstones;
    this.#maker = options.maker;
    this.#names = options.names;
    this.#prepare = options.prepare;
    this.#failpoints = options.failpoints;
  }

  /** What applying the rule now would drop. Reads the log up to the first commit that is young enough. */
  async plan(blobId: string, rule: RetentionRule): Promise<readonly PlannedRange[]> {
    return this.#plan(blobId, rule, (await this.#tombstones.soFar(blobId)).ranges);
  }

  async #plan(blobId: string, rule: RetentionRule, done: readonly SeqRange[]): Promise<readonly PlannedRange[]> {
    const plan = new RetentionPlan(rule, new Date(), await this.#namedVersions(blobId));
    for await (const commit of this.#log.read(blobId, 1)) {
      // Of a range that is being dropped some commits may still be there.
      if (done.some((range) => range.first <= commit.firstSeq && commit.lastSeq <= range.last)) continue;
      const bytes = commit.deltas.reduce((sum, delta) => sum + bytesOfDelta(delta), COMMIT_BYTES);
      const appliedAt = commit.deltas[0]?.appliedAt ?? new Date();
      if (!plan.add({ first: commit.firstSeq, last: commit.lastSeq, appliedAt, bytes })) break;
    }
    return plan.ranges;
  }

  /** Returns what it dropped. `goOn` is asked before each range. */
  async apply(
    blobId: string,
    rule: RetentionRule,
    by: string,
    goOn: () => boolean = () => true,
  ): Promise<PlannedRange[]> {
    const dropped: PlannedRange[] = [];
    for (let plans = 1; plans <= RETENTION_PLANS_MAX; plans++) {
      await this.finish(blobId);
      const { ranges: done, nextSlot } = await this.#tombstones.soFar(blobId);
      const ranges = await this.#plan(blobId, rule, done);
      if (ranges.length > 0) await this.#prepare(blobId);
      let slot = nextSlot;
      let outcome: DropOutcome = 'dropped';
      for (const range of ranges) {
        if (!goOn()) return dropped;
        outcome = await this.#drop(blobId, range, slot, by);
        if (outcome === 'overtaken') break;
        if (outcome === 'dropped') dropped.push(range);
        slot += 1;
      }
      if (outcome !== 'overtaken') break;
    }
    return dropped;
  }

  /** What earlier calls began. */
  async finish(blobId: string): Promise<void> {
    for (const tombstone of await this.#tombstones.list(blobId)) {
      if (tombstone.isDone || !(tombstone.isCertain || (await this.#makeCertain(blobId, tombstone)))) continue;
      await this.#empty(blobId, tombstone);
    }
  }

  async #drop(blobId: string, range: PlannedRange, slot: number, by: string): Promise<DropOutcome> {
    this.#failpoints.pass('retention.before_state');
    let stateHash: string;
    try {
      stateHash = await this.#stateAt(blobId, range.last);
    } catch (error) {
      if (error instanceof LogGap && (await this.#tombstones.soFar(blobId)).nextSlot !== slot) return 'overtaken';
      throw error;
    }
    this.#failpoints.pass('retention.after_state');
    const tombstone = { ...range, blobId, stateHash, droppedAt: new Date(), droppedBy: by };
    if (!(await this.#tombstones.put(tombstone, slot))) return 'overtaken';
    this.#failpoints.pass('retention.after_tombstone');
    if (!(await this.#makeCertain(blobId, range))) return 'kept';
    await this.#empty(blobId, range);
    return 'dropped';
  }

  /**
   * Somebody may have named one of the versions meanwhile. Who names one looks for tombstones afterwards
   * (version-names.ts), so that at least one of the two sees the other.
   */
  async #makeCertain(blobId: string, range: SeqRange): Promise<boolean> {
    const named = await this.#namedVersions(blobId);
    if (!named.some((version) => isThinned(range, version))) return this.#tombstones.makeCertain(blobId, range);
    await this.#tombstones.callOff(blobId, range);
    return false;
  }

  async #stateAt(blobId: string, version: number): Promise<string> {
    const { states } = await this.#maker.index(blobId);
    const dropped = await this.#tombstones.list(blobId);
    for (const state of states) {
      if (state.version !== version || !isWhole(state, dropped)) continue;
      if (await this.#maker.isWhole(blobId, state)) return state.hash;
    }
    return (await this.#maker.makeState(blobId, version, { keptFrom: keptFrom(dropped, version) })).hash;
  }

  async #empty(blobId: string, range: SeqRange): Promise<void> {
    // Compaction may have found the state superfluous before there was the tombstone, and dropped it since.
    await this.#stateAt(blobId, range.last);
    await this.#maker.drop(blobId, objectsOfRange(await this.#maker.index(blobId), range));
    this.#failpoints.pass('retention.after_unregister');
    for (let first = range.first; first <= range.last; first += LOG_PAGE_COMMITS) {
      await this.#tombstones.deleteCommits(blobId, range, { first, last: first + LOG_PAGE_COMMITS - 1 });
      this.#failpoints.pass('retention.after_delete');
    }
    await this.#tombstones.setDone(blobId, range);
  }

  async #namedVersions(blobId: string): Promise<number[]> {
    return (await this.#names.versionsOf(blobId)).map(({ version }) => version);
  }
}
