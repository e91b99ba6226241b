/** Random tests that can be repeated: a failure names its seed, and TEST_SEED runs with it again. */
import { randomInt } from 'node:crypto';

export class Random {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** In [0, 1). mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer in [from, to). */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('pick: nothing to pick from');
    return items[this.int(0, items.length)] as T;
  }

  /** A copy in random order. */
  shuffle<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let last = copy.length - 1; last > 0; last -= 1) {
      const other = this.int(0, last + 1);
      [copy[last], copy[other]] = [copy[other] as T, copy[last] as T];
    }
    return copy;
  }

  /** Letters, spaces, and now and then what breaks careless offsets: combining marks, CJK, emoji outside the BMP. */
  text(length: number): string {
    const letters = [...'abcdefghijklmnopqrstuvwxyz     \n'.split(''), 'é', 'ß', '漢', '😀', '👩‍👩‍👧', '\u0301'];
    return Array.from({ length }, () => this.pick(letters)).join('');
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(0, 256));
  }
}

/** A test body that gets a generator, seeded by TEST_SEED or at random. */
export function seeded(body: (random: Random) => Promise<void> | void): () => Promise<void> {
  return async () => {
    const seed = Number(process.env['TEST_SEED'] ?? randomInt(2 ** 32));
    try {
      await body(new Random(seed));
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      error.message = `TEST_SEED=${seed}: ${error.message}`;
      error.stack = `TEST_SEED=${seed}: ${error.stack ?? ''}`;
      throw error;
    }
  };
}
