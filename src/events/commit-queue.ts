/**
 * Commits whose events wait for the stream. G7: bounded in deltas, each of which has an event, and without their bytes: a
 * change of megabytes is told of like any other.
 */
import type { CommitOutline } from '../domain/commit-outline.ts';
import { PUBLISH_QUEUE_DELTAS_MAX, PUBLISHES_IN_FLIGHT_MAX } from '../limits.ts';

export class CommitQueue {
  #commits: CommitOutline[] = [];
  #deltas = 0;

  /** How many commits. */
  get size(): number {
    return this.#commits.length;
  }

  /** Whether there is room for so many deltas more. An empty one takes any commit. */
  hasRoomFor(deltas: number): boolean {
    return this.#commits.length === 0 || this.#deltas + deltas <= PUBLISH_QUEUE_DELTAS_MAX;
  }

  add(commit: CommitOutline): void {
    this.#commits.push(commit);
    this.#deltas += commit.deltas.length;
  }

  /** What was taken and not published comes first again, whether or not there is room. */
  putBack(commits: readonly CommitOutline[]): void {
    this.#commits.unshift(...commits);
    this.#deltas += deltasOf(commits);
  }

  /** As many as may go beside the `inFlight` events on their way; one at least if there are none. */
  take(inFlight: number): CommitOutline[] {
    let count = 0;
    let events = inFlight;
    for (const { deltas } of this.#commits) {
      events += deltas.length + 1;
      if (events > PUBLISHES_IN_FLIGHT_MAX && inFlight + count > 0) break;
      count += 1;
    }
    const taken = this.#commits.splice(0, count);
    this.#deltas -= deltasOf(taken);
    return taken;
  }
}

function deltasOf(commits: readonly CommitOutline[]): number {
  return commits.reduce((sum, { deltas }) => sum + deltas.length, 0);
}
