import * as assert from 'uvu/assert';
import { factsAfterRun, runOf } from '../../../src/documents/log/checkpoint-codec.ts';
import { NO_FACTS } from '../../../src/documents/log/log-facts.ts';
import { WindowParts } from '../../../src/documents/memory/window-parts.ts';
import type { Delta } from '../../../src/domain/delta.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('parts of windows');
const VERSIONS = 8;

/** Only its version and when it was committed matter here. */
const deltaOf = (toVersion: number): Delta => ({ toVersion, appliedAt: new Date(toVersion) }) as Delta;

/** A room at `version` that has its deltas above `floor`. */
class Tail {
  readonly blobId: string;
  version = 0;
  floor = 0;

  constructor(blobId: string) {
    this.blobId = blobId;
  }

  recent(first: number, last: number): readonly Delta[] | undefined {
    if (first <= this.floor || last > this.version) return undefined;
    return Array.from({ length: last - first + 1 }, (_none, index) => deltaOf(first + index));
  }
}

function partsOf(bytesMax = 1_000_000, onEncode: (versions: number) => void = () => undefined): WindowParts {
  const encode = (after: number, deltas: readonly Delta[]): Uint8Array => {
    onEncode(deltas.length);
    assert.is(deltas[0]?.toVersion, after + 1);
    return Uint8Array.from(deltas, ({ toVersion }) => toVersion);
  };
  return new WindowParts({ versions: VERSIONS, encode, bytesMax });
}

function versionsIn(parts: readonly Uint8Array[] | undefined): number[] | undefined {
  return parts?.flatMap((part) => [...part]);
}

function window(after: number): number[] {
  return Array.from({ length: VERSIONS }, (_none, index) => after + index + 1);
}

test('a window is whole once all of it was taken in, in however many parts', () => {
  const [parts, tail] = [partsOf(), new Tail('a')];
  for (const version of [3, 4, 7]) {
    tail.version = version;
    parts.takeIn(tail);
    tail.floor = version;
  }
  assert.equal([parts.whole('a', 0), parts.startOf('a', 0)], [undefined, undefined]);
  tail.version = 11;
  parts.takeIn(tail);
  assert.equal(versionsIn(parts.whole('a', 0)), window(0));
  assert.equal(parts.startOf('a', 0), deltaOf(1).appliedAt);
  assert.is(parts.whole('b', 0), undefined);
  parts.forget('a', 0);
  assert.is(parts.whole('a', 0), undefined);
});

test(
  'a window has each of its versions once, and is whole unless the room let go of one before it was asked',
  seeded((random) => {
    for (let round = 0; round < 300; round++) {
      const [parts, tail] = [partsOf(), new Tail('a')];
      // Loaded with a past that it does not hold, or created here.
      tail.floor = tail.version = random.chance(0.5) ? random.int(0, 40) : 0;
      const lost = new Set<number>();
      for (let version = tail.floor; version > 0; version--) lost.add(version);
      let takenTo = tail.floor;
      for (let step = 0; step < 20; step++) {
        tail.version += random.int(0, 7);
        const isAsked = random.chance(0.7);
        const upTo = random.chance(0.5) ? tail.version : tail.version - (tail.version % VERSIONS);
        if (isAsked) {
          parts.takeIn(tail, upTo);
          takenTo = Math.max(takenTo, upTo);
        }
        // What was not taken in by then is lost to it; what was, may stay a while.
        if (random.chance(0.3)) tail.floor = random.int(tail.floor, tail.version + 1);
        for (let version = takenTo + 1; version <= tail.floor; version++) lost.add(version);
      }
      parts.takeIn(tail);
      for (let after = 0; after + VERSIONS <= tail.version; after += VERSIONS) {
        const found = versionsIn(parts.whole('a', after));
        if (found) assert.equal(found, window(after), `round ${round}`);
        if (window(after).some((version) => lost.has(version))) assert.is(found, undefined, `round ${round}`);
      }
    }
  }),
);

test(
  'a room that is asked in time loses no window',
  seeded((random) => {
    const [parts, tail] = [partsOf(), new Tail('a')];
    for (let step = 0; step < 500; step++) {
      tail.version += random.int(0, 5);
      parts.takeIn(tail);
      tail.floor = random.int(tail.floor, tail.version + 1);
    }
    for (let after = 0; after + VERSIONS <= Math.min(tail.version, 200); after += VERSIONS)
      assert.equal(versionsIn(parts.whole('a', after)), window(after));
  }),
);

test('no version is encoded twice, whether or not its window was fetched meanwhile', () => {
  let encoded = 0;
  const [parts, tail] = [partsOf(1_000_000, (versions) => (encoded += versions)), new Tail('a')];
  for (tail.version = 1; tail.version <= 5 * VERSIONS; tail.version += 1) {
    // As runs are: asked at each version for what is whole.
    parts.takeIn(tail, tail.version - (tail.version % VERSIONS));
    if (tail.version === 3 * VERSIONS) parts.forget('a', 0);
  }
  assert.is(encoded, 5 * VERSIONS);
});

test('G7: it keeps no more than its bytes, of blobs and of windows', () => {
  const parts = partsOf(8 * VERSIONS);
  const tails = Array.from({ length: 20 }, (_none, index) => new Tail(String(index)));
  for (const tail of tails) {
    tail.version = VERSIONS + 2;
    parts.takeIn(tail);
  }
  const whole = tails.filter(({ blobId }) => parts.whole(blobId, 0));
  assert.equal(
    whole.map(({ blobId }) => blobId),
    ['16', '17', '18', '19'],
  );
});

test('G3: a run of deltas that changed nothing leaves the time of the last change as it was', () => {
  const before = { ...NO_FACTS, contentVersion: 7, updatedAt: new Date(1_000) };
  const idle = { operation: 'update', updates: [], newClients: [], toVersion: 8, appliedAt: new Date(2_000) };
  const { contentVersion, updatedAt } = factsAfterRun(before, runOf([idle as unknown as Delta]));
  assert.equal([contentVersion, updatedAt], [7, new Date(1_000)]);
});

test.run();
