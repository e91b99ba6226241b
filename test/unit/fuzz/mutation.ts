/** Broken bytes made of whole ones, and what a decoder may do with them: answer, or throw a StudioError. */
import * as assert from 'uvu/assert';
import { StudioError } from '../../../src/errors.ts';
import type { Random } from '../../harness/random.ts';

/** Bytes that mean much to the formats here: ends of variable-length numbers, brackets, quotes, halves of characters. */
const TELLING = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x22, 0x5b, 0x5d, 0x5c, 0x7b, 0x2f, 0x25, 0xed, 0xa0, 0xf0, 0x75, 0x77];

export function mutate(sample: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let bytes = sample;
  for (let steps = random.int(1, 4); steps > 0; steps--) bytes = mutateOnce(bytes, other, random);
  return bytes;
}

function mutateOnce(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const at = random.int(0, bytes.length + 1);
  const from = random.int(0, other.length + 1);
  switch (random.int(0, 7)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + random.int(1, 9)), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.int(1, 9))]);
    case 4: {
      // A large number where a small one was.
      const large = Uint8Array.from([...random.bytes(random.int(1, 9)).map((byte) => byte | 0x80), random.int(0, 128)]);
      return Buffer.concat([bytes.subarray(0, at), large, bytes.subarray(at + 1)]);
    }
    case 5:
      return Buffer.concat([
        bytes.subarray(0, at),
        ...Array(random.int(2, 40)).fill(bytes.subarray(at, at + 4)),
        bytes,
      ]);
    default: {
      const copy = Uint8Array.from(bytes);
      for (let flips = random.int(1, 4); flips > 0 && copy.length > 0; flips--) {
        const place = random.int(0, copy.length);
        copy[place] = random.chance(0.5) ? random.pick(TELLING) : (copy[place] ?? 0) ^ (1 << random.int(0, 8));
      }
      return copy;
    }
  }
}

export interface Fuzzed {
  /** Rounds that threw a StudioError. */
  readonly refused: number;
  readonly passed: number;
}

const ROUND_MS_MAX = 500;
const GROWTH_BYTES_MAX = 150e6;

/** Runs the decoder on the samples, which must pass, and on broken ones. Says the bytes of a round that goes wrong. */
export function fuzz(
  decode: (bytes: Uint8Array) => void,
  samples: readonly Uint8Array[],
  random: Random,
  rounds = 4_000,
): Fuzzed {
  for (const sample of samples) decode(sample);
  let refused = 0;
  const memory = process.memoryUsage();
  for (let round = 0; round < rounds; round++) {
    const bytes = mutate(random.pick(samples), random.pick(samples), random);
    const started = performance.now();
    try {
      decode(bytes);
    } catch (error) {
      const isRefusal = error instanceof StudioError && error.reason !== 'INTERNAL';
      assert.ok(isRefusal, `${String(error)} for ${Buffer.from(bytes).toString('hex').slice(0, 2_000)}`);
      refused += 1;
    }
    const ms = performance.now() - started;
    assert.ok(ms < ROUND_MS_MAX, `${ms} ms for ${Buffer.from(bytes).toString('hex').slice(0, 2_000)}`);
  }
  const after = process.memoryUsage();
  const growth = after.heapUsed + after.arrayBuffers - memory.heapUsed - memory.arrayBuffers;
  assert.ok(growth < GROWTH_BYTES_MAX, `memory grew by ${growth} bytes`);
  return { refused, passed: rounds - refused };
}
