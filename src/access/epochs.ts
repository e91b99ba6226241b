/**
 * The counters of access changes as this process last read them. A change of access is stored first and counted after,
 * so what was read under a counter is what is stored for as long as that counter stays (G8).
 */
import { within } from '../domain/within.ts';
import type { Logger } from 'pino';
import { storageUnavailable } from '../domain/access/access.ts';
import { ACCESS_ANSWER_MS_MAX, ACCESS_READ_EVERY_MS, ACCESS_RETRY_MS, ACCESS_UNKNOWN_MS_MAX } from '../limits.ts';

export interface EpochReader {
  read(): Promise<readonly number[]>;
}

export class AccessEpochs {
  readonly #store: EpochReader;
  readonly #logger: Logger;
  readonly #onRead: () => void;
  #counters: readonly number[] = [];
  /** When the read that the counters are from was sent, not when it was answered. */
  #readAtMs = -Infinity;
  #reading: Promise<void> | undefined;
  #readingNext: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isFailing = false;
  #closed = false;

  constructor(options: { readonly store: EpochReader; readonly logger: Logger; readonly onRead: () => void }) {
    this.#store = options.store;
    this.#logger = options.logger;
    this.#onRead = options.onRead;
  }

  /** Rejects when the database does not answer the first time. */
  async start(): Promise<void> {
    await this.read();
    this.#tick();
  }

  /** False: what is remembered may no longer be so. */
  get isFresh(): boolean {
    return performance.now() - this.#readAtMs <= ACCESS_UNKNOWN_MS_MAX;
  }

  at(bucket: number): number {
    return this.#counters[bucket] ?? 0;
  }

  /**
   * Reads them now. Calls that come while a read is on its way share the next: the one on its way may have passed the
   * counters before whatever the caller knows of.
   */
  read(): Promise<void> {
    if (this.#closed) return Promise.reject(storageUnavailable(undefined));
    if (!this.#reading) {
      this.#reading = this.#readOnce().finally(() => {
        this.#reading = undefined;
      });
      return this.#reading;
    }
    this.#readingNext ??= this.#reading
      .catch(() => undefined)
      .then(() => {
        this.#readingNext = undefined;
        return this.read();
      });
    return this.#readingNext;
  }

  /** Resolves once they are fresh, by the read that is on its way if there is one. */
  async ensureFresh(): Promise<void> {
    if (!this.isFresh) await (this.#reading ?? this.read());
    // One that was on its way for long does not make them so.
    if (!this.isFresh) await this.read();
  }

  async #readOnce(): Promise<void> {
    const sentAtMs = performance.now();
    try {
      const counters = await within(this.#store.read(), ACCESS_ANSWER_MS_MAX, undefined);
      if (!counters) throw new Error('the database did not answer in time');
      this.#counters = counters;
    } catch (error) {
      if (!this.#isFailing) this.#logger.warn({ err: error }, 'who may see what can not be read; trying on');
      this.#isFailing = true;
      throw storageUnavailable(error);
    }
    this.#isFailing = false;
    this.#readAtMs = sentAtMs;
    this.#onRead();
  }

  #tick(): void {
    const startedAtMs = performance.now();
    const again = (pauseMs: number): void => {
      if (this.#closed) return;
      const spentMs = performance.now() - startedAtMs;
      this.#timer = setTimeout(() => this.#tick(), Math.max(0, pauseMs - spentMs));
      this.#timer.unref();
    };
    (this.#reading ?? this.read()).then(
      () => again(ACCESS_READ_EVERY_MS),
      () => again(ACCESS_RETRY_MS),
    );
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
