/**
 * Many changes on their way at once: each is queued as soon as the one before it on the same blob is, without waiting
 * for that to be durable, so that they share commits. Where one must be tried first, those after it on the same blob
 * wait behind it. G7: an unanswered change counts until its outcome is taken.
 */
import type { Caller } from '../../domain/access/caller.ts';
import { StudioError } from '../../errors.ts';
import { STREAM_DELTAS_IN_FLIGHT_BYTES_MAX, STREAM_DELTAS_IN_FLIGHT_MAX } from '../../limits.ts';
import type { StreamedDelta, StreamedOutcome } from '../contract.ts';
import { asToldToCallers } from '../../storage/database-failures.ts';
import { type DeltaWrites, patchBytes } from './delta-writes.ts';

/** Ends when the requests have ended and all outcomes are taken. Changes under way when it is left may still commit. */
export async function* streamDeltas(
  writes: Pick<DeltaWrites, 'applyDelta'>,
  caller: Caller,
  requests: AsyncIterable<StreamedDelta>,
): AsyncIterable<StreamedOutcome> {
  const stream = new DeltaStream(writes, caller);
  const reading = stream.read(requests);
  // Heard below, once what came before the failure is answered.
  reading.catch(() => undefined);
  try {
    for (let outcome = await stream.next(); outcome; outcome = await stream.next()) yield outcome;
    // Says why the requests ended, if they failed.
    await reading;
  } finally {
    stream.leave();
  }
}

class DeltaStream {
  readonly #writes: Pick<DeltaWrites, 'applyDelta'>;
  readonly #caller: Caller;
  /** By blob: settles when what was last asked of it is queued, or refused. */
  readonly #queued = new Map<string, Promise<void>>();
  readonly #settled: { readonly outcome: StreamedOutcome; readonly bytes: number }[] = [];
  #inFlight = 0;
  #bytes = 0;
  #isRead = false;
  #isLeft = false;
  /** Whoever waits for something to change: the reader for room, the taker for an outcome. */
  #wake: (() => void)[] = [];

  constructor(writes: Pick<DeltaWrites, 'applyDelta'>, caller: Caller) {
    this.#writes = writes;
    this.#caller = caller;
  }

  async read(requests: AsyncIterable<StreamedDelta>): Promise<void> {
    try {
      for await (const request of requests) {
        this.#start(request);
        while (this.#isFull && !this.#isLeft) await this.#change();
        if (this.#isLeft) return;
      }
    } finally {
      this.#isRead = true;
      this.#changed();
    }
  }

  async next(): Promise<StreamedOutcome | undefined> {
    for (;;) {
      const first = this.#settled.shift();
      if (first) {
        this.#inFlight -= 1;
        this.#bytes -= first.bytes;
        this.#changed();
        return first.outcome;
      }
      if (this.#isRead && this.#inFlight === 0) return undefined;
      await this.#change();
    }
  }

  leave(): void {
    this.#isLeft = true;
    this.#changed();
  }

  get #isFull(): boolean {
    return this.#inFlight >= STREAM_DELTAS_IN_FLIGHT_MAX || this.#bytes >= STREAM_DELTAS_IN_FLIGHT_BYTES_MAX;
  }

  #start({ reference, request }: StreamedDelta): void {
    const bytes = request instanceof StudioError ? 0 : patchBytes(request.patch);
    this.#inFlight += 1;
    this.#bytes += bytes;
    const settle = (outcome: StreamedOutcome['outcome']): void => {
      this.#settled.push({ outcome: { reference, outcome }, bytes });
      this.#changed();
    };
    if (request instanceof StudioError) return settle(request);
    const { blobId } = request;
    const before = this.#queued.get(blobId) ?? Promise.resolve();
    let onQueued = (): void => undefined;
    const queued = new Promise<void>((resolve) => {
      onQueued = resolve;
    });
    this.#queued.set(blobId, queued);
    void before
      .then(() => this.#writes.applyDelta(this.#caller, request, { line: this, onQueued }))
      .then(settle, (error: unknown) => settle(StudioError.from(asToldToCallers(error))))
      .finally(() => {
        onQueued();
        if (this.#queued.get(blobId) === queued) this.#queued.delete(blobId);
      });
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
