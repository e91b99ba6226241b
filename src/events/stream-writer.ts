/** Puts the events of commits into the stream and waits until the stream has them. */
import type { NatsConnection } from 'nats';
import type { Commit } from '../domain/delta.ts';
import { StudioError } from '../errors.ts';
import { encodeBody, EventHeaders, eventsOf } from './cloud-events.ts';
import type { EventConnection } from './connection.ts';
import { StreamAcks, type StreamMessage } from './stream-acks.ts';
import { eventSubject } from './subjects.ts';

export class StreamWriter {
  readonly #connection: EventConnection;
  #known: { readonly core: NatsConnection; readonly acks: StreamAcks } | undefined;

  constructor(connection: EventConnection) {
    this.#connection = connection;
  }

  /** Rejects unless every event was acknowledged; tried again, the doubles carry the same ids. */
  write(commits: readonly Commit[]): Promise<void> {
    return this.#acks().publish(commits.flatMap(messagesOf));
  }

  #acks(): StreamAcks {
    const { core } = this.#connection;
    if (!core) throw new StudioError('EVENTS_UNAVAILABLE', 'The event stream does not answer.');
    if (this.#known?.core !== core) this.#known = { core, acks: new StreamAcks(core) };
    return this.#known.acks;
  }
}

/** The events of one delta say the same of it, and share a body. */
function messagesOf(commit: Commit): StreamMessage[] {
  let deltaId: string | undefined;
  let data: Uint8Array = new Uint8Array();
  return eventsOf(commit).map((event) => {
    if (event.deltaId !== deltaId) data = encodeBody(event);
    deltaId = event.deltaId;
    return { subject: eventSubject(event.type, event.blobId), data, headers: new EventHeaders(event) };
  });
}
