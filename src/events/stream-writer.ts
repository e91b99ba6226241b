/** Puts one commit's events into the stream and waits until the stream has them. */
import type { NatsConnection } from 'nats';
import type { Commit } from '../domain/delta.ts';
import { StudioError } from '../errors.ts';
import { encodeEvent, eventsOf } from './cloud-events.ts';
import type { EventConnection } from './connection.ts';
import { StreamAcks } from './stream-acks.ts';
import { eventSubject } from './subjects.ts';

export class StreamWriter {
  readonly #connection: EventConnection;
  #known: { readonly core: NatsConnection; readonly acks: StreamAcks } | undefined;

  constructor(connection: EventConnection) {
    this.#connection = connection;
  }

  /** Rejects unless every event was acknowledged; tried again, the doubles carry the same ids. */
  async write(commit: Commit): Promise<void> {
    const acks = this.#acks();
    await Promise.all(
      eventsOf(commit).map((event) =>
        acks.publish({ subject: eventSubject(event.type, event.blobId), ...encodeEvent(event) }),
      ),
    );
  }

  #acks(): StreamAcks {
    const { core } = this.#connection;
    if (!core) throw new StudioError('EVENTS_UNAVAILABLE', 'The event stream does not answer.');
    if (this.#known?.core !== core) this.#known = { core, acks: new StreamAcks(core) };
    return this.#known.acks;
  }
}
