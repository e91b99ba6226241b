/**
 * Which of this process's commits its publisher was told of: these were in the log. One that a later look does not find
 * was dropped from it since, as old history is; one that was never told of may still land.
 */
import type { CommitOutline } from '../domain/commit-outline.ts';
import { Watermark, type NumberRange } from './watermark.ts';

export class ToldNumbers {
  readonly #told = new Watermark();
  /** Told of during a look at the log, which may have missed them. */
  readonly #meanwhile = new Set<number>();
  #lowBefore = 0;
  #isLooking = false;

  add(committerSeq: number): void {
    this.#told.add(committerSeq);
    if (this.#isLooking) this.#meanwhile.add(committerSeq);
  }

  /** A look at the log begins. */
  look(): void {
    this.#lowBefore = this.#told.low;
    this.#isLooking = true;
  }

  /** It has ended. */
  looked(): void {
    this.#isLooking = false;
    this.#meanwhile.clear();
  }

  /** Of `range`, what was told of before the look began and is not in the `page` it found. */
  *goneFrom(page: readonly Pick<CommitOutline, 'committerSeq'>[], range: NumberRange): Generator<NumberRange> {
    let { after } = range;
    for (const { committerSeq } of page) {
      if (committerSeq > range.to) break;
      yield* this.#known({ after, to: committerSeq - 1 });
      after = committerSeq;
    }
    yield* this.#known({ after, to: range.to });
  }

  *#known({ after, to }: NumberRange): Generator<NumberRange> {
    const sure = Math.min(to, this.#lowBefore);
    if (sure > after) yield { after, to: sure };
    for (let seq = Math.max(after, this.#lowBefore) + 1; seq <= to; seq += 1) {
      if (this.#told.has(seq) && !this.#meanwhile.has(seq)) yield { after: seq - 1, to: seq };
    }
  }
}
