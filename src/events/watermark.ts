/**
 * Up to where the commits of a process have all their events in the stream (G5): what lies beyond is published by others
 * if it dies.
 */
import { PUBLISH_AGAIN_WATERMARKS_MAX } from '../limits.ts';

export class Watermark {
  #low = 0;
  /** Published beyond it: with a hole before them. */
  readonly #ahead = new Set<number>();
  /** Where it stood in the last seconds in which it moved, oldest first. */
  readonly #lows: number[] = [0];

  /** The committer's number of the last commit before the first hole; 0: none. */
  get low(): number {
    return this.#low;
  }

  has(committerSeq: number): boolean {
    return committerSeq <= this.#low || this.#ahead.has(committerSeq);
  }

  add(committerSeq: number): void {
    if (committerSeq <= this.#low) return;
    this.#ahead.add(committerSeq);
    while (this.#ahead.delete(this.#low + 1)) this.#low += 1;
  }

  /** To be called every WATERMARK_EVERY_MS: notes where it stands. */
  note(): void {
    if (this.#low > (this.#lows.at(-1) ?? 0)) this.#lows.push(this.#low);
    if (this.#lows.length > PUBLISH_AGAIN_WATERMARKS_MAX) this.#lows.shift();
  }

  /** To the oldest place noted, as if nothing had been published since. */
  goBack(): void {
    this.#low = Math.min(this.#low, this.#lows[0] ?? 0);
    this.#ahead.clear();
  }
}
