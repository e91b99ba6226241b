/** A pause in which work gathers, so that it is done together. Whoever waits for the work cuts it short. */
import { RUNS_GATHERED_MS } from '../../limits.ts';

export class Gathering {
  #hurried = 0;
  #isSkipped = false;
  #goOn: (() => void) | undefined;

  /** Resolves after RUNS_GATHERED_MS, or at once for somebody in a hurry. */
  async pause(): Promise<void> {
    const isSkipped = this.#isSkipped;
    this.#isSkipped = false;
    if (isSkipped || this.#hurried > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, RUNS_GATHERED_MS).unref();
      this.#goOn = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#goOn = undefined;
  }

  /** Ends the pause there is, or else leaves out the next. */
  skip(): void {
    if (this.#goOn) this.#goOn();
    else this.#isSkipped = true;
  }

  /** Without pauses while `wait` does. */
  async hurry(wait: () => Promise<void>): Promise<void> {
    this.#hurried += 1;
    this.#goOn?.();
    try {
      await wait();
    } finally {
      this.#hurried -= 1;
    }
  }
}
