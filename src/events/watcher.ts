/** WatchEvents: what happens to the blobs a caller may read, from a cursor or from now on. */
import type { AccessControl } from '../access/contract.ts';
import { accessRevoked, mayRead } from '../domain/access/access.ts';
import type { BlobAccess } from '../domain/access/blob-access.ts';
import type { Caller } from '../domain/access/caller.ts';
import { Seats } from '../domain/seats.ts';
import { StudioError } from '../errors.ts';
import {
  WATCH_BACKLOG_EVENTS,
  WATCH_QUEUE_EVENTS_MAX,
  WATCHERS_PER_PROCESS_MAX,
  WATCHERS_PER_USER_MAX,
} from '../limits.ts';
import { readBacklog, type Placed } from './backlog.ts';
import type { EventConnection } from './connection.ts';
import type { EventWatcher, StudioEvent, WatchedEvent, WatchRequest } from './contract.ts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import type { FeedListener, StreamFeed } from './feed.ts';
import { EventSequencer, type ReadRange } from './sequencer.ts';

const SEATS = {
  all: {
    max: WATCHERS_PER_PROCESS_MAX,
    limit: 'WATCHERS_PER_PROCESS_MAX',
    message: 'This process has all the watchers it may have.',
  },
  each: {
    max: WATCHERS_PER_USER_MAX,
    limit: 'WATCHERS_PER_USER_MAX',
    message: 'You watch events here as often as you may.',
  },
};

export class StreamWatcher implements EventWatcher {
  readonly #connection: EventConnection;
  readonly #feed: StreamFeed;
  readonly #readRange: ReadRange;
  readonly #access: AccessControl;
  readonly #seats = new Seats(SEATS);

  constructor(options: {
    readonly connection: EventConnection;
    readonly feed: StreamFeed;
    readonly readRange: ReadRange;
    readonly access: AccessControl;
  }) {
    this.#connection = options.connection;
    this.#feed = options.feed;
    this.#readRange = options.readRange;
    this.#access = options.access;
  }

  async *watch(caller: Caller, request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchedEvent> {
    const leave = this.#seats.take(caller.userId);
    try {
      yield* this.#watchSeated(caller, request, signal);
    } finally {
      leave();
    }
  }

  async *#watchSeated(caller: Caller, request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchedEvent> {
    const { blobId } = request;
    if (blobId !== undefined) await this.#access.authorize(caller, 'read', blobId);
    const isWanted = (event: StudioEvent): boolean =>
      (request.types.length === 0 || request.types.includes(event.type)) &&
      (blobId === undefined || blobId === event.blobId);
    const isWantedOf = (event: StudioEvent, access: BlobAccess): boolean => isWanted(event) && mayRead(caller, access);
    const queue = new WatchQueue(isWantedOf, signal);
    const unfollow = blobId === undefined ? undefined : this.#endWhenRevoked(caller, blobId, queue);
    const created = await this.#feed.listen(queue).catch((error: unknown) => {
      unfollow?.();
      throw error;
    });
    const sequencer = new EventSequencer(this.#readRange);
    let last = 0;
    const access = this.#access;
    const show = async function* (placed: Placed): AsyncGenerator<WatchedEvent> {
      last = placed.seq;
      // G8: as it is now, not as it was when the event came; while that can't be told, nothing is shown.
      if (!mayRead(caller, await access.settled(placed.event.blobId, signal))) return;
      for await (const event of sequencer.accept(placed.event)) {
        // What fills a hole may take long to read; a right that ended meanwhile leaves the hole for when it is back.
        if (event !== placed.event && !mayRead(caller, await access.settled(event.blobId, signal))) return;
        // An event put in from the log resumes before the one that told of the hole.
        const seq = event === placed.event ? placed.seq : placed.seq - 1;
        if (isWanted(event)) yield { ...event, cursor: encodeCursor({ created, seq }) };
      }
    };
    try {
      if (request.cursor !== undefined && request.cursor !== '') {
        // Listening already, so the backlog and what comes now overlap; what is shown is told apart by stream seq.
        const after = decodeCursor(request.cursor, created);
        for await (const placed of this.#inChunks(readBacklog(this.#connection, { created, after, signal }), isWanted))
          yield* show(placed);
      }
      for await (const placed of queue.drain()) if (placed.seq > last) yield* show(placed);
    } finally {
      this.#feed.forget(queue);
      unfollow?.();
    }
  }

  /** A watch of one blob ends with the right to read it; one of all just goes on without it. */
  #endWhenRevoked(caller: Caller, blobId: string, queue: WatchQueue): () => void {
    return this.#access.follow(blobId, () => {
      const access = this.#access.known(blobId);
      if (access && !mayRead(caller, access)) queue.onEnd(accessRevoked(blobId));
    });
  }

  /** Those that are wanted. Who may read them is asked for many at a time, since most may be of others. */
  async *#inChunks(backlog: AsyncIterable<Placed>, isWanted: (event: StudioEvent) => boolean): AsyncGenerator<Placed> {
    let chunk: Placed[] = [];
    for await (const placed of backlog) {
      if (isWanted(placed.event)) chunk.push(placed);
      if (chunk.length < WATCH_BACKLOG_EVENTS) continue;
      await this.#learn(chunk);
      yield* chunk;
      chunk = [];
    }
    await this.#learn(chunk);
    yield* chunk;
  }

  async #learn(chunk: readonly Placed[]): Promise<void> {
    // Where this fails each is asked for alone, and waited for.
    await this.#access.many([...new Set(chunk.map(({ event }) => event.blobId))]).catch(() => undefined);
  }
}

/** What one watcher has yet to be shown. G7: a slow one is ended, and resumes from its cursor. */
class WatchQueue implements FeedListener {
  readonly #isWanted: (event: StudioEvent, access: BlobAccess) => boolean;
  readonly #signal: AbortSignal;
  readonly #events: Placed[] = [];
  #error: StudioError | undefined;
  #wake: () => void = () => undefined;

  constructor(isWanted: (event: StudioEvent, access: BlobAccess) => boolean, signal: AbortSignal) {
    this.#isWanted = isWanted;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  onEvent(event: StudioEvent, seq: number, access: BlobAccess): void {
    if (this.#error || !this.#isWanted(event, access)) return;
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
