/** Follows every event of one root blob and what is derived from it, over one WatchEvents stream. */
import { StudioCallError, type Event, type EventType, type StudioClient } from '../src/index.ts';

const RESUMES_MAX = 10;
const RESUME_PAUSE_MS = 500;
/** Broken off for reasons that pass; the cursor says where to go on. */
const PASSING = new Set(['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'UNKNOWN', 'INTERNAL']);

export class EventWatch {
  /** Different events, by type. */
  readonly counts = new Map<EventType, number>();
  readonly #client: StudioClient;
  readonly #onEvent: (event: Event) => void;
  readonly #ended = new AbortController();
  /** Delivery is at least once. */
  readonly #seen = new Set<string>();
  #rootId = '';
  /** Until the root is known, so that its first events are not missed. */
  #early: Event[] | undefined = [];
  #running: Promise<void> = Promise.resolve();

  constructor(client: StudioClient, onEvent: (event: Event) => void) {
    this.#client = client;
    this.#onEvent = onEvent;
  }

  /** `onFailure` is called once, when the stream could not be resumed. */
  start(onFailure: (error: Error) => void): void {
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#ended.signal.aborted) onFailure(error instanceof Error ? error : new Error(String(error)));
    });
  }

  /** From now on that one's. */
  follow(rootId: string): void {
    this.#rootId = rootId;
    this.counts.clear();
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) this.#take(event);
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let cursor = '';
    for (let resumes = 0; ; resumes += 1) {
      try {
        for await (const message of this.#client.events.watchEvents({ cursor }, { signal: this.#ended.signal })) {
          cursor = message.cursor;
          if (message.event) this.#take(message.event);
        }
        if (this.#ended.signal.aborted) return;
      } catch (error) {
        if (!(error instanceof StudioCallError) || !PASSING.has(error.code) || resumes >= RESUMES_MAX) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, RESUME_PAUSE_MS));
    }
  }

  #take(event: Event): void {
    if (this.#early) {
      this.#early.push(event);
      return;
    }
    if (event.rootId !== this.#rootId || this.#seen.has(event.id)) return;
    this.#seen.add(event.id);
    this.counts.set(event.type, (this.counts.get(event.type) ?? 0) + 1);
    this.#onEvent(event);
  }
}
