/** How much may come in. Counted in steps of SYNC_TICK_MS, so that a message costs a few additions and no clock. */
import { SYNC_TICK_MS } from '../../limits.ts';

export interface RateLimit {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

const TICKS_PER_SECOND = 1_000 / SYNC_TICK_MS;

/** Lets a second's worth through at once, then as much as the limit refills. */
export class Rate {
  readonly #limit: RateLimit;
  #tick = 0;
  #messages = 0;
  #bytes = 0;

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /** `tick` never goes back. */
  take(bytes: number, tick: number): void {
    if (tick !== this.#tick) this.#refill(tick);
    this.#messages += 1;
    this.#bytes += bytes;
  }

  isOver(tick: number): boolean {
    if (tick !== this.#tick) this.#refill(tick);
    return this.#messages > this.#limit.messagesPerSecond || this.#bytes > this.#limit.bytesPerSecond;
  }

  #refill(tick: number): void {
    const share = (tick - this.#tick) / TICKS_PER_SECOND;
    this.#tick = tick;
    this.#messages = Math.max(0, this.#messages - share * this.#limit.messagesPerSecond);
    this.#bytes = Math.max(0, this.#bytes - share * this.#limit.bytesPerSecond);
  }
}
