import { StudioError } from '../../errors.ts';
import { REQUESTS_BYTES_MAX, REQUESTS_BYTES_PER_USER_MAX } from '../../limits.ts';

/** Of one call. */
export interface Receipt {
  /** Throws LIMIT_EXCEEDED, and CANCELLED once the call is over. */
  take(bytes: number): void;
  /** What was taken so far is no longer kept. */
  release(): void;
}

export interface ReceivedLimits {
  readonly all: number;
  readonly perUser: number;
}

/** G7: what is kept of all requests that are being received or answered here. */
export class ReceivedBytes {
  readonly #limits: ReceivedLimits;
  readonly #users = new Map<string, number>();
  #all = 0;

  constructor(limits: ReceivedLimits = { all: REQUESTS_BYTES_MAX, perUser: REQUESTS_BYTES_PER_USER_MAX }) {
    this.#limits = limits;
  }

  /**
   * `userId`: empty for all who need not say who they are. `over`: the call is over; its body may still be read then, by
   * whoever waited for more of it when it ended.
   */
  open(userId: string, over: AbortSignal): Receipt {
    let taken = 0;
    const release = (): void => {
      this.#add(userId, (this.#users.get(userId) ?? 0) - taken, -taken);
      taken = 0;
    };
    over.addEventListener('abort', release, { once: true });
    return {
      take: (bytes) => {
        if (over.aborted) throw new StudioError('CANCELLED', 'The call is over.');
        const own = this.#users.get(userId) ?? 0;
        if (own + bytes > this.#limits.perUser) throw tooMany('REQUESTS_BYTES_PER_USER_MAX', 'Your requests');
        if (this.#all + bytes > this.#limits.all) throw tooMany('REQUESTS_BYTES_MAX', 'All requests');
        taken += bytes;
        this.#add(userId, own + bytes, bytes);
      },
      release,
    };
  }

  #add(userId: string, own: number, bytes: number): void {
    this.#all += bytes;
    if (own > 0) this.#users.set(userId, own);
    else this.#users.delete(userId);
  }
}

function tooMany(limit: string, whose: string): StudioError {
  return new StudioError('LIMIT_EXCEEDED', `${whose} under way here have as many bytes as they may; call again.`, {
    limit,
  });
}
