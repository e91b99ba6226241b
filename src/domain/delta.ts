import type { Derivation } from './blob.ts';

export type Operation = 'create' | 'update' | 'transform' | 'delete' | 'undelete' | 'revert';

/** Inclusive on both ends. */
export interface SeqRange {
  readonly first: number;
  readonly last: number;
}

/**
 * The state an edit was made in: deltas 1..fromVersion and those in `extras` (ascending, disjoint, not adjacent to
 * each other or to fromVersion, all above it).
 */
export interface Base {
  readonly fromVersion: number;
  readonly extras: readonly SeqRange[];
}

export type OffsetEncoding = 'code_points' | 'utf16' | 'utf8';

export interface TextEdit {
  readonly offset: number;
  readonly deleteCount: number;
  readonly insert: string;
}

/** What a revert aims at. */
export type RevertTarget =
  | { readonly kind: 'version'; readonly version: number }
  | { readonly kind: 'deltas'; readonly ids: readonly string[] }
  /** Versions first..last, where given. What providers made in the user's name is not the user's. */
  | { readonly kind: 'author'; readonly userId: string; readonly first?: number; readonly last?: number };

/** What a caller sends. Text edits apply in sequence, each to the result of the one before. */
export type Patch =
  | { readonly kind: 'text_edits'; readonly edits: readonly TextEdit[]; readonly encoding: OffsetEncoding }
  | { readonly kind: 'json_patch'; readonly patch: string }
  | { readonly kind: 'merge_patch'; readonly patch: string }
  | { readonly kind: 'content'; readonly content: Uint8Array }
  | { readonly kind: 'yjs_update'; readonly update: Uint8Array }
  | { readonly kind: 'revert'; readonly target: RevertTarget };

/** The patch as kept on the delta: whole while small, else only its size and hash. A raw update is not kept twice. */
export interface StoredPatch {
  readonly kind: Patch['kind'] | 'create' | 'delete' | 'undelete' | 'sync';
  readonly bytes: number;
  readonly hash?: string;
  /** JSON of text edits, patches and revert targets; the bytes of whole content. */
  readonly body?: Uint8Array;
}

/** Written once, on delta 1: everything needed to rebuild a lost head. */
export interface Genesis {
  readonly contentType: string;
  readonly parentIds: readonly string[];
  readonly rootId: string;
  readonly depth: number;
  readonly createdBy: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One committed change. Never altered after its commit. */
export interface Delta {
  /** `<commit id>-<ordinal in the commit>`: the commit is found by id, without an index of its own. */
  readonly id: string;
  readonly blobId: string;
  /** Its seq: the version it made. */
  readonly toVersion: number;
  readonly userId: string;
  readonly providerId?: string;
  readonly operation: Operation;
  readonly patch: StoredPatch;
  /** The Yjs updates (encoding v1) it became, in the order they are applied. Empty for delete and undelete. */
  readonly updates: readonly Uint8Array[];
  readonly base: Base;
  readonly previousDelta?: string;
  /** How many deltas its chain has, itself included. */
  readonly chainLength: number;
  readonly causedBy?: string;
  /** Of a revert of single deltas: their ids. What a revert to a version undoes follows from its patch. */
  readonly reverts?: readonly string[];
  /** Of a revert: what it inserted anew, and of what (revert/copies.ts). */
  readonly copies?: Uint8Array;
  readonly requestId?: string;
  /** Yjs client ids that occur in this blob for the first time here. */
  readonly newClients: readonly number[];
  /** The client id the server authored it with; absent when a client authored the update itself. */
  readonly authoredWith?: number;
  readonly genesis?: Genesis;
  readonly derivation?: Derivation;
  /** Of a transform: changes of the provider's that were left out, since people had changed the same. Absent for none. */
  readonly skippedHunks?: number;
  /** Of an undeletion: the blob was not deleted. */
  readonly foundAlive?: true;
  /** When the server took it in. */
  readonly createdAt: Date;
  /** When its commit was sent to the database. */
  readonly appliedAt: Date;
}

/** It stands for a request that changed nothing, kept so that sent again it changes nothing either (G4). */
export function isIdle({ operation, updates, foundAlive }: IdleFields): boolean {
  return foundAlive === true || ((operation === 'update' || operation === 'revert') && updates.length === 0);
}

type IdleFields = Pick<Delta, 'operation' | 'updates' | 'foundAlive'>;

/** A delta before it has its place in the log. */
export type Draft = Omit<Delta, 'id' | 'blobId' | 'toVersion' | 'appliedAt'>;

/** One document of the log: one blob's deltas of one flush. Its insert is the commit, the order and the outbox entry. */
export interface Commit {
  readonly id: string;
  readonly blobId: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** The process that wrote it and its running number there: what the sweep reads by. */
  readonly committer: string;
  readonly committerSeq: number;
  /** The blob's owner, content type and root, so that events need no second read. */
  readonly owner: string;
  readonly contentType: string;
  readonly rootId: string;
  readonly deltas: readonly Delta[];
}

export function updateBytes({ updates }: Pick<Delta, 'updates'>): number {
  return updates.reduce((sum, update) => sum + update.byteLength, 0);
}

/** Of what grows with the change: its updates, and its patch as far as it is kept. */
export function bytesOfDelta(delta: Delta): number {
  return (delta.patch.body?.byteLength ?? 0) + updateBytes(delta);
}
