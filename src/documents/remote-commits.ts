/** Other processes' commits that came early: during a flush, or with a hole before them. */
import type { Commit } from '../domain/delta.ts';
import { ROOM_REMOTE_COMMITS_MAX } from '../limits.ts';

export class RemoteCommits {
  readonly #byFirstSeq = new Map<number, Commit>();

  /** Over the limit it is forgotten: the log has it. */
  add(commit: Commit): void {
    if (this.#byFirstSeq.size < ROOM_REMOTE_COMMITS_MAX) this.#byFirstSeq.set(commit.firstSeq, commit);
  }

  /** Those that follow `version` without a hole; what is older is dropped. */
  takeAfter(version: number): Commit[] {
    const commits: Commit[] = [];
    let last = version;
    for (let next = this.#byFirstSeq.get(last + 1); next; next = this.#byFirstSeq.get(last + 1)) {
      commits.push(next);
      last = next.lastSeq;
    }
    for (const [firstSeq, commit] of this.#byFirstSeq) if (commit.lastSeq <= last) this.#byFirstSeq.delete(firstSeq);
    return commits;
  }
}
