/** What a flush is counted at, against what it takes in the database. */
import { BSON } from 'mongodb';
import * as assert from 'uvu/assert';
import { headBase } from '../../../src/domain/base.ts';
import type { Derivation } from '../../../src/domain/blob.ts';
import type { Draft, Genesis, SeqRange } from '../../../src/domain/delta.ts';
import { Batch, type Prepared } from '../../../src/documents/commits/batch.ts';
import { Intent } from '../../../src/documents/commits/intent.ts';
import { Leftovers } from '../../../src/documents/commits/leftovers.ts';
import { RoomState } from '../../../src/documents/memory/room-state.ts';
import {
  CHAIN_RANGES_MAX,
  FLUSH_DELTAS_MAX,
  ID_CHARACTERS_MAX,
  LABEL_KEY_CHARACTERS_MAX,
  LABEL_VALUE_CHARACTERS_MAX,
  LABELS_MAX,
  PARENTS_MAX,
  REQUEST_ID_CHARACTERS_MAX,
  REVERT_IDS_MAX,
  USER_ID_CHARACTERS_MAX,
} from '../../../src/limits.ts';
import { commitId, FLUSH, placeDraft, toDocument } from '../../../src/storage/log/commit-document.ts';
import { seeded } from '../../harness/random.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('what a flush is counted at');
const BLOB = 'b'.repeat(ID_CHARACTERS_MAX);
const COMMITTER = 'f'.repeat(16);
const CONTENT_TYPE_CHARACTERS = 255;
/** Four bytes each, of two of JavaScript's characters. */
const wide = (characters: number): string => '😀'.repeat(characters);
const OWNER = '字'.repeat(USER_ID_CHARACTERS_MAX);

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_none, index) => make(index));
}

const genesis: Genesis = {
  contentType: wide(CONTENT_TYPE_CHARACTERS),
  parentIds: times(PARENTS_MAX, () => BLOB),
  rootId: BLOB,
  depth: 2 ** 31,
  createdBy: BLOB,
  labels: Object.fromEntries(
    times(LABELS_MAX, (index) => [
      wide(LABEL_KEY_CHARACTERS_MAX - 4) + String(index).padStart(4),
      wide(LABEL_VALUE_CHARACTERS_MAX),
    ]),
  ),
};
const derivation: Derivation = {
  providerId: BLOB,
  providerVersion: 2 ** 31,
  inputs: times(PARENTS_MAX, () => ({ blobId: BLOB, version: 2 ** 31 })),
  executionKey: 'e'.repeat(64),
  outputHash: 'e'.repeat(64),
};

/** Of a user who is not the owner. `has`: whether a field that may be absent is there, and as long as it may be. */
function draftOf(index: number, has: () => boolean): Draft {
  const extras = times(CHAIN_RANGES_MAX, (at): SeqRange => ({ first: 2 ** 31 + 2 * at, last: 2 ** 31 + 2 * at }));
  return {
    userId: has() ? `字${OWNER.slice(1, -1)}.` : 'u',
    providerId: has() ? BLOB : undefined,
    operation: 'transform',
    patch: {
      kind: 'merge_patch',
      bytes: 2 ** 31,
      hash: has() ? 'a'.repeat(64) : undefined,
      body: has() ? new Uint8Array(1_000) : undefined,
    },
    updates: times(has() ? 20 : 1, () => new Uint8Array(100)),
    base: has() ? { fromVersion: 2 ** 31, extras } : headBase(0),
    previousDelta: has() ? `${FLUSH}-${index}` : undefined,
    chainLength: 2 ** 31,
    causedBy: has() ? wide(REQUEST_ID_CHARACTERS_MAX) : undefined,
    reverts: has() ? times(REVERT_IDS_MAX, () => `${FLUSH}-${index}`) : undefined,
    copies: has() ? new Uint8Array(500) : undefined,
    requestId: has() ? wide(REQUEST_ID_CHARACTERS_MAX - 4) + String(index).padStart(4) : undefined,
    newClients: has() ? times(1_000, (at) => 2 ** 31 + 1_000 * index + at) : [],
    authoredWith: has() ? 2 ** 32 - 1 : undefined,
    genesis: has() ? genesis : undefined,
    derivation: has() ? derivation : undefined,
    skippedHunks: has() ? 2 ** 31 : undefined,
    createdAt: new Date(),
  };
}

function flushOf(drafts: readonly Draft[]): Prepared {
  const batch = new Batch(new RoomState(BLOB));
  batch.owner = OWNER;
  batch.genesis = genesis;
  for (const draft of drafts) {
    const { userId, requestId } = draft;
    batch.add(new Intent({ userId, requestId, work: { kind: 'delete' }, bytes: 0 }), draft);
  }
  const { refused, held } = new Leftovers();
  return batch.finish({ refused, held, postponed: [] });
}

/** As the committer numbers it. */
function storedBytes({ commit }: Prepared): number {
  assert.ok(commit);
  const { drafts, appliedAt, ...facts } = commit;
  const id = commitId(COMMITTER, 1);
  const deltas = drafts.map((draft, index) =>
    placeDraft(draft, { commitId: id, index, blobId: BLOB, toVersion: index + 1, appliedAt }),
  );
  return BSON.calculateObjectSize(toDocument({ id, committer: COMMITTER, committerSeq: 1, ...facts, deltas }), {
    ignoreUndefined: true,
  });
}

test('G7: it is counted at no less than it takes, whatever is as long as it may be', () => {
  for (const count of [1, 2, FLUSH_DELTAS_MAX]) {
    for (const has of [true, false]) {
      const prepared = flushOf(times(count, (index) => draftOf(index, () => has)));
      const stored = storedBytes(prepared);
      assert.ok(prepared.bytes >= stored, `${count} deltas, ${has}: ${prepared.bytes} of ${stored}`);
      assert.ok(
        prepared.bytes <= stored * 1.5 + 4_096 + count * 512,
        `${count} deltas, ${has}: ${prepared.bytes} of ${stored}`,
      );
    }
  }
});

test(
  'G7: nor where some of it is',
  seeded((random) => {
    for (let round = 0; round < 200; round += 1) {
      const share = random.next();
      const prepared = flushOf(times(random.int(1, 6), (index) => draftOf(index, () => random.chance(share))));
      assert.ok(prepared.bytes >= storedBytes(prepared), `${prepared.bytes} of ${storedBytes(prepared)}`);
    }
  }),
);

test.run();
