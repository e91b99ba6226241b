/** Any version of a blob: a stored state at or below it, runs of deltas, and what the log has beyond. */
import * as Y from 'yjs';
import type { Logger } from 'pino';
import { baseIncludes, lastSeqOf } from '../../domain/base.ts';
import { createDocument } from '../../domain/content/document.ts';
import { updateBytes, type Base, type Delta } from '../../domain/delta.ts';
import { StudioError } from '../../errors.ts';
import { LOAD_TRIED_BYTES_MIN, LOG_GAP_TRIES_MAX } from '../../limits.ts';
import type { CheckpointIndex } from '../../storage/checkpoints.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import { isDatabaseError } from '../../storage/database-error.ts';
import type { Tombstones } from '../../storage/log/tombstones.ts';
import { decodeRun, decodeState } from '../log/checkpoint-codec.ts';
import type { Compaction } from '../checkpoints/compaction.ts';
import { DeltaReads, unreadable } from './delta-reads.ts';
import { originOf, type Facts, type Origin } from '../log/log-facts.ts';
import { LoadBudget, pastBudget, TooMuchToLoad } from './load-budget.ts';
import { LogGap, readStrictly } from '../log/log-stretch.ts';
import { BrokenHistory, type Quarantine } from '../log/quarantine.ts';
import { RoomState } from '../memory/room-state.ts';
import { applyUpdates } from '../checkpoints/state-builder.ts';
import { StateThreadGone, StateTooHeavy, type StateWorker } from '../checkpoints/state-worker.ts';
import type { FetchedStretch, FetchedVersion, StoredVersions } from '../checkpoints/stored-versions.ts';

export interface HistoryOptions {
  readonly log: CommitLog;
  readonly stored: StoredVersions;
  readonly tombstones: Tombstones;
  readonly compaction: Compaction;
  readonly quarantine: Quarantine;
  readonly worker: StateWorker;
  readonly logger: Logger;
  /** Default: KEPT_BYTES_MAX and LOAD_BYTES_MAX. */
  readonly keptBytesMax?: number;
  readonly loadBytesMax?: number;
}

export class History {
  readonly deltas: DeltaReads;
  readonly #options: HistoryOptions;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.deltas = new DeltaReads(options);
  }

  /** The blob as the log has it now; version 0 when it was never created. G6: rejects rather than give less. */
  async load(blobId: string): Promise<RoomState> {
    const { quarantine, compaction } = this.#options;
    quarantine.admit(blobId);
    try {
      const { state, index } = await this.#again((without) => this.#load(blobId, without));
      quarantine.release(blobId);
      compaction.follow(state, index);
      return state;
    } catch (error) {
      if (isDatabaseError(error) || error instanceof StateThreadGone) throw error;
      throw await quarantine.put(blobId, problemOf(error));
    }
  }

  async #load(blobId: string, without: Set<string>): Promise<{ state: RoomState; index: CheckpointIndex }> {
    const { stored } = this.#options;
    const budget = new LoadBudget(this.#options.loadBytesMax);
    const to = Number.MAX_SAFE_INTEGER;
    const fetched = await stored.fetch(blobId, { from: to, to }, without);
    const state = new RoomState(blobId);
    if (fetched.state) {
      const { entry, bytes } = fetched.state;
      budget.spend(bytes.byteLength);
      try {
        const decoded = decodeState(bytes);
        if (bytes.byteLength >= LOAD_TRIED_BYTES_MIN) {
          const { contentType } = decoded.origin.genesis;
          await this.#options.worker.check({ state: bytes, contentType });
        }
        budget.work(() => state.restore(entry.version, decoded));
      } catch (error) {
        if (!saysItIsWrong(error)) throw error;
        without.add(entry.hash);
        stored.reject(blobId, entry, problemOf(error));
        return this.#load(blobId, without);
      }
    }
    try {
      await this.#follow(state, fetched, budget);
    } catch (error) {
      // The next load finds a state up to here, and gets further.
      if (error instanceof TooMuchToLoad) this.#options.compaction.left(state, { isPartial: true });
      throw error;
    }
    return { state, index: fetched.index };
  }

  /** What comes after the stored state. */
  async #follow(state: RoomState, fetched: FetchedVersion, budget: LoadBudget): Promise<void> {
    const { blobId } = state;
    for (const stretch of fetched.stretches) {
      if (stretch.bytes) {
        budget.spend(stretch.bytes.byteLength);
        const run = decodeRun(stretch.bytes);
        const origin = state.version === 0 ? await this.#origin(blobId) : undefined;
        budget.work(() => state.skip({ ...run, updates: partOf(stretch, run.updates) }, origin));
        continue;
      }
      const below = fetched.state?.entry;
      const startsCommit = below?.ends_commit && stretch.first === below.version + 1;
      for await (const commits of readStrictly(this.#options.log, blobId, stretch.first, stretch.last, startsCommit)) {
        for (const commit of commits) for (const delta of commit.deltas) budget.spend(updateBytes(delta));
        try {
          budget.work(() => void state.apply(commits));
        } catch (error) {
          if (error instanceof BrokenHistory) throw error;
          const [from, to] = [commits[0]?.firstSeq, commits.at(-1)?.lastSeq];
          throw new BrokenHistory(`deltas ${from}..${to} can't be applied: ${problemOf(error)}`, { cause: error });
        }
      }
    }
  }

  async #origin(blobId: string): Promise<Origin> {
    const first = await this.#options.log.commitAt(blobId, 1);
    if (!first) throw new LogGap(1);
    return originOf(first);
  }

  /**
   * A document that holds exactly the deltas of `base`; versions 1..N when that is a plain version. With `keptFrom` it
   * also holds what was deleted after that version. Throws VERSION_THINNED for what retention dropped, VERSION_NOT_FOUND
   * beyond the head, LIMIT_EXCEEDED for what takes too much.
   */
  async materialize(blobId: string, base: Base, keptFrom?: number): Promise<Y.Doc> {
    try {
      return await this.#again((without) => this.#materialize(blobId, base, keptFrom, without));
    } catch (error) {
      if (isDatabaseError(error) || error instanceof StudioError) throw error;
      if (error instanceof LogGap) throw await this.deltas.explain(blobId, lastSeqOf(base), error);
      throw unreadable(blobId, lastSeqOf(base), error);
    }
  }

  async #materialize(blobId: string, base: Base, keptFrom: number | undefined, without: Set<string>): Promise<Y.Doc> {
    const to = lastSeqOf(base);
    const fetched = await this.#options.stored.fetch(blobId, { from: base.fromVersion, to, keptFrom }, without);
    const budget = pastBudget(to, keptFrom, this.#options.keptBytesMax);
    const doc = createDocument({ gc: keptFrom === undefined });
    if (fetched.state) {
      budget.spend(fetched.state.bytes.byteLength);
      Y.applyUpdateV2(doc, decodeState(fetched.state.bytes).update);
    }
    for (const stretch of fetched.stretches) {
      if (stretch.bytes) {
        budget.spend(stretch.bytes.byteLength);
        const updates = partOf(stretch, decodeRun(stretch.bytes).updates);
        const included = updates.filter((_, index) => baseIncludes(base, stretch.first + index));
        applyUpdates(doc, included.flat());
        continue;
      }
      for await (const commits of readStrictly(this.#options.log, blobId, stretch.first, stretch.last)) {
        const deltas = commits.flatMap((commit) => commit.deltas);
        for (const delta of deltas) budget.spend(updateBytes(delta));
        applyDeltas(
          doc,
          deltas.filter((delta) => baseIncludes(base, delta.toVersion)),
        );
      }
    }
    return doc;
  }

  /** What the stored state of exactly that version says beside its content. Throws as `materialize` does. */
  async factsAt(blobId: string, version: number): Promise<Facts> {
    const { state } = await this.#options.stored.fetch(blobId, { from: version, to: version });
    if (state?.entry.version === version) return decodeState(state.bytes).facts;
    throw await this.deltas.explain(blobId, version, new LogGap(version));
  }

  /** G7: throws LIMIT_EXCEEDED where what was written would no longer be loaded once more was written. */
  requireLoadable(state: RoomState): void {
    if (this.#options.compaction.isLoadable(state)) return;
    throw new StudioError(
      'LIMIT_EXCEEDED',
      'More was written to this blob than can be loaded again before a new state of it is stored; try again.',
      { limit: 'LOAD_BYTES_ACCEPTED_MAX', blob_id: state.blobId },
    );
  }

  /** After a commit: costs nothing but a comparison unless checkpoints are due, and those are made beside the commits. */
  checkpointIfDue(state: RoomState): void {
    this.#options.compaction.grown(state);
  }

  /** The document is let go: the next load should find a state at its head. */
  leave(state: RoomState): void {
    this.#options.compaction.left(state);
  }

  async #again<T>(attempt: (without: Set<string>) => Promise<T>): Promise<T> {
    const without = new Set<string>();
    for (let tries = 1; ; tries++) {
      try {
        return await attempt(without);
      } catch (error) {
        if (!(error instanceof LogGap) || tries >= LOG_GAP_TRIES_MAX) throw error;
      }
    }
  }
}

export function applyDeltas(doc: Y.Doc, deltas: readonly Delta[]): void {
  applyUpdates(
    doc,
    deltas.flatMap((delta) => delta.updates),
  );
}

/** What of a run belongs to the stretch. */
function partOf<T>({ first, last, run }: FetchedStretch, deltas: readonly T[]): readonly T[] {
  return run ? deltas.slice(first - run.first, last - run.first + 1) : [];
}

/** And not that it could not be looked at, or that the blob is broken beyond it. */
function saysItIsWrong(error: unknown): boolean {
  const saysNot = [StateTooHeavy, StateThreadGone, BrokenHistory].some((kind) => error instanceof kind);
  return !saysNot && !isDatabaseError(error);
}

function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
