/**
 * Sync step 1s of ours to one editor: it is asked for all that the studio lacks, and answers in their order.
 *
 * G7: at most two are unanswered. One that is will be answered after all that came from the editor so far, and so covers
 * whatever else it would be asked for: another is sent only for an error, and of those one at a time. Nor is one sent to
 * an editor that does not read what it is sent; it is once it reads.
 */
import { SYNC_MISSING_ASKS_MAX } from '../../limits.ts';
import type { StudioError } from '../../errors.ts';
import type { Message } from './frames.ts';
import type { Drained, Outlet } from './outlet.ts';

interface Ask {
  /** Updates of the editor that are acknowledged with its answer, because the answer holds them. */
  owed: number;
  /** G6: it was asked because of this; one that does not say what is missing would go on typing into nothing. */
  readonly error: StudioError | undefined;
  beats: number;
}

export class Asks implements Drained {
  readonly #outlet: Outlet;
  readonly #message: () => Message;
  readonly #unanswered: Ask[] = [];
  /** How many of them were sent, and how many of those have gone out. */
  #sent = 0;
  #out = 0;
  /** Asked because of errors, with nothing taken since. */
  #inARow = 0;
  #isOver = false;

  /** Nothing is asked. */
  get isIdle(): boolean {
    return this.#unanswered.length === 0;
  }

  /** `message`: the step 1 as it is now. */
  constructor(outlet: Outlet, message: () => Message) {
    this.#outlet = outlet;
    this.#message = message;
  }

  stop(): void {
    this.#isOver = true;
  }

  add(owed: number): void {
    const last = this.#unanswered.at(-1);
    if (last) last.owed += owed;
    else this.#ask({ owed, error: undefined, beats: 0 });
  }

  /** For an editor that counts what it is owed anew from here on, and counts one for its answer. */
  restart(): void {
    for (const ask of this.#unanswered) ask.owed = 0;
    this.add(1);
  }

  /**
   * Updates behind one that was refused fail for the same reason meanwhile, and the one answer covers them too. False: it
   * was asked too often in a row.
   */
  addFor(error: StudioError, owed: number): boolean {
    const asked = this.#unanswered.find((ask) => ask.error);
    if (asked) asked.owed += owed;
    else if (this.#inARow >= SYNC_MISSING_ASKS_MAX) return false;
    else {
      this.#inARow += 1;
      this.#ask({ owed, error, beats: 0 });
    }
    return true;
  }

  /** An update of the editor was taken: it does not lack everything. */
  filled(): void {
    this.#inARow = 0;
  }

  /** What has just been answered; undefined: nothing had been asked by then. */
  answered(): Ask | undefined {
    if (this.#out === 0) return undefined;
    this.#out -= 1;
    this.#sent -= 1;
    return this.#unanswered.shift();
  }

  /** Called in a fixed rhythm. Returns the error about which the editor has been silent for too long. */
  beat(): StudioError | undefined {
    const [ask] = this.#unanswered;
    return ask?.error && ++ask.beats > 1 ? ask.error : undefined;
  }

  onDrained(): void {
    for (; this.#sent < this.#unanswered.length && !this.#isOver; this.#sent += 1) {
      if (this.#outlet.isFull) {
        this.#outlet.whenDrained(this);
        return;
      }
      this.#outlet.send(this.#message());
      // It leaves when the chunk of messages that is being handled has been: what comes in that chunk is no answer. So
      // there is one to be checked a chunk, where a chunk may hold thousands.
      process.nextTick(() => (this.#out += 1));
    }
  }

  #ask(ask: Ask): void {
    this.#unanswered.push(ask);
    this.onDrained();
  }
}
