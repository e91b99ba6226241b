/**
 * Of a blob that keeps changing, `blob.updated` is told every UPDATED_PACE_MS, of the newest version there is: who reads
 * it compares versions and counts nothing, so those between would only be work for everybody. The first after a pause
 * is told at once, the last of a burst within the pace.
 */
import type { CommitOutline } from '../domain/commit-outline.ts';
import { UPDATED_PACE_MS } from '../limits.ts';

/** A change of a blob that nobody was told of yet. */
export interface HeldUpdate {
  /** The newest of the blob; of its deltas only the last, which it is told of. */
  readonly commit: CommitOutline;
  /** Its number and those of the others it stands for. */
  readonly committerSeqs: readonly number[];
}

interface Told {
  atMs: number;
  /** Changes on their way to the stream, of which the blob is to be told, or is being told. */
  awaited: number;
  held: { commit: CommitOutline; readonly committerSeqs: number[] } | undefined;
}

export class UpdatePace {
  /** Blobs told of within the pace, or with changes that are awaited or held; those told longest ago first. */
  readonly #told = new Map<string, Told>();
  #held = 0;

  /** How many are held. */
  get size(): number {
    return this.#held;
  }

  /** When something held will be due, at the earliest. */
  get dueAtMs(): number {
    const [first] = this.#told.values();
    return this.#held > 0 && first ? first.atMs + UPDATED_PACE_MS : Infinity;
  }

  /** What is to be told now. Each is then either put back by `hold` or let go by `release`. */
  take(nowMs: number): HeldUpdate[] {
    const due: HeldUpdate[] = [];
    for (const [blobId, { atMs, awaited, held }] of this.#told) {
      if (atMs + UPDATED_PACE_MS > nowMs) break;
      if (held) {
        this.#held -= 1;
        due.push(held);
        this.#told.delete(blobId);
        this.#told.set(blobId, { atMs: nowMs, awaited: awaited + 1, held: undefined });
      } else if (awaited === 0) this.#told.delete(blobId);
    }
    return due;
  }

  /**
   * Whether a change of the blob may be told now; if so, it counts as told. If not, it is to be given to `hold` once
   * its delta is told of, or to `release` if that fails. `take` with the same time comes before.
   */
  admits(blobId: string, nowMs: number): boolean {
    const told = this.#told.get(blobId);
    if (told) told.awaited += 1;
    else this.#told.set(blobId, { atMs: nowMs, awaited: 0, held: undefined });
    return told === undefined;
  }

  hold(update: HeldUpdate): void {
    const told = this.#told.get(update.commit.blobId);
    if (!told) return;
    told.awaited -= 1;
    const { committerSeqs } = update;
    const commit = { ...update.commit, deltas: update.commit.deltas.slice(-1) };
    const { held } = told;
    if (!held) {
      this.#held += 1;
      told.held = { commit, committerSeqs: [...committerSeqs] };
      return;
    }
    if (commit.lastSeq > held.commit.lastSeq) held.commit = commit;
    for (const seq of committerSeqs) held.committerSeqs.push(seq);
  }

  release(blobId: string): void {
    const told = this.#told.get(blobId);
    if (told) told.awaited -= 1;
  }

  /** Whatever is awaited or held is found elsewhere. */
  clear(): void {
    this.#told.clear();
    this.#held = 0;
  }
}
