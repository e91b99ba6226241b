/** In a process of its own, with --expose-gc: what the document holds once every edit is in. TRACE_SHARE, TRACE_HOLDER. */
import * as Y from 'yjs';
import { headBase } from '../../src/domain/base.ts';
import type { Commit, Delta } from '../../src/domain/delta.ts';
import { RoomState } from '../../src/documents/memory/room-state.ts';
import { FLUSH_DELTAS_MAX } from '../../src/limits.ts';
import { makeEdits } from './edits.ts';

const BLOB_ID = 'bench';
const USER_ID = 'bench';

function usedBytes(): number {
  // Twice: what the first frees may hold the rest.
  for (let times = 0; times < 2; times += 1) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function bareDocument(updates: readonly Uint8Array[]): unknown {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc;
}

function liveDocument(updates: readonly Uint8Array[]): unknown {
  const state = new RoomState(BLOB_ID);
  state.apply([commitOf([deltaOf(1, [])], 1)]);
  for (let at = 0; at < updates.length; at += FLUSH_DELTAS_MAX) {
    const first = at + 2;
    const flush = updates.slice(at, at + FLUSH_DELTAS_MAX);
    // As the driver hands them out, each with bytes of its own.
    state.apply([
      commitOf(
        flush.map((update, index) => deltaOf(first + index, [Uint8Array.from(update)])),
        first,
      ),
    ]);
    state.head();
  }
  return state;
}

function commitOf(deltas: readonly Delta[], firstSeq: number): Commit {
  const lastSeq = firstSeq + deltas.length - 1;
  const facts = { blobId: BLOB_ID, owner: USER_ID, contentType: 'text/plain', rootId: BLOB_ID };
  return {
    ...facts,
    id: `0000000000000000-${firstSeq}`,
    committer: '0',
    committerSeq: firstSeq,
    firstSeq,
    lastSeq,
    deltas,
  };
}

function deltaOf(seq: number, updates: readonly Uint8Array[]): Delta {
  const genesis =
    seq === 1
      ? { contentType: 'text/plain', parentIds: [], rootId: BLOB_ID, depth: 0, createdBy: 'user', labels: {} }
      : undefined;
  return {
    id: `0000000000000000-0000000001-${seq}`,
    blobId: BLOB_ID,
    toVersion: seq,
    userId: USER_ID,
    operation: seq === 1 ? 'create' : 'update',
    patch: { kind: 'sync', bytes: updates[0]?.byteLength ?? 0 },
    updates,
    base: headBase(seq - 1),
    chainLength: 1,
    newClients: [],
    genesis,
    createdAt: new Date(),
    appliedAt: new Date(),
  };
}

function measure(share: number, hold: (updates: readonly Uint8Array[]) => unknown): number {
  // Compiled and warmed up, so that only the document is added.
  hold(makeEdits(0.02).updates);
  const before = usedBytes();
  const holder = { held: hold(makeEdits(share).updates) };
  const bytes = usedBytes() - before;
  return holder.held === undefined ? NaN : bytes;
}

const share = Number(process.env['TRACE_SHARE'] ?? '1');
process.send?.(measure(share, process.env['TRACE_HOLDER'] === 'live' ? liveDocument : bareDocument));
process.disconnect();
