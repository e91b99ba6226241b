/**
 * Commits of other processes, by NATS core: fast and lossy. One subscription for all blobs, so that none can miss what
 * is published between its subscribing and the server's learning of it.
 */
import { deserialize, serialize } from 'node:v8';
import type { Logger } from 'pino';
import type { LiveChannel } from '../documents/contract.ts';
import type { Commit } from '../domain/delta.ts';
import type { EventConnection } from './connection.ts';
import { AWARENESS_SUBJECTS, awarenessSubject, LIVE_SUBJECTS, liveSubject } from './subjects.ts';

/** Room for headers and subject below the server's limit. */
const MESSAGE_MARGIN_BYTES = 4_096;

interface LiveHandler {
  readonly onCommit: (commit: Commit) => void;
  readonly onHint: () => void;
}

export class NatsLiveChannel implements LiveChannel {
  readonly #connection: EventConnection;
  readonly #logger: Logger;
  readonly #handlers = new Map<string, LiveHandler>();

  constructor(connection: EventConnection, logger: Logger) {
    this.#connection = connection;
    this.#logger = logger;
    forEachMessage(connection, LIVE_SUBJECTS, (blobId, data) => this.#receive(blobId, data));
  }

  get healthy(): boolean {
    return this.#connection.healthy;
  }

  announce(commit: Commit): void {
    const core = this.#connection.core;
    if (!core) return;
    const message = serialize(commit);
    const limit = (core.info?.max_payload ?? 0) - MESSAGE_MARGIN_BYTES;
    // Too large to send, the commit is only pointed at: who cares reads the log.
    core.publish(liveSubject(commit.blobId), message.byteLength <= limit ? message : new Uint8Array());
  }

  subscribe(blobId: string, onCommit: (commit: Commit) => void, onHint: () => void): () => void {
    const handler = { onCommit, onHint };
    this.#handlers.set(blobId, handler);
    return () => {
      if (this.#handlers.get(blobId) === handler) this.#handlers.delete(blobId);
    };
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

/** Awareness (cursors, names) between processes: bytes, lossy, never stored. */
export class NatsAwarenessChannel {
  readonly #connection: EventConnection;
  readonly #handlers = new Map<string, (update: Uint8Array) => void>();

  constructor(connection: EventConnection) {
    this.#connection = connection;
    forEachMessage(connection, AWARENESS_SUBJECTS, (blobId, data) => this.#handlers.get(blobId)?.(data));
  }

  publish(blobId: string, update: Uint8Array): void {
    this.#connection.core?.publish(awarenessSubject(blobId), update);
  }

  subscribe(blobId: string, onUpdate: (update: Uint8Array) => void): () => void {
    this.#handlers.set(blobId, onUpdate);
    return () => {
      if (this.#handlers.get(blobId) === onUpdate) this.#handlers.delete(blobId);
    };
  }
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
