/** A durable consumer that workers share: an event is done when its handler resolved, and comes again until then. */
import { AckPolicy, DeliverPolicy, nanos, type Consumer, type JsMsg } from 'nats';
import type { Logger } from 'pino';
import { CONSUMER_ACK_WAIT_MS, CONSUMER_BACKOFF_MS_MAX, NATS_RETRY_MS } from '../limits.ts';
import { decodeEvent } from './cloud-events.ts';
import type { EventConnection } from './connection.ts';
import type { EventConsumer } from './contract.ts';
import { filterSubjects, STREAM } from './subjects.ts';

type Options = Parameters<EventConsumer['run']>[0];

export class DurableConsumer implements EventConsumer {
  readonly #connection: EventConnection;
  readonly #logger: Logger;

  constructor(connection: EventConnection, logger: Logger) {
    this.#connection = connection;
    this.#logger = logger;
  }

  /** Resolves after `signal` aborted and the handlers under way have settled. */
  async run(options: Options): Promise<void> {
    while (!options.signal.aborted) {
      try {
        const { stream } = this.#connection;
        await this.#consume(await this.#bind(options), options, stream);
      } catch (error) {
        if (options.signal.aborted) return;
        this.#logger.warn({ err: error, consumer: options.durable }, 'event consumer broke off, trying again');
      }
      await pause(NATS_RETRY_MS, options.signal);
    }
  }

  /** Made anew each time it is bound: with a lost stream its consumers are lost too. */
  async #bind(options: Options): Promise<Consumer> {
    await this.#connection.manager().consumers.add(STREAM, {
      durable_name: options.durable,
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.All,
      filter_subjects: filterSubjects(options.types),
      ack_wait: nanos(CONSUMER_ACK_WAIT_MS),
      max_deliver: -1,
      max_ack_pending: options.inFlightMax * 4,
    });
    return this.#connection.jetstream().consumers.get(STREAM, options.durable);
  }

  /** Ends with the stream it was bound to. */
  async #consume(consumer: Consumer, options: Options, stream: string | undefined): Promise<void> {
    const messages = await consumer.consume({ max_messages: options.inFlightMax, idle_heartbeat: 5_000 });
    const stop = (): void => void messages.close();
    options.signal.addEventListener('abort', stop, { once: true });
    const inFlight = new Set<Promise<void>>();
    const watch = setInterval(() => {
      if (!this.#connection.healthy || this.#connection.stream !== stream) stop();
    }, NATS_RETRY_MS);
    try {
      for await (const message of messages) {
        const handling: Promise<void> = this.#handle(message, options).finally(() => inFlight.delete(handling));
        inFlight.add(handling);
        if (inFlight.size >= options.inFlightMax) await Promise.race(inFlight);
      }
    } finally {
      clearInterval(watch);
      options.signal.removeEventListener('abort', stop);
      await Promise.all(inFlight);
    }
  }

  async #handle(message: JsMsg, options: Options): Promise<void> {
    const event = decodeEvent(message.headers, message.data);
    try {
      if (event) await options.handle(event);
      message.ack();
    } catch (error) {
      const backoffMs = Math.min(CONSUMER_BACKOFF_MS_MAX, 100 * 2 ** Math.min(message.info.redeliveryCount, 16));
      this.#logger.warn({ err: error, event: event?.id, backoffMs }, 'event not handled, it will come again');
      message.nak(backoffMs);
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
