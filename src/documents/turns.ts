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

  /** Resolves when it is this process's turn: at once, unless its own last commit was just now and others write too. */
  async mine(): Promise<void> {
    const waitMs = this.#ownAt + TURN_MS_MAX - performance.now();
    if (waitMs <= 0 || this.#allHadTheirs()) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, waitMs);
      this.#goOn = () => {
        clearTimeout(late);
        resolve();
      };
    });
    this.#goOn = undefined;
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
