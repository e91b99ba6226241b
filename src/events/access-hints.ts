/** "Access changed somewhere", by NATS core: makes other processes look at once. Lost, they look within their rhythm. */
import type { AccessHints } from '../access/contract.ts';
import type { EventConnection } from './connection.ts';
import { ACCESS_SUBJECT } from './subjects.ts';

export class NatsAccessHints implements AccessHints {
  readonly #connection: EventConnection;

  constructor(connection: EventConnection) {
    this.#connection = connection;
  }

  announce(): void {
    this.#connection.core?.publish(ACCESS_SUBJECT);
  }

  onHint(listener: () => void): void {
    let subscribed: unknown;
    this.#connection.whenConnected(() => {
      const core = this.#connection.core;
      // The client re-subscribes by itself after a reconnect.
      if (!core || core === subscribed) return;
      subscribed = core;
      core.subscribe(ACCESS_SUBJECT, { callback: (error) => void (error ?? listener()) });
    });
  }
}
