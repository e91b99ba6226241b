/** What one user has open and sends, over all their sockets on this process. */
import { StudioError } from '../../errors.ts';
import { Rate, type RateLimit } from './rate.ts';

export interface UserUse {
  readonly userId: string;
  readonly rate: Rate;
  sockets: number;
}

export class UserGate {
  readonly #users = new Map<string, UserUse>();
  readonly #limits: { readonly userRate: RateLimit; readonly connectionsPerUser: number };

  constructor(limits: { readonly userRate: RateLimit; readonly connectionsPerUser: number }) {
    this.#limits = limits;
  }

  /** One more socket of this user. Throws LIMIT_EXCEEDED. Each is left once. */
  enter(userId: string): UserUse {
    const use = this.#users.get(userId) ?? { userId, rate: new Rate(this.#limits.userRate), sockets: 0 };
    if (use.sockets >= this.#limits.connectionsPerUser) {
      const limit = 'SYNC_CONNECTIONS_PER_USER_MAX';
      throw new StudioError('LIMIT_EXCEEDED', 'You have as many editors connected here as you may.', { limit });
    }
    use.sockets += 1;
    this.#users.set(userId, use);
    return use;
  }

  leave(use: UserUse): void {
    use.sockets -= 1;
    if (use.sockets === 0) this.#users.delete(use.userId);
  }
}
