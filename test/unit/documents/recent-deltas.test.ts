import * as assert from 'uvu/assert';
import { RecentDeltas } from '../../../src/documents/memory/recent-deltas.ts';
import type { Delta } from '../../../src/domain/delta.ts';
import { ROOM_TAIL_IDLE_DELTAS_MAX } from '../../../src/limits.ts';
import { placeDraft } from '../../../src/storage/log/commit-document.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('recent deltas');

function delta(toVersion: number, bytes: number): Delta {
  return placeDraft(
    {
      userId: 'ann',
      operation: 'update',
      patch: { kind: 'sync', bytes },
      updates: [new Uint8Array(bytes)],
      base: { fromVersion: toVersion - 1, extras: [] },
      chainLength: 1,
      newClients: [],
      createdAt: new Date(),
    },
    { commitId: 'c', index: toVersion, blobId: 'b', toVersion, appliedAt: new Date() },
  );
}

test(
  'what is kept is the newest without a hole, whatever was let go before',
  seeded((random) => {
    const recent = new RecentDeltas();
    const all: Delta[] = [];
    let dropped = 0;
    for (let round = 0; round < 2_000; round++) {
      const next = delta(all.length + 1, random.int(1, 2_000));
      all.push(next);
      recent.push(next);
      if (random.chance(0.6)) {
        const bytesMax = random.int(1, 60_000);
        recent.trim(bytesMax);
        assert.ok(recent.bytes <= bytesMax || recent.range(all.length - 1, all.length) === undefined, `round ${round}`);
      }
      if (random.chance(0.01)) {
        const before = recent.range(dropped + 1, all.length);
        let kept: readonly Delta[] | undefined;
        recent.relax(() => (kept = recent.range(dropped + 1, all.length)));
        assert.equal(kept, (before?.length ?? 0) > ROOM_TAIL_IDLE_DELTAS_MAX ? before : undefined, 'told before');
        assert.not(recent.range(all.length - ROOM_TAIL_IDLE_DELTAS_MAX, all.length));
      }
      while (recent.range(dropped + 1, all.length) === undefined) dropped += 1;
      assert.ok(dropped < all.length, 'the newest stays');
      assert.is(recent.newest, next);
      const first = random.int(dropped + 1, all.length + 1);
      const last = random.int(first, all.length + 1);
      assert.equal(recent.range(first, last), all.slice(first - 1, last));
      assert.is(recent.range(first, all.length + 1), undefined);
      assert.is(recent.byId(all[first - 1]?.id ?? ''), all[first - 1]);
      if (dropped > 0) assert.is(recent.byId(all[dropped - 1]?.id ?? ''), undefined);
    }
    assert.ok(dropped > 1_000, `${dropped} let go`);
  }),
);

test('their bytes are counted while they are kept', () => {
  const recent = new RecentDeltas();
  recent.push(delta(1, 100));
  const { bytes } = recent;
  for (let version = 2; version <= 50; version++) {
    recent.push(delta(version, 100));
    recent.trim(1);
    assert.is(recent.bytes, bytes);
  }
});

test('what does not follow begins anew', () => {
  const recent = new RecentDeltas();
  for (const version of [1, 2, 3]) recent.push(delta(version, 10));
  recent.push(delta(9, 10));
  assert.equal([recent.range(1, 3), recent.range(3, 9), recent.range(4, 4)], [undefined, undefined, undefined]);
  assert.equal(
    recent.range(9, 9)?.map(({ toVersion }) => toVersion),
    [9],
  );
});

test.run();
