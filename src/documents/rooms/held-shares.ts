/** G7: how much of the live documents of this process one user's sessions hold, which can't make place for others. */
import { StudioError } from '../../errors.ts';
import { ROOM_LOADING_BYTES, ROOMS_HELD_BYTES_PER_USER_FRACTION, ROOMS_HELD_PER_USER_MAX } from '../../limits.ts';

export interface HeldShareLimits {
  /** In place of ROOMS_HELD_PER_USER_MAX. */
  readonly perUserMax?: number;
  /** Of all live documents. */
  readonly memoryBytesMax: number;
}

export class HeldShares {
  readonly #perUserMax: number;
  readonly #bytesMax: number;
  readonly #bytesOf: (blobId: string) => number | undefined;
  /** By user and blob: how many sessions. */
  readonly #held = new Map<string, Map<string, number>>();

  /** `bytesOf`: undefined while it is loading. */
  constructor(limits: HeldShareLimits, bytesOf: (blobId: string) => number | undefined) {
    this.#perUserMax = limits.perUserMax ?? ROOMS_HELD_PER_USER_MAX;
    this.#bytesMax = limits.memoryBytesMax * ROOMS_HELD_BYTES_PER_USER_FRACTION;
    this.#bytesOf = bytesOf;
  }

  /** Before it is loaded, which others would make place for. Each session is left once. Throws LIMIT_EXCEEDED. */
  enter(userId: string, blobId: string): void {
    const held = this.#held.get(userId) ?? new Map<string, number>();
    if (!held.has(blobId) && held.size >= this.#perUserMax) throw full('ROOMS_HELD_PER_USER_MAX');
    held.set(blobId, (held.get(blobId) ?? 0) + 1);
    this.#held.set(userId, held);
    try {
      this.requireWithin(userId, blobId);
    } catch (error) {
      this.leave(userId, blobId);
      throw error;
    }
  }

  /**
   * Once more when it is loaded: only then is it known how large it is. One document may be of any size, and what is held
   * already may grow. Throws LIMIT_EXCEEDED.
   */
  requireWithin(userId: string, blobId: string): void {
    const held = this.#held.get(userId);
    if (!held || held.size < 2 || (held.get(blobId) ?? 0) > 1) return;
    let bytes = 0;
    for (const id of held.keys()) bytes += this.#bytesOf(id) ?? ROOM_LOADING_BYTES;
    if (bytes > this.#bytesMax) throw full('ROOMS_HELD_BYTES_PER_USER_FRACTION');
  }

  leave(userId: string, blobId: string): void {
    const held = this.#held.get(userId);
    const sessions = (held?.get(blobId) ?? 1) - 1;
    if (sessions > 0) held?.set(blobId, sessions);
    else if (held?.delete(blobId) && held.size === 0) this.#held.delete(userId);
  }
}

function full(limit: string): StudioError {
  return new StudioError('LIMIT_EXCEEDED', 'The documents you have open here take as much room as they may.', {
    limit,
  });
}
