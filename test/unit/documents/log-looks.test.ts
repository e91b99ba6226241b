import * as assert from 'uvu/assert';
import { LogLooks, type Followed } from '../../../src/documents/rooms/log-looks.ts';
import {
  IN_LIST_IDS_MAX,
  LIVE_COMPARE_MS,
  LIVE_LOOK_DISCONNECTED_MS,
  LIVE_LOOK_MS,
  LIVE_LOOKS_DISCONNECTED_PER_ROUND_MAX,
  LIVE_LOOKS_PER_ROUND_MAX,
  ROOMS_LOADED_MAX,
} from '../../../src/limits.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('looks at the log');

interface World {
  readonly followed: readonly (Followed & { readonly room: { wonAt: number } })[];
  /** Versions as stored. */
  readonly stored: Map<string, number>;
  /** How many heads each query asked for. */
  readonly queries: number[];
  /** Blobs whose log was looked at since they were last taken. */
  takeLooks(): string[];
  round(nowMs: number): Promise<void>;
}

function worldOf(count: number, healthy: boolean): World {
  const [stored, queries, looks] = [new Map<string, number>(), [] as number[], [] as string[]];
  const followed = Array.from({ length: count }, (_none, index) => {
    const blobId = `b${index}`;
    stored.set(blobId, 7);
    const refresh = (): Promise<void> => Promise.resolve(void looks.push(blobId));
    return { room: { state: { blobId, version: 7 }, wonAt: 0, refresh }, lookedAt: 0, comparedAt: 0 };
  });
  const heads = {
    versions: (ids: readonly string[]) => {
      queries.push(ids.length);
      return Promise.resolve(new Map(ids.map((id) => [id, stored.get(id) ?? 0])));
    },
  };
  const subject = new LogLooks({ heads, live: { healthy } });
  return {
    followed,
    stored,
    queries,
    takeLooks: () => looks.splice(0),
    round: async (nowMs) => {
      subject.round(followed, nowMs);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('G5: of those whose head has moved on, and of no others, the log is looked at; G7: by so many heads at a time', async () => {
  const world = worldOf(IN_LIST_IDS_MAX * 2 + 50, true);
  world.stored
    .set('b3', 8)
    .set(`b${IN_LIST_IDS_MAX * 2 + 1}`, 9)
    .set('b4', 6);
  await world.round(LIVE_COMPARE_MS - 1);
  assert.equal(world.queries, []);
  await world.round(LIVE_COMPARE_MS);
  assert.equal(world.queries, [IN_LIST_IDS_MAX, IN_LIST_IDS_MAX, 50]);
  assert.equal(world.takeLooks(), ['b3', `b${IN_LIST_IDS_MAX * 2 + 1}`]);
  await world.round(LIVE_COMPARE_MS + LIVE_LOOK_DISCONNECTED_MS);
  assert.is(world.queries.length, 3, 'not again so soon');
});

test('who won a slot just now has looked', async () => {
  const world = worldOf(2, true);
  const [winner] = world.followed;
  if (winner) winner.room.wonAt = LIVE_COMPARE_MS - 10;
  await world.round(LIVE_COMPARE_MS);
  assert.equal(world.queries, [1]);
});

test('G7: the logs of all are looked at within the time, whatever their heads say, but of few in a round', async () => {
  const world = worldOf(ROOMS_LOADED_MAX, true);
  const seen = new Set<string>();
  for (let nowMs = LIVE_LOOK_MS; nowMs < 2 * LIVE_LOOK_MS; nowMs += LIVE_LOOK_DISCONNECTED_MS) {
    await world.round(nowMs);
    const looks = world.takeLooks();
    assert.ok(looks.length <= LIVE_LOOKS_PER_ROUND_MAX);
    for (const blobId of looks) seen.add(blobId);
  }
  assert.is(seen.size, ROOMS_LOADED_MAX);
});

test('without NATS the log of each is looked at in its turn', async () => {
  const count = LIVE_LOOKS_DISCONNECTED_PER_ROUND_MAX * 3;
  const world = worldOf(count, false);
  const times = new Map<string, number>();
  for (let round = 1; round <= 9; round += 1) {
    await world.round(round * LIVE_LOOK_DISCONNECTED_MS);
    for (const blobId of world.takeLooks()) times.set(blobId, (times.get(blobId) ?? 0) + 1);
  }
  assert.is(times.size, count);
  assert.equal([...new Set(times.values())], [3]);
  assert.equal(world.queries, [], 'heads say less than the log');
});

test.run();
