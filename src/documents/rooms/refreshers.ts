/** Callers that wait for a room to be brought up to the log; all that wait are served by one read. */
import { storageUnavailable } from '../../domain/access/access.ts';
import { StudioError } from '../../errors.ts';

interface Refresher {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Refreshers {
  #waiting: Refresher[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  add(): Promise<void> {
    return new Promise((resolve, reject) => void this.#waiting.push({ resolve, reject }));
  }

  async serve(catchUp: () => Promise<unknown>): Promise<void> {
    const served = this.#waiting;
    this.#waiting = [];
    try {
      await catchUp();
      for (const { resolve } of served) resolve();
    } catch (error) {
      const failure = error instanceof StudioError ? error : storageUnavailable(error);
      for (const { reject } of served) reject(failure);
    }
  }

  rejectAll(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
