/**
 * Builds and verifies stored states: pure work on bytes, done in a thread of its own where there is much of it, so that
 * commits do not wait for it.
 */
import * as Y from 'yjs';
import { createDocument } from '../../domain/content/document.ts';
import { transactSparsely } from '../../domain/content/sparse-transaction.ts';
import { STATE_SLICE_BYTES, STATE_SLICE_DELTAS } from '../../limits.ts';
import { decodeRun, decodeState, encodeState, factsAfterRun } from '../log/checkpoint-codec.ts';
import { NO_FACTS, type Origin } from '../log/log-facts.ts';
import { digestDifferences, digestOf, type StateDigest } from './state-digest.ts';

export interface BuildState {
  readonly kind: 'build';
  /** What it starts from: a stored state, hash checked, or nothing but what delta 1 says. */
  readonly base: Uint8Array | Origin;
  /** Runs that follow on it, encoded, and how many deltas of each the base has already. */
  readonly runs: readonly { readonly bytes: Uint8Array; readonly skip: number }[];
  /** The version it becomes, if what is deleted in it is to be collected. Absent: what the base holds of that is kept. */
  readonly collectTo?: number;
}

export interface CheckState {
  readonly kind: 'check';
  /** As read back. */
  readonly state: Uint8Array;
  readonly contentType: string;
  /** Absent: it only has to load. */
  readonly digest?: StateDigest;
}

export interface BuiltState {
  readonly state: Uint8Array;
  readonly digest: StateDigest;
  readonly contentType: string;
}

export type StateTask = BuildState | CheckState;

export function bytesOf(task: StateTask): number {
  if (task.kind === 'check') return task.state.byteLength;
  const base = task.base instanceof Uint8Array ? task.base.byteLength : 0;
  return task.runs.reduce((bytes, run) => bytes + run.bytes.byteLength, base);
}

/** In slices: `breathe` lets others have their turn between them, or throws when it has become too much. */
export async function buildState(
  { base, runs, collectTo }: Omit<BuildState, 'kind'>,
  breathe: () => Promise<void>,
): Promise<BuiltState> {
  const doc = createDocument({ gc: collectTo !== undefined });
  const start = base instanceof Uint8Array ? decodeState(base) : undefined;
  const origin = start?.origin ?? (base as Origin);
  if (start) Y.applyUpdateV2(doc, start.update);
  let facts = start?.facts ?? NO_FACTS;
  const owners = new Map(start?.owners);
  for (const { bytes, skip } of runs) {
    const run = decodeRun(bytes);
    for (const slice of slicesOf(run.updates.slice(skip))) {
      await breathe();
      applyUpdates(doc, slice);
    }
    facts = factsAfterRun(facts, run);
    for (const [client, owner] of run.owners) if (!owners.has(client)) owners.set(client, owner);
  }
  await breathe();
  const digest = digestOf(doc, origin.genesis.contentType);
  await breathe();
  const collectedTo = collectTo ?? start?.collectedTo;
  const state = encodeState({ origin, facts, owners, update: Y.encodeStateAsUpdateV2(doc), collectedTo });
  doc.destroy();
  return { state, digest, contentType: origin.genesis.contentType };
}

/**
 * In what the state differs from its digest; empty: it is right. Throws when it does not load. `breathe` as for
 * `buildState`.
 */
export async function checkState(
  { state, contentType, digest }: Omit<CheckState, 'kind'>,
  breathe: () => Promise<void>,
): Promise<string[]> {
  const doc = createDocument({ gc: false });
  Y.applyUpdateV2(doc, decodeState(state).update);
  await breathe();
  const found = digestOf(doc, contentType);
  doc.destroy();
  return digest ? digestDifferences(found, digest) : [];
}

function* slicesOf(deltas: readonly (readonly Uint8Array[])[]): Generator<Uint8Array[]> {
  let [slice, count, bytes]: [Uint8Array[], number, number] = [[], 0, 0];
  for (const updates of deltas) {
    for (const update of updates) bytes += update.byteLength;
    slice.push(...updates);
    if (++count < STATE_SLICE_DELTAS && bytes < STATE_SLICE_BYTES) continue;
    yield slice;
    [slice, count, bytes] = [[], 0, 0];
  }
  if (slice.length > 0) yield slice;
}

/** In one transaction: ten times as fast as one each where a document has many client ids. */
export function applyUpdates(doc: Y.Doc, updates: readonly Uint8Array[]): void {
  transactSparsely(
    doc,
    () => {
      for (const update of updates) Y.applyUpdate(doc, update);
    },
    null,
    false,
  );
}
