/** Pushes what is changed here over one link: one call at a time, and what gathers meanwhile goes with the next. */
import { PUSH_BYTES_MAX, UNANSWERED_MS_MAX } from './limits.ts';
import { RetryPause } from './retry-pause.ts';
import { StudioError, tooLargeError, unansweredError } from './studio-error.ts';
import type { Link } from './link.ts';
import type { Outbox } from './outbox.ts';

export interface SenderOptions {
  readonly link: Link;
  readonly outbox: Outbox;
  /** Aborted when the link is over. */
  readonly signal: AbortSignal;
  /** Takes the awareness that is to be sent, if any. */
  readonly takeAwareness: () => Uint8Array | undefined;
  /** What was taken was not sent. */
  readonly putBackAwareness: () => void;
  readonly isReadOnly: () => boolean;
  readonly onAcknowledged: (version: bigint) => void;
  /** There was only awareness, and no edit waits. */
  readonly onTold: () => void;
  /** It is tried again, or waits for its answer. */
  readonly onDelayed: (error: StudioError) => void;
  /** It is not tried again over this link. */
  readonly onRefused: (error: StudioError) => void;
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #pause = new RetryPause();
  #isSending = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** There may be something to push. */
  wake(): void {
    if (this.#isSending || this.#options.signal.aborted) return;
    this.#isSending = true;
    void this.#send();
  }

  /** The studio holds what it can't store, and over a stream says nothing of it until it can. */
  async #answer(pushed: Promise<bigint>): Promise<bigint> {
    const { signal, onDelayed } = this.#options;
    const timer = setTimeout(() => {
      if (!signal.aborted) onDelayed(unansweredError());
    }, UNANSWERED_MS_MAX);
    try {
      return await pushed;
    } finally {
      clearTimeout(timer);
    }
  }

  async #send(): Promise<void> {
    const { link, outbox, signal, takeAwareness, isReadOnly } = this.#options;
    // What one keystroke or one transaction sets off comes as several events: they go together.
    await Promise.resolve();
    while (!signal.aborted) {
      const update = isReadOnly() ? undefined : outbox.take();
      const awareness = takeAwareness();
      if (!update && !awareness) {
        // In one go with looking: whoever wakes it a moment later finds it asleep.
        this.#isSending = false;
        return;
      }
      try {
        if (update && update.byteLength > PUSH_BYTES_MAX) throw tooLargeError();
        const version = await this.#answer(link.push({ update, awareness }));
        if (signal.aborted) return;
        this.#pause.reset();
        if (update) outbox.settle();
        if (update) this.#options.onAcknowledged(version);
        else if (!outbox.hasUnsent) this.#options.onTold();
      } catch (error) {
        if (signal.aborted) return;
        if (update) outbox.putBack();
        if (awareness) this.#options.putBackAwareness();
        const failure = StudioError.from(error);
        // One who was made a reader stays: what was typed is kept, and pushed once that is allowed again.
        if (failure.isFinal && !failure.isWriteDenied) {
          this.#options.onRefused(failure);
          return;
        }
        this.#options.onDelayed(failure);
        await this.#pause.wait(signal);
      }
    }
  }
}
