/** WatchEvents: a caller's own events, from a cursor or from now on. */
import { DeliverPolicy } from 'nats';
import { mayRead } from '../domain/access.ts';
import type { Caller } from '../domain/caller.ts';
import { StudioError } from '../errors.ts';
import { WATCH_QUEUE_EVENTS_MAX, WATCHERS_PER_PROCESS_MAX } from '../limits.ts';
import { decodeEvent } from './cloud-events.ts';
import type { EventConnection } from './connection.ts';
import type { EventWatcher, StudioEvent, WatchedEvent, WatchRequest } from './contract.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { FeedListener, StreamFeed } from './feed.ts';
import { EventSequencer, type ReadRange } from './sequencer.ts';
import { STREAM } from './subjects.ts';

interface Placed {
  readonly event: StudioEvent;
  readonly seq: number;
}

export class StreamWatcher implements EventWatcher {
  readonly #connection: EventConnection;
  readonly #feed: StreamFeed;
  readonly #readRange: ReadRange;

  constructor(options: {
    readonly connection: EventConnection;
    readonly feed: StreamFeed;
    readonly readRange: ReadRange;
  }) {
    this.#connection = options.connection;
    this.#feed = options.feed;
    this.#readRange = options.readRange;
  }

  async *watch(caller: Caller, request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchedEvent> {
    if (this.#feed.listeners >= WATCHERS_PER_PROCESS_MAX) {
      throw new StudioError('LIMIT_EXCEEDED', 'This process has all the watchers it may have.', {
        limit: 'WATCHERS_PER_PROCESS_MAX',
      });
    }
    const isWanted = (event: StudioEvent): boolean =>
      mayRead(caller, event.owner) &&
      (request.types.length === 0 || request.types.includes(event.type)) &&
      (request.blobId === undefined || request.blobId === event.blobId);
    const queue = new WatchQueue(isWanted, signal);
    const created = await this.#feed.listen(queue);
    const sequencer = new EventSequencer(this.#readRange);
    let last = 0;
    const show = async function* (placed: Placed): AsyncGenerator<WatchedEvent> {
      last = placed.seq;
      for (const event of await sequencer.accept(placed.event)) {
        // An event put in from the log resumes before the one that told of the hole.
        const seq = event === placed.event ? placed.seq : placed.seq - 1;
        if (isWanted(event)) yield { ...event, cursor: encodeCursor({ created, seq }) };
      }
    };
    try {
      if (request.cursor !== undefined && request.cursor !== '') {
        // Listening already, so the backlog and what comes now overlap; what is shown is told apart by stream seq.
        const after = decodeCursor(request.cursor, created);
        for await (const placed of this.#backlog(after, signal)) if (isWanted(placed.event)) yield* show(placed);
      }
      for await (const placed of queue.drain()) if (placed.seq > last) yield* show(placed);
    } finally {
      this.#feed.forget(queue);
    }
  }

  /** What the stream holds beyond `after`, up to its present end. */
  async *#backlog(after: number, signal: AbortSignal): AsyncGenerator<Placed> {
    const { state } = await this.#connection.manager().streams.info(STREAM);
    if (after >= state.last_seq) return;
    const consumer = await this.#connection.jetstream().consumers.get(STREAM, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: after + 1,
    });
    const messages = await consumer.consume();
    const stop = (): void => void messages.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for await (const message of messages) {
        const event = decodeEvent(message.headers, message.data);
        if (event) yield { event, seq: message.seq };
        if (message.seq >= state.last_seq || message.info.pending === 0) return;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      await messages.close();
    }
  }
}

/** What one watcher has yet to be shown. G7: a slow one is ended, and resumes from its cursor. */
class WatchQueue implements FeedListener {
  readonly #isWanted: (event: StudioEvent) => boolean;
  readonly #signal: AbortSignal;
  readonly #events: Placed[] = [];
  #error: StudioError | undefined;
  #wake: () => void = () => undefined;

  constructor(isWanted: (event: StudioEvent) => boolean, signal: AbortSignal) {
    this.#isWanted = isWanted;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  onEvent(event: StudioEvent, seq: number): void {
    if (this.#error || !this.#isWanted(event)) return;
    if (this.#events.length >= WATCH_QUEUE_EVENTS_MAX) {
      this.#error = new StudioError(
        'LIMIT_EXCEEDED',
        'Events came faster than they were read; resume from your last cursor.',
        {
          limit: 'WATCH_QUEUE_EVENTS_MAX',
        },
      );
    } else this.#events.push({ event, seq });
    this.#wake();
  }

  onEnd(error: StudioError): void {
    this.#error ??= error;
    this.#wake();
  }

  async *drain(): AsyncGenerator<Placed> {
    for (;;) {
      if (this.#signal.aborted) return;
      const next = this.#events.shift();
      if (next) yield next;
      else if (this.#error) throw this.#error;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
