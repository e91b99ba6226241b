/** Trials that wait for a thread: each user's in the order they came, and the users in turn. G7: bounded, and none takes all. */
import { TRIALS_WAITING_MAX, TRIALS_WAITING_PER_USER_MAX } from '../../limits.ts';
import type { Trial } from './update-trials.ts';

export interface WaitingTrial {
  readonly trial: Trial;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class WaitingTrials {
  /** By user; whose turn is next first. None is empty. */
  readonly #users = new Map<string, WaitingTrial[]>();
  /** Those that may be refused count against the limits. */
  readonly #impatient = new Map<string, number>();
  #impatientCount = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The limit that one more of this user would be over. */
  limitFor(userId: string): string | undefined {
    if ((this.#impatient.get(userId) ?? 0) >= TRIALS_WAITING_PER_USER_MAX) return 'TRIALS_WAITING_PER_USER_MAX';
    return this.#impatientCount >= TRIALS_WAITING_MAX ? 'TRIALS_WAITING_MAX' : undefined;
  }

  add(waiting: WaitingTrial): void {
    const { userId } = waiting.trial;
    const ofUser = this.#users.get(userId);
    if (ofUser) ofUser.push(waiting);
    else this.#users.set(userId, [waiting]);
    this.#count(waiting, 1);
  }

  take(): WaitingTrial | undefined {
    for (const [userId, ofUser] of this.#users) {
      this.#users.delete(userId);
      const next = ofUser.shift();
      if (ofUser.length > 0) this.#users.set(userId, ofUser);
      if (next) this.#count(next, -1);
      return next;
    }
    return undefined;
  }

  takeAll(): WaitingTrial[] {
    const all = [...this.#users.values()].flat();
    this.#users.clear();
    this.#impatient.clear();
    this.#impatientCount = this.#size = 0;
    return all;
  }

  #count({ trial: { userId, isPatient } }: WaitingTrial, by: 1 | -1): void {
    this.#size += by;
    if (isPatient) return;
    this.#impatientCount += by;
    const ofUser = (this.#impatient.get(userId) ?? 0) + by;
    if (ofUser > 0) this.#impatient.set(userId, ofUser);
    else this.#impatient.delete(userId);
  }
}
