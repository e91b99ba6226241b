/**
 * The connection to NATS. Its absence makes the studio slower, never wrong: everything it carries is in the log. So
 * opening never fails; it connects in the background, for as long as the process lives.
 */
import {
  connect,
  DiscardPolicy,
  Events,
  nanos,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
  NatsError,
  type NatsConnection,
  type StreamInfo,
} from 'nats';
import type { Logger } from 'pino';
import { StudioError } from '../errors.ts';
import {
  NATS_RETRY_MS,
  STREAM_AGE_MS_MAX,
  STREAM_BYTES_MAX,
  STREAM_CHECK_MS,
  STREAM_DUPLICATE_WINDOW_MS,
} from '../limits.ts';
import { readNatsUrl } from './nats-url.ts';
import { STREAM, STREAM_SUBJECTS } from './subjects.ts';

/** JetStream's word for it. */
const STREAM_NOT_FOUND = 10_059;

export class EventConnection {
  readonly #url: string;
  readonly #name: string;
  readonly #logger: Logger;
  readonly #onConnect: (() => void)[] = [];
  #connection: NatsConnection | undefined;
  #manager: JetStreamManager | undefined;
  #jetstream: JetStreamClient | undefined;
  #connected = false;
  #stream: string | undefined;
  #ground: string | undefined;
  #checking: NodeJS.Timeout | undefined;
  #closed = false;
  #opening: Promise<void> = Promise.resolve();

  private constructor(url: string, name: string, logger: Logger) {
    this.#url = url;
    this.#name = name;
    this.#logger = logger;
  }

  /** Waits for the first try, which may fail; later tries go on in the background. */
  static async open(options: {
    readonly url: string;
    readonly name: string;
    readonly logger: Logger;
  }): Promise<EventConnection> {
    const connection = new EventConnection(options.url, options.name, options.logger);
    await connection.#connectOnce();
    return connection;
  }

  get healthy(): boolean {
    return this.#connected && this.#stream !== undefined;
  }

  /** When the stream was made, as seen last: a cursor into another one means nothing. Undefined: there is none. */
  get stream(): string | undefined {
    return this.#stream;
  }

  /**
   * The run of the server, and the stream, as of the last connection: on another the stream may lack what this one said
   * it had. In a cluster, whose members keep what one of them loses, no single server's.
   */
  get ground(): string | undefined {
    return this.#ground;
  }

  /** Connected, or undefined. */
  get core(): NatsConnection | undefined {
    return this.#connected ? this.#connection : undefined;
  }

  /** Called now if connected, at every later connection, and when the stream is another one. */
  whenConnected(listener: () => void): void {
    this.#onConnect.push(listener);
    if (this.#connected) listener();
  }

  jetstream(): JetStreamClient {
    if (!this.#jetstream || !this.#connected) throw unavailable();
    return this.#jetstream;
  }

  manager(): JetStreamManager {
    if (!this.#manager || !this.#connected) throw unavailable();
    return this.#manager;
  }

  async #connectOnce(): Promise<void> {
    if (this.#closed) return;
    try {
      const connection = await connect({
        ...readNatsUrl(this.#url),
        name: this.#name,
        noEcho: true,
        maxReconnectAttempts: -1,
        // Else two refusals in a row end it for good: of a server that is restarted with other credentials, or before them.
        ignoreAuthErrorAbort: true,
        reconnectTimeWait: NATS_RETRY_MS,
        timeout: NATS_RETRY_MS * 4,
        pingInterval: 5_000,
        maxPingOut: 2,
      });
      if (this.#closed) {
        await connection.close();
        return;
      }
      this.#connection = connection;
      this.#manager = await connection.jetstreamManager({ checkAPI: false });
      this.#jetstream = connection.jetstream();
      await this.#ensureStream();
      void this.#followStatus(connection);
      this.#becomeConnected();
      this.#checkLater();
    } catch (error) {
      await this.#connection?.close().catch(() => undefined);
      this.#logger.warn({ err: error }, 'NATS does not answer, trying on');
      const pause = setTimeout(() => {
        this.#opening = this.#connectOnce();
      }, NATS_RETRY_MS);
      pause.unref();
    }
  }

  async #followStatus(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect) this.#connected = false;
      else if (status.type === Events.Reconnect) await this.#reconnected();
    }
  }

  async #reconnected(): Promise<void> {
    for (;;) {
      try {
        // A server that lost its data has lost the stream too.
        await this.#ensureStream();
        this.#becomeConnected();
        return;
      } catch (error) {
        this.#logger.warn({ err: error }, 'the event stream is not ready, trying on');
        await new Promise((resolve) => setTimeout(resolve, NATS_RETRY_MS));
        if (this.#closed || this.#connection?.isClosed()) return;
      }
    }
  }

  #becomeConnected(): void {
    this.#connected = true;
    const { cluster, server_id: server } = this.#connection?.info ?? {};
    this.#ground = `${cluster ?? server} ${this.#stream}`;
    for (const listener of this.#onConnect) listener();
  }

  /** Somebody may delete the stream, or restore it, while the connection stands: nothing else would tell of that. */
  #checkLater(): void {
    this.#checking = setTimeout(() => {
      void this.#checkStream().finally(() => {
        if (!this.#closed) this.#checkLater();
      });
    }, STREAM_CHECK_MS).unref();
  }

  async #checkStream(): Promise<void> {
    if (!this.#connected || !this.#manager) return;
    const known = this.#stream;
    try {
      try {
        this.#stream = (await this.#manager.streams.info(STREAM)).created;
      } catch (error) {
        if (!isMissing(error)) throw error;
        this.#stream = undefined;
        await this.#ensureStream();
      }
      if (this.#stream !== known && this.#connected) this.#becomeConnected();
    } catch (error) {
      this.#logger.warn({ err: error }, 'the event stream does not answer, trying on');
    }
  }

  async #ensureStream(): Promise<void> {
    const settings = {
      subjects: [...STREAM_SUBJECTS],
      max_bytes: STREAM_BYTES_MAX,
      max_age: nanos(STREAM_AGE_MS_MAX),
      duplicate_window: nanos(STREAM_DUPLICATE_WINDOW_MS),
      discard: DiscardPolicy.Old,
    };
    const { streams } = this.#manager ?? {};
    let info: StreamInfo | undefined;
    try {
      info = await streams?.update(STREAM, settings);
    } catch {
      const fixed = { name: STREAM, retention: RetentionPolicy.Limits, storage: StorageType.File };
      info = await streams?.add({ ...fixed, ...settings });
    }
    this.#stream = info?.created;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#connected = false;
    clearTimeout(this.#checking);
    await this.#opening;
    await this.#connection?.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.err_code === STREAM_NOT_FOUND;
}

function unavailable(): StudioError {
  return new StudioError('EVENTS_UNAVAILABLE', 'The event stream does not answer.');
}
