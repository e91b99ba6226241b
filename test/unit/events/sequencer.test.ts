import * as assert from 'uvu/assert';
import type { Commit } from '../../../src/domain/delta.ts';
import type { EventType, StudioEvent } from '../../../src/events/contract.ts';
import { EventSequencer } from '../../../src/events/sequencer.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('event sequencer');

function event(version: number, type: EventType = 'delta.applied', blobId = 'b'): StudioEvent {
  return {
    id: `${blobId}-${version}.${type}`,
    type,
    blobId,
    deltaId: `${blobId}-${version}`,
    version,
    operation: 'update',
    owner: 'ann',
    userId: 'ann',
    contentType: 'text/plain',
    rootId: blobId,
    time: new Date(0),
  };
}

/** One commit a version, as the log would give them. */
function readRange(blobId: string, first: number, last: number): Promise<readonly Commit[]> {
  const versions = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return Promise.resolve(
    versions.map((version) => ({
      id: `c${version}`,
      blobId,
      firstSeq: version,
      lastSeq: version,
      committer: 'c',
      committerSeq: version,
      owner: 'ann',
      contentType: 'text/plain',
      rootId: blobId,
      deltas: [
        {
          id: `${blobId}-${version}`,
          blobId,
          toVersion: version,
          userId: 'ann',
          operation: 'update',
          patch: { kind: 'sync', bytes: 0 },
          updates: [],
          base: { fromVersion: version - 1, extras: [] },
          chainLength: 1,
          newClients: [],
          createdAt: new Date(0),
          appliedAt: new Date(0),
        },
      ],
    })),
  );
}

async function shown(...events: StudioEvent[]): Promise<string[]> {
  const sequencer = new EventSequencer(readRange);
  const all: StudioEvent[] = [];
  for (const one of events) all.push(...(await sequencer.accept(one)));
  return all.map(({ type, version }) => `${type.replace(/.*\./, '')} ${version}`);
}

test('G5: in order, doubles dropped, a hole filled from the log', async () => {
  assert.equal(await shown(event(3), event(4), event(4), event(7), event(5), event(6), event(8)), [
    'applied 3',
    'applied 4',
    'applied 5',
    'applied 6',
    'applied 7',
    'applied 8',
  ]);
});

test('G5: what a watch that began behind it is told late, it is told', async () => {
  // A process dies unannounced at 5 and 6, another goes on; the watch resumes, and then the sweep publishes them.
  assert.equal(await shown(event(7), event(5), event(6), event(8)), [
    'applied 7',
    'applied 5',
    'applied 6',
    'applied 8',
  ]);
});

test('G5: a creation and a deletion are told however late they come; of updates only the newest counts', async () => {
  const late = [event(2, 'blob.updated'), event(1, 'blob.created'), event(1, 'blob.created')];
  const more = [event(5, 'blob.updated'), event(4, 'blob.deleted'), event(3, 'blob.updated'), event(4, 'blob.deleted')];
  assert.equal(await shown(...late, ...more), ['updated 2', 'created 1', 'updated 5', 'deleted 4']);
});

test('blobs do not get in each other’s way', async () => {
  assert.equal(
    await shown(event(5), event(1, 'delta.applied', 'other'), event(6), event(2, 'delta.applied', 'other')),
    ['applied 5', 'applied 1', 'applied 6', 'applied 2'],
  );
});

test.run();
