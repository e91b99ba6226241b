/**
 * Commits of other processes, by NATS core: fast and lossy. One subscription for all blobs, so that none can miss what
 * is published between its subscribing and the server's learning of it.
 */
import { deserialize, serialize } from 'node:v8';
import type { Logger } from 'pino';
import type { LiveChannel } from '../documents/contract.ts';
import type { Commit } from '../domain/delta.ts';
import { LIVE_SILENT_BLOBS_MAX, LIVE_SILENT_MS_MAX } from '../limits.ts';
import type { EventConnection } from './connection.ts';
import { LiveInterest } from './interest.ts';
import { LIVE_SUBJECTS, liveSubject, relaySubject } from './subjects.ts';

/** Room for headers and subject below the server's limit. */
const MESSAGE_MARGIN_BYTES = 4_096;

interface LiveHandler {
  readonly onCommit: (commit: Commit) => void;
  readonly onHint: () => void;
}

export class NatsLiveChannel implements LiveChannel {
  readonly #connection: EventConnection;
  readonly #logger: Logger;
  readonly #interest: LiveInterest;
  readonly #handlers = new Map<string, LiveHandler>();
  /** Blobs whose last commits were announced to nobody, and until when that may matter. Oldest first. */
  readonly #silent = new Map<string, number>();

  /** `id`: of this process, unique. */
  constructor(connection: EventConnection, id: string, logger: Logger) {
    this.#connection = connection;
    this.#logger = logger;
    forEachMessage(connection, LIVE_SUBJECTS, (blobId, data) => this.#receive(blobId, data));
    this.#interest = new LiveInterest({
      connection,
      id,
      openBlobs: () => this.#handlers.keys(),
      onMore: (isNew) => this.#hint(isNew),
    });
  }

  get healthy(): boolean {
    return this.#connection.healthy;
  }

  announce(commit: Commit): void {
    const core = this.#connection.core;
    if (!core) return;
    if (!this.#interest.wants(commit.blobId)) {
      this.#keepSilent(commit.blobId);
      return;
    }
    const message = serialize(commit);
    const limit = (core.info?.max_payload ?? 0) - MESSAGE_MARGIN_BYTES;
    // Too large to send, the commit is only pointed at: who cares reads the log.
    core.publish(liveSubject(commit.blobId), message.byteLength <= limit ? message : new Uint8Array());
  }

  subscribe(blobId: string, onCommit: (commit: Commit) => void, onHint: () => void): () => void {
    const handler = { onCommit, onHint };
    this.#handlers.set(blobId, handler);
    this.#interest.opened(blobId);
    return () => {
      if (this.#handlers.get(blobId) === handler) this.#handlers.delete(blobId);
    };
  }

  close(): void {
    this.#interest.close();
  }

  #keepSilent(blobId: string): void {
    const now = performance.now();
    this.#silent.delete(blobId);
    this.#silent.set(blobId, now + LIVE_SILENT_MS_MAX);
    for (const [oldest, until] of this.#silent) {
      if (until > now && this.#silent.size <= LIVE_SILENT_BLOBS_MAX) break;
      this.#silent.delete(oldest);
    }
  }

  /**
   * Another process opened blobs: it may have read the log of one before a commit that this process, not knowing yet of
   * its interest, announced to nobody. It is told to look again.
   */
  #hint(isNew: (blobId: string) => boolean): void {
    const now = performance.now();
    for (const [blobId, until] of this.#silent) {
      if (until > now && isNew(blobId)) this.#connection.core?.publish(liveSubject(blobId), new Uint8Array());
    }
  }

  #receive(blobId: string, data: Uint8Array): void {
    const handler = this.#handlers.get(blobId);
    if (!handler) return;
    if (data.byteLength === 0) {
      handler.onHint();
      return;
    }
    let commit: Commit;
    try {
      commit = deserialize(data) as Commit;
    } catch (error) {
      this.#logger.warn({ err: error, blobId }, 'a live message could not be read');
      handler.onHint();
      return;
    }
    handler.onCommit(commit);
  }
}

/** What editors of one blob tell each other (cursors, names, stateless messages): bytes, lossy, never stored. */
export class NatsRelayChannel {
  readonly #connection: EventConnection;
  readonly #subjects: string;
  readonly #handlers = new Map<string, RelayHandler>();

  constructor(connection: EventConnection, subjects: string) {
    this.#connection = connection;
    this.#subjects = subjects;
    forEachMessage(connection, subjects, (blobId, data) => this.#handlers.get(blobId)?.onMessage(data));
    // The subscription above is renewed first, so the answers to what is asked here are heard.
    connection.whenConnected(() => {
      for (const { onReconnected } of this.#handlers.values()) onReconnected();
    });
  }

  /** Larger messages than the server takes are left out. */
  publish(blobId: string, message: Uint8Array): void {
    const core = this.#connection.core;
    if (!core || message.byteLength > (core.info?.max_payload ?? 0) - MESSAGE_MARGIN_BYTES) return;
    core.publish(relaySubject(this.#subjects, blobId), message);
  }

  /** `onReconnected`: messages may have been lost, both ways. */
  subscribe(blobId: string, onMessage: (message: Uint8Array) => void, onReconnected: () => void): () => void {
    const handler = { onMessage, onReconnected };
    this.#handlers.set(blobId, handler);
    return () => {
      if (this.#handlers.get(blobId) === handler) this.#handlers.delete(blobId);
    };
  }
}

interface RelayHandler {
  readonly onMessage: (message: Uint8Array) => void;
  readonly onReconnected: () => void;
}

/** The client re-subscribes by itself after a reconnect, so a connection that is still the same one is left alone. */
function forEachMessage(
  connection: EventConnection,
  subjects: string,
  receive: (blobId: string, data: Uint8Array) => void,
): void {
  let subscribed: unknown;
  connection.whenConnected(() => {
    const core = connection.core;
    if (!core || core === subscribed) return;
    subscribed = core;
    core.subscribe(subjects, {
      callback: (error, message) => {
        if (!error) receive(message.subject.slice(subjects.length - 1), message.data);
      },
    });
  });
}
