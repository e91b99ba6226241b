/** How many of something are open at once, in all and by each user: nobody takes the place of everybody (G7). */
import { StudioError } from '../errors.ts';

export interface SeatBound {
  readonly max: number;
  /** The name of the limit. */
  readonly limit: string;
  /** What one who finds no seat is told. */
  readonly message: string;
}

export class Seats {
  readonly #all: SeatBound;
  readonly #each: SeatBound;
  readonly #byUser = new Map<string, number>();
  #taken = 0;

  constructor(bounds: { readonly all: SeatBound; readonly each: SeatBound }) {
    this.#all = bounds.all;
    this.#each = bounds.each;
  }

  /** Returns how the seat is left, once. Throws LIMIT_EXCEEDED. */
  take(userId: string): () => void {
    const own = this.#byUser.get(userId) ?? 0;
    if (own >= this.#each.max) throw full(this.#each);
    if (this.#taken >= this.#all.max) throw full(this.#all);
    this.#taken += 1;
    this.#byUser.set(userId, own + 1);
    return () => this.#leave(userId);
  }

  #leave(userId: string): void {
    const left = (this.#byUser.get(userId) ?? 0) - 1;
    this.#taken -= 1;
    if (left > 0) this.#byUser.set(userId, left);
    else this.#byUser.delete(userId);
  }
}

function full({ limit, message }: SeatBound): StudioError {
  return new StudioError('LIMIT_EXCEEDED', message, { limit });
}
