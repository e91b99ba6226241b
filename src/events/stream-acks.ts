/**
 * Messages for the stream, and its word that it has them: what JetStream's own client does one request at a time, with a
 * timer and an error made beforehand for each, which took more of a busy process than the commits themselves.
 */
import { createInbox, MsgHdrsImpl, type Msg, type NatsConnection } from 'nats';
import { StudioError } from '../errors.ts';
import { PUBLISH_TIMEOUT_MS } from '../limits.ts';

/** How exactly the timeout is kept. */
const CHECK_EVERY_MS = PUBLISH_TIMEOUT_MS / 5;
const NO_RESPONDERS = 503;

/** Messages that were sent together. */
interface Batch {
  readonly until: number;
  readonly resolve: () => void;
  readonly reject: (error: StudioError) => void;
  /** Not acknowledged yet. */
  left: number;
  /** By message: 1 once it is. */
  readonly isAcknowledged: Uint8Array;
}

export interface StreamMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Encoded. */
  readonly headers: Uint8Array;
}

/**
 * The client's own headers look each name and each value over several times, which took more of a busy process than all
 * else about an event. It asks for their bytes while it is handed them, so one object does for all.
 */
class EncodedHeaders extends MsgHdrsImpl {
  bytes: Uint8Array = new Uint8Array();

  override encode(): Uint8Array {
    return this.bytes;
  }
}

/** For one connection; the client subscribes again by itself when that comes back. */
export class StreamAcks {
  readonly #connection: NatsConnection;
  readonly #inbox = createInbox();
  readonly #headers = new EncodedHeaders();
  /**
   * By number, in the order they were sent, which is that of their time. An answer's subject ends in the number of its
   * batch and the index of its message there: a map of all messages would be made anew, large, several times a second.
   */
  readonly #outstanding = new Map<number, Batch>();
  #sent = 0;
  #checking: NodeJS.Timeout | undefined;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    connection.subscribe(`${this.#inbox}.*.*`, { callback: (error, message) => this.#onAnswer(error, message) });
  }

  /** Resolves once the stream has all of them, or had them already. Rejects with EVENTS_UNAVAILABLE: it may have them. */
  publish(messages: readonly StreamMessage[]): Promise<void> {
    if (messages.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const left = messages.length;
      const until = performance.now() + PUBLISH_TIMEOUT_MS;
      const number = this.#sent++;
      this.#outstanding.set(number, { until, resolve, reject, left, isAcknowledged: new Uint8Array(left) });
      this.#checking ??= setInterval(() => this.#expire(), CHECK_EVERY_MS).unref();
      const answers = `${this.#inbox}.${number}`;
      try {
        for (const [index, { subject, data, headers }] of messages.entries()) {
          this.#headers.bytes = headers;
          this.#connection.publish(subject, data, { headers: this.#headers, reply: `${answers}.${index}` });
        }
      } catch (cause) {
        this.#outstanding.delete(number);
        reject(unavailable(cause));
      }
    });
  }

  #onAnswer(error: Error | null, message: Msg): void {
    const { subject } = message;
    const end = subject.lastIndexOf('.');
    const number = Number(subject.slice(this.#inbox.length + 1, end));
    const index = Number(subject.slice(end + 1));
    const batch = this.#outstanding.get(number);
    if (batch?.isAcknowledged[index] !== 0) return;
    if (error || message.headers?.code === NO_RESPONDERS || !isAck(message)) {
      this.#outstanding.delete(number);
      batch.reject(unavailable(error ?? new Error(message.string())));
      return;
    }
    batch.isAcknowledged[index] = 1;
    batch.left -= 1;
    if (batch.left > 0) return;
    this.#outstanding.delete(number);
    batch.resolve();
  }

  #expire(): void {
    const now = performance.now();
    for (const [number, batch] of this.#outstanding) {
      if (batch.until > now) break;
      this.#outstanding.delete(number);
      batch.reject(unavailable(undefined));
    }
    if (this.#outstanding.size > 0) return;
    clearInterval(this.#checking);
    this.#checking = undefined;
  }
}

/** `{"stream":…,"seq":…}`, or `{"error":…}`. */
function isAck(message: Msg): boolean {
  try {
    const answer = message.json<{ readonly error?: unknown; readonly seq?: number }>();
    return answer.error === undefined && (answer.seq ?? 0) > 0;
  } catch {
    return false;
  }
}

function unavailable(cause: unknown): StudioError {
  return new StudioError('EVENTS_UNAVAILABLE', 'The event stream does not answer.', {}, { cause });
}
