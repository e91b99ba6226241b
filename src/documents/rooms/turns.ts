/**
 * Turns among processes that write one blob at once. Whoever has just committed knows the head before all others and
 * would win the next race too, and the next: so it lets each of them go first, for a moment. Those who lose don't wait.
 *
 * The moment is as long as the others may need to hear of the commit and make their own, and that is told by how long
 * this process's take: on a busy machine a fixed one ends too early, and on a quiet one somebody who only might write
 * is waited for in vain.
 */
import { CONTENDED_MS, TURN_COMMITS, TURN_MS_MAX, TURN_MS_MIN } from '../../limits.ts';

/** How much of a new duration goes into the mean of those before. */
const NEWEST_WEIGHT = 1 / 4;

export class Turns {
  #ownAt = -Infinity;
  #commitMs = 0;
  /** By committer: when it was last seen to have committed, within CONTENDED_MS. */
  readonly #others = new Map<string, number>();
  #goOn: (() => void) | undefined;

  /** A commit of this process is in the log, so many milliseconds after it was begun, lost races among them. */
  own(tookMs: number): void {
    this.#ownAt = performance.now();
    this.#commitMs += (tookMs - this.#commitMs) * NEWEST_WEIGHT;
  }

  /** A commit of another process is. */
  foreign(committer: string): void {
    this.#others.set(committer, performance.now());
    if (this.#goOn && this.#allHadTheirs()) this.#goOn();
  }

  /** Resolves when it is this process's turn; undefined: now, unless its own last commit was just now and others write too. */
  mine(): Promise<void> | undefined {
    const turnMs = Math.min(TURN_MS_MAX, Math.max(TURN_MS_MIN, this.#commitMs * TURN_COMMITS));
    const waitMs = this.#ownAt + turnMs - performance.now();
    if (waitMs <= 0 || this.#others.size === 0 || this.#allHadTheirs()) return undefined;
    return new Promise((resolve) => {
      const goOn = (): void => {
        clearTimeout(late);
        this.#goOn = undefined;
        resolve();
      };
      const late = setTimeout(goOn, waitMs);
      this.#goOn = goOn;
    });
  }

  #allHadTheirs(): boolean {
    const since = performance.now() - CONTENDED_MS;
    for (const [committer, at] of this.#others) {
      if (at < since) this.#others.delete(committer);
      else if (at < this.#ownAt) return false;
    }
    return true;
  }
}
