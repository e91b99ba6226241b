/** Puts events into the stream and waits until the stream has them. */
import type { NatsConnection } from 'nats';
import { StudioError } from '../errors.ts';
import { encodeAttributes, encodeBody } from './cloud-events.ts';
import type { EventConnection } from './connection.ts';
import type { StudioEvent } from './contract.ts';
import { StreamAcks, type StreamMessage } from './stream-acks.ts';
import { eventSubject } from './subjects.ts';

const NOTHING = new Uint8Array();

export class StreamWriter {
  readonly #connection: EventConnection;
  #known: { readonly core: NatsConnection; readonly acks: StreamAcks } | undefined;

  constructor(connection: EventConnection) {
    this.#connection = connection;
  }

  /** Rejects unless every event was acknowledged; tried again, the doubles carry the same ids. */
  write(events: readonly StudioEvent[]): Promise<void> {
    const messages: StreamMessage[] = [];
    let deltaId: string | undefined;
    let data: Uint8Array = NOTHING;
    let ms: number | undefined;
    let time = '';
    for (const event of events) {
      // The events of one delta say the same of it, and share a body.
      if (event.deltaId !== deltaId) data = encodeBody(event);
      deltaId = event.deltaId;
      // Many are of one millisecond, and to spell it takes as long as all the rest.
      if (event.time.getTime() !== ms) time = event.time.toISOString();
      ms = event.time.getTime();
      const headers = encodeAttributes(event, time);
      messages.push({ subject: eventSubject(event.type, event.blobId), data, headers });
    }
    return this.#acks().publish(messages);
  }

  #acks(): StreamAcks {
    const { core } = this.#connection;
    if (!core) throw new StudioError('EVENTS_UNAVAILABLE', 'The event stream does not answer.');
    if (this.#known?.core !== core) this.#known = { core, acks: new StreamAcks(core) };
    return this.#known.acks;
  }
}
