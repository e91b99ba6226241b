/**
 * Up to where the commits of a process have all their events in the stream (G5): what lies beyond is published by others
 * if it dies.
 */
import { PUBLISH_AGAIN_MS } from '../limits.ts';

/** Commits of a process, by its numbers: those above `after`, up to `to`. */
export interface NumberRange {
  readonly after: number;
  readonly to: number;
}

interface Note {
  readonly atMs: number;
  readonly low: number;
}

export class Watermark {
  #low = 0;
  /** Published beyond it: with a hole before them. */
  readonly #ahead = new Set<number>();
  /** Of these there is nothing to tell; they lie beyond it, in order. */
  readonly #gone: NumberRange[] = [];
  /** Where it stood and since when; the first, before what the stream may still lose. */
  readonly #notes: Note[] = [{ atMs: -Infinity, low: 0 }];

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
  note(nowMs: number): void {
    if (this.#low > (this.#notes.at(-1)?.low ?? 0)) this.#notes.push({ atMs: nowMs, low: this.#low });
    while ((this.#notes[1]?.atMs ?? Infinity) <= nowMs - PUBLISH_AGAIN_MS) this.#notes.shift();
  }

  /** What lies beyond was published so lately that the stream may lose it. */
  get again(): number {
    return this.#notes[0]?.low ?? 0;
  }

  /** As if what lies beyond it had not been published; `isLost`: nor what was published so lately. */
  goBack({ isLost }: { readonly isLost: boolean }): void {
    if (isLost) {
      this.#low = this.again;
      this.#notes.length = 1;
    }
    this.#ahead.clear();
    this.#gone.length = 0;
  }
}
