/** The bytes of states and runs. */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import type { Delta } from '../../domain/delta.ts';
import { adoptClients, factsAfter, NO_FACTS, type Facts, type Origin } from './log-facts.ts';

export interface StoredState {
  readonly origin: Origin;
  readonly facts: Facts;
  /** Client id → the user who first committed with it; '' for ids minted by the server. */
  readonly owners: ReadonlyMap<number, string>;
  /** Yjs encoding v2. */
  readonly update: Uint8Array;
  /** What was deleted up to this version is collected in it; absent: nothing is. */
  readonly collectedTo?: number;
}

/** What the deltas of a run did to the facts. */
export interface FactsChange {
  /** The facts after the run, had there been none before it. */
  readonly facts: Facts;
  /** The last of its operations that deleted the blob or brought it back. */
  readonly deletion?: 'delete' | 'undelete';
  /** Client ids that occur for the first time in it. */
  readonly owners: ReadonlyMap<number, string>;
}

export interface StoredRun extends FactsChange {
  /** By delta: its Yjs updates, encoding v1, as the log has them. */
  readonly updates: readonly (readonly Uint8Array[])[];
}

export function encodeState(state: StoredState): Uint8Array {
  const { origin, facts, collectedTo } = state;
  const encoder = encoding.createEncoder();
  encoding.writeVarString(
    encoder,
    JSON.stringify({
      origin: { ...origin, createdAt: origin.createdAt.getTime() },
      facts: plain(facts),
      owners: sorted(state.owners),
      collectedTo,
    }),
  );
  encoding.writeVarUint8Array(encoder, state.update);
  return encoding.toUint8Array(encoder);
}

export function decodeState(bytes: Uint8Array): StoredState {
  const decoder = decoding.createDecoder(bytes);
  const { origin, facts, owners, collectedTo } = JSON.parse(decoding.readVarString(decoder)) as {
    origin: Omit<Origin, 'createdAt'> & { createdAt: number };
    facts: PlainFacts;
    owners: [number, string][];
    collectedTo?: number;
  };
  return {
    origin: { ...origin, createdAt: new Date(origin.createdAt) },
    facts: factsOf(facts),
    owners: new Map(owners),
    update: decoding.readVarUint8Array(decoder),
    collectedTo,
  };
}

export function runOf(deltas: readonly Delta[]): StoredRun {
  let deletion: FactsChange['deletion'];
  const owners = new Map<number, string>();
  for (const delta of deltas) {
    adoptClients(owners, delta);
    if (delta.operation === 'delete' || delta.operation === 'undelete') deletion = delta.operation;
  }
  return { facts: factsAfter(NO_FACTS, deltas), deletion, owners, updates: deltas.map((delta) => delta.updates) };
}

/** Runs that follow one another, as one. */
export function joinRuns(runs: readonly StoredRun[]): StoredRun {
  let facts = NO_FACTS;
  let deletion: FactsChange['deletion'];
  const owners = new Map<number, string>();
  for (const run of runs) {
    facts = factsAfterRun(facts, run);
    deletion = run.deletion ?? deletion;
    for (const [client, owner] of run.owners) if (!owners.has(client)) owners.set(client, owner);
  }
  return { facts, deletion, owners, updates: runs.flatMap((run) => run.updates) };
}

export function factsAfterRun(before: Facts, { facts, deletion }: FactsChange): Facts {
  return {
    contentVersion: facts.contentVersion || before.contentVersion,
    // A run whose deltas all changed nothing has none of its own.
    updatedAt: facts.updatedAt > NO_FACTS.updatedAt ? facts.updatedAt : before.updatedAt,
    deletedAt: deletion === undefined ? before.deletedAt : facts.deletedAt,
    derivedFrom: facts.derivedFrom ?? before.derivedFrom,
  };
}

export function encodeRun({ facts, deletion, owners, updates }: StoredRun): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarString(encoder, JSON.stringify({ facts: plain(facts), deletion, owners: sorted(owners) }));
  encoding.writeVarUint(encoder, updates.length);
  for (const own of updates) {
    encoding.writeVarUint(encoder, own.length);
    for (const update of own) encoding.writeVarUint8Array(encoder, update);
  }
  return encoding.toUint8Array(encoder);
}

export function decodeRun(bytes: Uint8Array): StoredRun {
  const decoder = decoding.createDecoder(bytes);
  const { facts, deletion, owners } = JSON.parse(decoding.readVarString(decoder)) as {
    facts: PlainFacts;
    deletion?: FactsChange['deletion'];
    owners: [number, string][];
  };
  const updates: Uint8Array[][] = [];
  for (let deltas = decoding.readVarUint(decoder); deltas > 0; deltas--) {
    const own: Uint8Array[] = [];
    for (let count = decoding.readVarUint(decoder); count > 0; count--) own.push(decoding.readVarUint8Array(decoder));
    updates.push(own);
  }
  return { facts: factsOf(facts), deletion, owners: new Map(owners), updates };
}

/** How many deltas an encoded run has. */
export function deltasIn(run: Uint8Array): number {
  const decoder = decoding.createDecoder(run);
  const head = decoding.readVarUint(decoder);
  decoder.pos += head;
  return decoding.readVarUint(decoder);
}

/** In one order, so that two processes make the same bytes. */
function sorted(owners: ReadonlyMap<number, string>): [number, string][] {
  return [...owners].sort(([a], [b]) => a - b);
}

interface PlainFacts extends Omit<Facts, 'updatedAt' | 'deletedAt'> {
  readonly updatedAt: number;
  readonly deletedAt?: number;
}

function plain(facts: Facts): PlainFacts {
  return { ...facts, updatedAt: facts.updatedAt.getTime(), deletedAt: facts.deletedAt?.getTime() };
}

function factsOf(facts: PlainFacts): Facts {
  const { updatedAt, deletedAt } = facts;
  return {
    ...facts,
    updatedAt: new Date(updatedAt),
    deletedAt: deletedAt === undefined ? undefined : new Date(deletedAt),
  };
}
