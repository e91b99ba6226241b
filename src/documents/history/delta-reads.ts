/** Deltas of a blob out of its log. What is collected is bounded in bytes (G7): what has more is read a page at a time. */
import { bytesOfDelta, type Delta } from '../../domain/delta.ts';
import { versionThinned } from '../../domain/retention.ts';
import { StudioError } from '../../errors.ts';
import { DELTAS_READ_BYTES_MAX } from '../../limits.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Tombstones } from '../../storage/log/tombstones.ts';
import { LogGap, readStrictly } from '../log/log-stretch.ts';
import type { RoomState } from '../memory/room-state.ts';

/** Ascending. */
export interface DeltaPage {
  readonly deltas: readonly Delta[];
  /** There are fewer than were asked for, since they are large: it goes on behind them. */
  readonly isCut: boolean;
}

export class DeltaReads {
  readonly #log: CommitLog;
  readonly #tombstones: Tombstones;

  constructor(options: { readonly log: CommitLog; readonly tombstones: Tombstones }) {
    this.#log = options.log;
    this.#tombstones = options.tombstones;
  }

  /** Deltas first..last that the log has, a page at a time: fewer than asked for where retention dropped some. */
  async *pages(blobId: string, first: number, last: number): AsyncGenerator<readonly Delta[]> {
    for await (const page of this.#log.readPages(blobId, first, last)) {
      yield page.flatMap(({ deltas }) => deltas.filter(({ toVersion }) => first <= toVersion && toVersion <= last));
    }
  }

  /** Deltas first..last, every one, a page at a time. Throws as `History.materialize` does. */
  async *everyPage(blobId: string, first: number, last: number): AsyncGenerator<readonly Delta[]> {
    try {
      for await (const commits of readStrictly(this.#log, blobId, first, last))
        yield commits.flatMap(({ deltas }) => deltas);
    } catch (error) {
      throw error instanceof LogGap ? await this.explain(blobId, error.seq, error) : error;
    }
  }

  async at(blobId: string, version: number): Promise<Delta | undefined> {
    for await (const [delta] of this.pages(blobId, version, version)) if (delta) return delta;
    return undefined;
  }

  /** The delta that made the head. A document that was loaded from a state at its head does not have it in memory. */
  async newest({ newestDelta, blobId, version }: RoomState): Promise<Delta | undefined> {
    return newestDelta ?? (await this.at(blobId, version));
  }

  /** At most `limit` deltas beyond `after`. What retention dropped is left out, what follows it fills up. */
  async after(blobId: string, after: number, limit: number): Promise<DeltaPage> {
    const deltas: Delta[] = [];
    let bytes = 0;
    for (let first = after + 1; deltas.length < limit;) {
      const last = first + limit - deltas.length - 1;
      let isEmpty = true;
      for await (const page of this.pages(blobId, first, last)) {
        for (const delta of page) {
          if (bytes > DELTAS_READ_BYTES_MAX) return { deltas, isCut: true };
          deltas.push(delta);
          bytes += bytesOfDelta(delta);
          isEmpty = false;
        }
      }
      if (deltas.length >= limit) break;
      // What was found may be of a commit that goes on beyond.
      const next = isEmpty ? await this.#log.momentAfter(blobId, last) : { firstSeq: last + 1 };
      if (!next) break;
      first = next.firstSeq;
    }
    return { deltas, isCut: false };
  }

  /** At most `limit` deltas below `before` and above `downTo`, in the same way. */
  async before(blobId: string, before: number, downTo: number, limit: number): Promise<DeltaPage> {
    const found: Delta[] = [];
    let bytes = 0;
    for (let last = before - 1; last > downTo && found.length < limit;) {
      const first = Math.max(downTo + 1, last - (limit - found.length) + 1);
      const { commits, isAll } = await this.#log.readDownwards(blobId, first, last);
      const lowest = isAll ? first : Math.max(first, commits.at(-1)?.firstSeq ?? first);
      for (const delta of commits.flatMap(({ deltas }) => [...deltas].reverse())) {
        if (delta.toVersion < first || delta.toVersion > last) continue;
        if (bytes > DELTAS_READ_BYTES_MAX) return { deltas: found.reverse(), isCut: true };
        found.push(delta);
        bytes += bytesOfDelta(delta);
      }
      last = lowest - 1;
      if (commits.length > 0) continue;
      const dropped = (await this.#tombstones.list(blobId)).find((one) => one.first <= last && last <= one.last);
      if (dropped) last = dropped.first - 1;
    }
    return { deltas: found.reverse(), isCut: false };
  }

  /** Throws VERSION_THINNED for a version that retention dropped; the last one of a dropped range stays. */
  async requireKept(blobId: string, version: number): Promise<void> {
    const dropped = await this.#tombstones.list(blobId);
    const covering = dropped.find((one) => one.isCertain && one.first <= version && version < one.last);
    if (covering) throw versionThinned(blobId, version, covering);
  }

  /** What a missing delta means for somebody who asked for `version`. */
  async explain(blobId: string, version: number, gap: LogGap): Promise<StudioError> {
    const dropped = await this.#tombstones.list(blobId);
    const covering =
      dropped.find((one) => one.first <= version && version <= one.last) ??
      dropped.find((one) => one.first <= gap.seq && gap.seq <= one.last);
    if (covering) return versionThinned(blobId, version, covering);
    // Nothing above a missing delta: it is beyond the head.
    if (await this.#log.momentAfter(blobId, gap.seq)) return unreadable(blobId, version, gap);
    return new StudioError('VERSION_NOT_FOUND', `Blob "${blobId}" has no version ${version}.`, { blob_id: blobId });
  }
}

export function unreadable(blobId: string, version: number, cause: unknown): StudioError {
  const problem = cause instanceof Error ? cause.message : String(cause);
  return new StudioError(
    'BLOB_QUARANTINED',
    `Version ${version} of blob "${blobId}" can't be read: ${problem}`,
    { blob_id: blobId, version: String(version) },
    { cause },
  );
}
