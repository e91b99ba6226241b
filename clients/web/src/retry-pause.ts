import { RETRY_MS, RETRY_MS_MAX } from './limits.ts';

const host: unknown = globalThis;
/** Absent in Node. */
const page = host instanceof EventTarget ? host : undefined;

/** Pauses that grow, and are drawn at random so that clients which lost the same studio do not come back at once. */
export class RetryPause {
  #tries = 0;

  reset(): void {
    this.#tries = 0;
  }

  /** Ends early when the signal aborts, or when the browser is online again. */
  async wait(signal: AbortSignal): Promise<void> {
    const longest = Math.min(RETRY_MS * 2 ** this.#tries, RETRY_MS_MAX);
    this.#tries += 1;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        page?.removeEventListener('online', done);
        resolve();
      };
      const timer = setTimeout(done, longest * (0.5 + Math.random() / 2));
      signal.addEventListener('abort', done);
      page?.addEventListener('online', done);
    });
  }
}
