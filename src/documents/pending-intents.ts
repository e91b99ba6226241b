/** Changes that wait for their flush, in the order they came. G7: bounded in number and bytes. */
import { FLUSH_BYTES_MAX, FLUSH_DELTAS_MAX, ROOM_PENDING_BYTES_MAX, ROOM_PENDING_EDITS_MAX } from '../limits.ts';
import type { Intent } from './intent.ts';

export class PendingIntents {
  readonly #intents: Intent[] = [];
  #bytes = 0;

  get size(): number {
    return this.#intents.length;
  }

  /** False, and not taken, when there are too many. */
  add(intent: Intent): boolean {
    const isFull =
      this.#intents.length >= ROOM_PENDING_EDITS_MAX || this.#bytes + intent.bytes > ROOM_PENDING_BYTES_MAX;
    if (isFull) return false;
    this.#intents.push(intent);
    this.#bytes += intent.bytes;
    return true;
  }

  /** As many of the first as one flush may carry. */
  takeFlush(): Intent[] {
    let bytes = 0;
    let count = 0;
    for (const intent of this.#intents) {
      if (count > 0 && (count >= FLUSH_DELTAS_MAX || bytes + intent.bytes > FLUSH_BYTES_MAX)) break;
      bytes += intent.bytes;
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#intents.splice(0, count);
  }

  takeAll(): Intent[] {
    this.#bytes = 0;
    return this.#intents.splice(0);
  }

  [Symbol.iterator](): IterableIterator<Intent> {
    return this.#intents[Symbol.iterator]();
  }
}
