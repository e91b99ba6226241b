/** Other processes' commits that came early: during a flush, or with a hole before them. G7: bounded in number and bytes. */
import type { Commit } from '../../domain/delta.ts';
import { ROOM_REMOTE_BYTES_MAX, ROOM_REMOTE_COMMITS_MAX } from '../../limits.ts';
import { draftBytes } from '../../storage/log/commit-size.ts';

export class RemoteCommits {
  readonly #byFirstSeq = new Map<number, { readonly commit: Commit; readonly bytes: number }>();
  #bytes = 0;

  /** About what they take in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** False, and forgotten, where there are too many: the log has it. */
  add(commit: Commit): boolean {
    if (this.#byFirstSeq.has(commit.firstSeq)) return true;
    let bytes = 0;
    for (const delta of commit.deltas) bytes += draftBytes(delta);
    const isFull = this.#byFirstSeq.size >= ROOM_REMOTE_COMMITS_MAX || this.#bytes + bytes > ROOM_REMOTE_BYTES_MAX;
    if (isFull) return false;
    this.#byFirstSeq.set(commit.firstSeq, { commit, bytes });
    this.#bytes += bytes;
    return true;
  }

  /** Those that follow `version` without a hole; what is older is dropped. */
  takeAfter(version: number): Commit[] {
    const commits: Commit[] = [];
    let last = version;
    for (let next = this.#byFirstSeq.get(last + 1); next; next = this.#byFirstSeq.get(last + 1)) {
      commits.push(next.commit);
      last = next.commit.lastSeq;
    }
    for (const [firstSeq, { commit, bytes }] of this.#byFirstSeq) {
      if (commit.lastSeq > last) continue;
      this.#byFirstSeq.delete(firstSeq);
      this.#bytes -= bytes;
    }
    return commits;
  }
}
