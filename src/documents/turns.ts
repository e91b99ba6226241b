/**
 * Turns among processes that write one blob at once. Whoever has just committed knows the head before all others and
 * would win the next race too, and the next: so it lets each of them go first, for a moment. Those who lose don't wait.
 */
import { CONTENDED_MS, TURN_MS_MAX } from '../limits.ts';

export class Turns {
  #ownAt = -Infinity;
  /** By committer: when it was last seen to have committed, within CONTENDED_MS. */
  readonly #others = new Map<string, number>();
  #goOn: (() => void) | undefined;

  /** A commit of this process is in the log. */
  own(): void {
    this.#ownAt = performance.now();
  }

  /** A commit of another process is. */
  foreign(committer: string): void {
    this.#others.set(committer, performance.now());
    if (this.#goOn && this.#allHadTheirs()) this.#goOn();
  }

  /** Resolves when it is this process's turn; undefined: now, unless its own last commit was just now and others write too. */
  mine(): Promise<void> | undefined {
    const waitMs = this.#ownAt + TURN_MS_MAX - performance.now();
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
