/** Changes that wait for their flush, in the order they came. G7: bounded in number and bytes. */
import { FLUSH_BYTES_MAX, FLUSH_DELTAS_MAX, ROOM_PENDING_BYTES_MAX, ROOM_PENDING_EDITS_MAX } from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { type Intent, lineOf } from './intent.ts';

export class PendingIntents {
  readonly #intents: Intent[] = [];
  #bytes = 0;

  get size(): number {
    return this.#intents.length;
  }

  get bytes(): number {
    return this.#bytes;
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
    let count = 0;
    let deltas = 0;
    let bytes = 0;
    for (const intent of this.#intents) {
      // What was tried is large, or slow to integrate: it goes alone.
      const isAlone = intent.trial === 'passed';
      const isOver = deltas + intent.flushDeltas > FLUSH_DELTAS_MAX || bytes + intent.flushBytes > FLUSH_BYTES_MAX;
      if (count > 0 && (isAlone || isOver)) break;
      deltas += intent.flushDeltas;
      bytes += intent.flushBytes;
      count += 1;
      if (isAlone) break;
    }
    const taken = this.#intents.splice(0, count);
    for (const intent of taken) this.#bytes -= intent.bytes;
    return taken;
  }

  /** Before all others: they were taken first, and turned out to be too much for one flush. */
  putBack(intents: readonly Intent[]): void {
    this.#intents.unshift(...intents);
    for (const intent of intents) this.#bytes += intent.bytes;
  }

  takeOf(lines: ReadonlySet<object>): Intent[] {
    if (lines.size === 0) return [];
    const taken = this.#intents.filter((intent) => lines.has(lineOf(intent)));
    for (const intent of taken) {
      this.#intents.splice(this.#intents.indexOf(intent), 1);
      this.#bytes -= intent.bytes;
    }
    return taken;
  }

  lastOf(line: object): Intent | undefined {
    return this.#intents.findLast((intent) => lineOf(intent) === line);
  }

  takeAll(): Intent[] {
    this.#bytes = 0;
    return this.#intents.splice(0);
  }

  [Symbol.iterator](): IterableIterator<Intent> {
    return this.#intents[Symbol.iterator]();
  }
}

export function tooManyWait(): StudioError {
  return new StudioError('LIMIT_EXCEEDED', 'Too many changes wait on this blob.', { limit: 'ROOM_PENDING_EDITS_MAX' });
}

export function tooManyRaces(): StudioError {
  return new StudioError('LIMIT_EXCEEDED', 'This blob is being written by too many at once.', {
    limit: 'COMMIT_RACES_MAX',
  });
}
