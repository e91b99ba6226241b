/** Puts the events of commits into the stream and waits until the stream has them. */
import type { NatsConnection } from 'nats';
import type { Commit } from '../domain/delta.ts';
import { StudioError } from '../errors.ts';
import { encodeBody, EventHeaders, eventsOf } from './cloud-events.ts';
import type { EventConnection } from './connection.ts';
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
  write(commits: readonly Commit[]): Promise<void> {
    const messages: StreamMessage[] = [];
    for (const commit of commits) addMessages(commit, messages);
    return this.#acks().publish(messages);
  }

  #acks(): StreamAcks {
    const { core } = this.#connection;
    if (!core) throw new StudioError('EVENTS_UNAVAILABLE', 'The event stream does not answer.');
    if (this.#known?.core !== core) this.#known = { core, acks: new StreamAcks(core) };
    return this.#known.acks;
  }
}

/** The events of one delta say the same of it, and share a body. */
function addMessages(commit: Commit, messages: StreamMessage[]): void {
  let deltaId: string | undefined;
  let data: Uint8Array = NOTHING;
  for (const event of eventsOf(commit)) {
    if (event.deltaId !== deltaId) data = encodeBody(event);
    deltaId = event.deltaId;
    messages.push({ subject: eventSubject(event.type, event.blobId), data, headers: new EventHeaders(event) });
  }
}
