/** What the stream holds already, for a watch that resumes. */
import { DeliverPolicy } from 'nats';
import { StudioError } from '../errors.ts';
import { NATS_RETRY_MS } from '../limits.ts';
import { decodeEvent } from './cloud-events.ts';
import type { EventConnection } from './connection.ts';
import type { StudioEvent } from './contract.ts';
import { requireHeld } from './cursor.ts';
import { STREAM } from './subjects.ts';

/** An event and its place in the stream. */
export interface Placed {
  readonly event: StudioEvent;
  readonly seq: number;
}

export interface BacklogOptions {
  /** The stream that `after` is a place in. */
  readonly created: string;
  readonly after: number;
  readonly signal: AbortSignal;
}

/** What it holds beyond `after`, up to its present end. Throws when it is another one: its numbers are of other events. */
export async function* readBacklog(
  connection: EventConnection,
  { created, after, signal }: BacklogOptions,
): AsyncGenerator<Placed> {
  const { streams } = connection.manager();
  const { state } = await streams.info(STREAM);
  requireHeld(after, state);
  if (after === state.last_seq) return;
  const consumer = await connection.jetstream().consumers.get(STREAM, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: after + 1,
  });
  const messages = await consumer.consume();
  const isSame = (): boolean => connection.stream === created;
  const stop = (): void => void messages.close();
  // Where its consumer is lost the client makes it anew, for ever, on whatever stream there is.
  const check = setInterval(() => void (isSame() || stop()), NATS_RETRY_MS);
  signal.addEventListener('abort', stop, { once: true });
  let last = after;
  try {
    for await (const message of messages) {
      if (!isSame()) break;
      // The stream lets go of its oldest at any time, also of what this consumer has yet to come to.
      if (message.seq > last + 1) requireHeld(last, (await streams.info(STREAM)).state);
      last = message.seq;
      const event = decodeEvent(message.headers, message.data);
      if (event) yield { event, seq: message.seq };
      if (message.seq >= state.last_seq || message.info.pending === 0) return;
    }
  } finally {
    clearInterval(check);
    signal.removeEventListener('abort', stop);
    await messages.close();
  }
  if (signal.aborted) return;
  throw new StudioError('EVENTS_UNAVAILABLE', 'The event stream was interrupted; resume from your last cursor.');
}
