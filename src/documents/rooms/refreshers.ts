/** Callers that wait for a room to be brought up to the log; all that wait are served by one read. */
import { storageUnavailable } from '../../domain/access/access.ts';
import { StudioError } from '../../errors.ts';
import { COMMIT_RETRY_MS_MAX } from '../../limits.ts';

interface Refresher {
  readonly waitsSinceMs: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Refreshers {
  #waiting: Refresher[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  add(): Promise<void> {
    const waitsSinceMs = performance.now();
    return new Promise((resolve, reject) => void this.#waiting.push({ waitsSinceMs, resolve, reject }));
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

  /** G7: a flush of unknown outcome may last as long as the database takes no writes. */
  tidy(nowMs: number): void {
    const late = this.#waiting.filter(({ waitsSinceMs }) => nowMs - waitsSinceMs >= COMMIT_RETRY_MS_MAX);
    if (late.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => !late.includes(one));
    for (const { reject } of late) reject(storageUnavailable(undefined));
  }

  rejectAll(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
