/**
 * Up to where the commits of a process have all their events in the stream (G5): what lies beyond is published by others
 * if it dies.
 */
import { PUBLISH_AGAIN_WATERMARKS_MAX } from '../limits.ts';

/** Commits of a process, by its numbers: those above `after`, up to `to`. */
export interface NumberRange {
  readonly after: number;
  readonly to: number;
}

export class Watermark {
  #low = 0;
  /** Published beyond it: with a hole before them. */
  readonly #ahead = new Set<number>();
  /** Of these there is nothing to tell; they lie beyond it, in order. */
  readonly #gone: NumberRange[] = [];
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
    this.#advance();
  }

  /** Commits that are not in the log any more: nobody can tell of them. */
  pass(gone: NumberRange): void {
    if (gone.to <= Math.max(this.#low, gone.after)) return;
    const before = this.#gone.findLastIndex(({ after }) => after <= gone.after);
    this.#gone.splice(before + 1, 0, gone);
    this.#advance();
  }

  #advance(): void {
    for (;;) {
      while (this.#ahead.delete(this.#low + 1)) this.#low += 1;
      const next = this.#gone[0];
      if (!next || next.after > this.#low) return;
      this.#gone.shift();
      while (this.#low < next.to) this.#ahead.delete(++this.#low);
    }
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
    this.#gone.length = 0;
  }
}
