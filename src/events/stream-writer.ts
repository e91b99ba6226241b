/** Puts one commit's events into the stream and waits until the stream has them. */
import type { Commit } from '../domain/delta.ts';
import { PUBLISH_TIMEOUT_MS } from '../limits.ts';
import { bodyOf, encodeEvent, eventsOf } from './cloud-events.ts';
import type { EventConnection } from './connection.ts';
import { eventSubject, userSubject } from './subjects.ts';

export class StreamWriter {
  readonly #connection: EventConnection;

  constructor(connection: EventConnection) {
    this.#connection = connection;
  }

  /** Rejects unless every event was acknowledged; tried again, the doubles carry the same ids. */
  async write(commit: Commit): Promise<void> {
    const jetstream = this.#connection.jetstream();
    await Promise.all(
      eventsOf(commit).map(async (event) => {
        const { data, headers } = encodeEvent(event);
        await jetstream.publish(eventSubject(event.type, event.blobId), data, {
          msgID: event.id,
          headers,
          timeout: PUBLISH_TIMEOUT_MS,
        });
      }),
    );
  }

  /** Tells the owner's live listeners, if any: a notice, not an event; it may get lost. */
  notify(commit: Commit): void {
    const core = this.#connection.core;
    if (!core) return;
    for (const event of eventsOf(commit)) {
      if (event.type === 'delta.applied') continue;
      core.publish(userSubject(event.owner), JSON.stringify({ type: event.type, ...bodyOf(event) }));
    }
  }
}
