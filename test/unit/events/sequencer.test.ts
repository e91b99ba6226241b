import * as assert from 'uvu/assert';
import type { CommitOutline } from '../../../src/domain/commit-outline.ts';
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

/** How many of them were read. */
let read = 0;

/** One commit a version, as the log would give them. */
async function* readRange(blobId: string, first: number, last: number): AsyncGenerator<CommitOutline> {
  for (let version = first; version <= last; version += 1) {
    read += 1;
    yield await Promise.resolve(commitAt(blobId, version));
  }
}

function commitAt(blobId: string, version: number): CommitOutline {
  return {
    blobId,
    firstSeq: version,
    lastSeq: version,
    committerSeq: version,
    owner: 'ann',
    contentType: 'text/plain',
    rootId: blobId,
    deltas: [
      { id: `${blobId}-${version}`, toVersion: version, userId: 'ann', operation: 'update', appliedAt: new Date(0) },
    ],
  };
}

async function shown(...events: StudioEvent[]): Promise<string[]> {
  const sequencer = new EventSequencer(readRange);
  const all: StudioEvent[] = [];
  for (const one of events) for await (const event of sequencer.accept(one)) all.push(event);
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

test('G7: what fills a hole is read as it is shown', async () => {
  const sequencer = new EventSequencer(readRange);
  read = 0;
  for await (const first of sequencer.accept(event(1))) assert.is(first.version, 1);
  const versions: number[] = [];
  for await (const { version } of sequencer.accept(event(1_000_000))) {
    versions.push(version);
    assert.ok(read <= versions.length);
    if (versions.length === 10) break;
  }
  assert.equal(versions, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
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
