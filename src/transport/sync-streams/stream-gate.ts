/**
 * What the client of one stream may send in a second, and with it its user and each document, whatever doors they use
 * (G7). Over it the stream is not read on until the rate has gone down.
 */
import { SYNC_PENDING_UPDATES_MAX } from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { Rate } from '../sync/rate.ts';
import type { EditorHub } from '../sync/editor-hub.ts';
import type { UserUse } from '../sync/user-gate.ts';

export class StreamGate {
  readonly #hub: EditorHub;
  readonly #user: UserUse;
  readonly #rate: Rate;
  readonly #over = new Set<Rate>();
  #waiting: (() => void)[] = [];
  #hasLeft = false;

  /** Throws LIMIT_EXCEEDED: the user has as many connections as one may. Whoever is let in leaves once. */
  constructor(hub: EditorHub, userId: string) {
    this.#hub = hub;
    this.#user = hub.users.enter(userId);
    this.#rate = new Rate(hub.limits.connectionRate);
    hub.attend(this);
  }

  /** `document`: of the document that the message is for, where it is open. */
  charge(bytes: number, document: Rate | undefined): void {
    for (const rate of [this.#rate, this.#user.rate, document]) {
      rate?.take(bytes, this.#hub.tick);
      if (rate?.isOver(this.#hub.tick)) this.#over.add(rate);
    }
  }

  /** In the order they were called. Rejects with LIMIT_EXCEEDED: too many wait already. */
  async whenUnder(): Promise<void> {
    if (this.#waiting.length >= SYNC_PENDING_UPDATES_MAX) {
      const limit = 'SYNC_PENDING_UPDATES_MAX';
      throw new StudioError('LIMIT_EXCEEDED', 'Too many changes of this session wait.', { limit });
    }
    for (const rate of this.#over) {
      while (!this.#hasLeft && rate.isOver(this.#hub.tick)) {
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
          this.#hub.throttle(this, rate);
        });
      }
      this.#over.delete(rate);
    }
  }

  unthrottle(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#hub.depart(this);
    this.#hub.users.leave(this.#user);
    this.unthrottle();
  }
}
