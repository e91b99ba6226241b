/** The stream's events as this process hears them: one ordered consumer, shared by all watchers. */
import { DeliverPolicy, type ConsumerMessages } from 'nats';
import type { Logger } from 'pino';
import type { AccessControl } from '../access/contract.ts';
import type { BlobAccess } from '../domain/access/blob-access.ts';
import { StudioError } from '../errors.ts';
import { FEED_AHEAD_EVENTS_MAX, NATS_RETRY_MS } from '../limits.ts';
import { decodeEvent } from './cloud-events.ts';
import type { EventConnection } from './connection.ts';
import type { StudioEvent } from './contract.ts';
import { STREAM } from './subjects.ts';

export interface FeedListener {
  /** `access`: who may read the blob it is of. */
  onEvent(event: StudioEvent, seq: number, access: BlobAccess): void;
  /** The stream is another one now, or can't be heard any more: nothing follows. */
  onEnd(error: StudioError): void;
}

export class StreamFeed {
  readonly #connection: EventConnection;
  readonly #access: AccessControl;
  readonly #logger: Logger;
  readonly #listeners = new Set<FeedListener>();
  #messages: ConsumerMessages | undefined;
  #starting: Promise<string> | undefined;
  #closed = false;

  constructor(connection: EventConnection, access: AccessControl, logger: Logger) {
    this.#connection = connection;
    this.#access = access;
    this.#logger = logger;
  }

  /**
   * Listens from now on. Resolves with the stream's creation time once nothing more can be missed: whatever is in the
   * stream beyond its then last message reaches the listener.
   */
  async listen(listener: FeedListener): Promise<string> {
    this.#listeners.add(listener);
    try {
      this.#starting ??= this.#start();
      return await this.#starting;
    } catch (error) {
      this.#listeners.delete(listener);
      this.#starting = undefined;
      throw error instanceof StudioError
        ? error
        : new StudioError('EVENTS_UNAVAILABLE', 'The event stream does not answer.', {}, { cause: error });
    }
  }

  forget(listener: FeedListener): void {
    this.#listeners.delete(listener);
  }

  async #start(): Promise<string> {
    const { created, state } = await this.#connection.manager().streams.info(STREAM);
    // By number: the client makes its consumer anew where it loses it, and one that is to begin with what is new would
    // then, if it had heard nothing yet, begin behind what came meanwhile.
    const consumer = await this.#connection.jetstream().consumers.get(STREAM, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: state.last_seq + 1,
    });
    // An ordered consumer is made on the server when its messages are first asked for.
    const messages = await consumer.consume();
    this.#messages = messages;
    try {
      await consumer.info();
    } catch (error) {
      // It asks for more by itself, for ever, whether or not anybody listens.
      await messages.close();
      throw error;
    }
    void this.#pass(messages, created);
    return created;
  }

  async #pass(messages: ConsumerMessages, created: string): Promise<void> {
    const check = setInterval(() => {
      if (this.#connection.stream !== created) void messages.close();
    }, NATS_RETRY_MS);
    try {
      // In order, though the access of several blobs may be asked for at once.
      const ahead: Promise<void>[] = [];
      let last = Promise.resolve();
      for await (const message of messages) {
        const event = decodeEvent(message.headers, message.data);
        if (!event || this.#listeners.size === 0) continue;
        last = this.#passOne(event, message.seq, last);
        // Awaited below, and by the next one.
        last.catch(() => undefined);
        ahead.push(last);
        if (ahead.length >= FEED_AHEAD_EVENTS_MAX) await ahead.shift();
      }
      await last;
    } catch (error) {
      this.#logger.warn({ err: error }, 'the event feed broke off');
    } finally {
      clearInterval(check);
      this.#starting = undefined;
      const ended = new StudioError(
        'EVENTS_UNAVAILABLE',
        'The event stream was interrupted; resume from your last cursor.',
      );
      const listeners = [...this.#listeners];
      this.#listeners.clear();
      if (!this.#closed) for (const listener of listeners) listener.onEnd(ended);
    }
  }

  async #passOne(event: StudioEvent, seq: number, before: Promise<void>): Promise<void> {
    const [access] = await Promise.all([this.#access.settled(event.blobId), before]);
    for (const listener of this.#listeners) listener.onEvent(event, seq, access);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#messages?.close();
  }
}
