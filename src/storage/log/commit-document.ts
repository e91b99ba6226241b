/** The log's documents and how they map to domain commits. What equals the commit's own field is left out of a delta. */
import type { Derivation } from '../../domain/blob.ts';
import type { CommitOutline } from '../../domain/commit-outline.ts';
import {
  isIdle,
  type Base,
  type Commit,
  type Delta,
  type Draft,
  type Genesis,
  type Operation,
  type StoredPatch,
} from '../../domain/delta.ts';

export interface CommitDocument {
  _id: string;
  blob_id: string;
  first_seq: number;
  last_seq: number;
  owner: string;
  content_type: string;
  root_id: string;
  applied_at: Date;
  request_keys?: string[];
  deltas: DeltaDocument[];
}

interface DeltaDocument {
  user_id?: string;
  provider_id?: string;
  operation: Operation;
  patch: { kind: StoredPatch['kind']; bytes: number; hash?: string; body?: Uint8Array };
  updates: Uint8Array[];
  /** fromVersion as the distance below this delta's seq; 1 (the version before) is left out. */
  behind?: number;
  /** first, last, first, last, … */
  extras?: number[];
  previous_delta?: string;
  chain_length?: number;
  caused_by?: string;
  reverts?: string[];
  copies?: Uint8Array;
  request_id?: string;
  new_clients?: number[];
  authored_with?: number;
  genesis?: GenesisDocument;
  /** For outlines, which are read without updates; an undeletion is known to be idle by nothing else. */
  idle?: boolean;
  derivation?: { -readonly [K in keyof Derivation]: Derivation[K] };
  skipped_hunks?: number;
  created_at: Date;
}

type GenesisDocument = { -readonly [K in keyof Omit<Genesis, 'labels'>]: Genesis[K] } & {
  /** Pairs, as anything may be a key, also what BSON takes for its own. In old logs a document. */
  labels: (readonly [string, string])[] | Readonly<Record<string, string>>;
};

/** The idempotency key of a request: the same request_id of another user or on another blob is another request. */
export function requestKey(blobId: string, userId: string, requestId: string): string {
  return `${blobId}\n${userId}\n${requestId}`;
}

export function toDocument(commit: Commit): CommitDocument {
  let requestKeys: Set<string> | undefined;
  for (const { userId, requestId } of commit.deltas) {
    if (requestId !== undefined) (requestKeys ??= new Set()).add(requestKey(commit.blobId, userId, requestId));
  }
  return {
    _id: commit.id,
    blob_id: commit.blobId,
    first_seq: commit.firstSeq,
    last_seq: commit.lastSeq,
    owner: commit.owner,
    content_type: commit.contentType,
    root_id: commit.rootId,
    applied_at: commit.deltas[0]?.appliedAt ?? new Date(),
    request_keys: requestKeys && [...requestKeys],
    deltas: commit.deltas.map((delta) => toDeltaDocument(commit, delta)),
  };
}

function toDeltaDocument(commit: Commit, delta: Delta): DeltaDocument {
  const behind = delta.toVersion - delta.base.fromVersion;
  return {
    user_id: delta.userId === commit.owner ? undefined : delta.userId,
    provider_id: delta.providerId,
    operation: delta.operation,
    patch: { ...delta.patch },
    updates: [...delta.updates],
    behind: behind === 1 ? undefined : behind,
    extras: delta.base.extras.length > 0 ? delta.base.extras.flatMap((range) => [range.first, range.last]) : undefined,
    previous_delta: delta.previousDelta,
    chain_length: delta.chainLength === 1 ? undefined : delta.chainLength,
    caused_by: delta.causedBy,
    reverts: delta.reverts ? [...delta.reverts] : undefined,
    copies: delta.copies,
    request_id: delta.requestId,
    new_clients: delta.newClients.length > 0 ? [...delta.newClients] : undefined,
    authored_with: delta.authoredWith,
    genesis: delta.genesis && { ...delta.genesis, labels: Object.entries(delta.genesis.labels) },
    idle: isIdle(delta) || undefined,
    derivation: delta.derivation,
    skipped_hunks: delta.skippedHunks,
    created_at: delta.createdAt,
  };
}

export function fromDocument(document: CommitDocument): Commit {
  return {
    id: document._id,
    blobId: document.blob_id,
    firstSeq: document.first_seq,
    lastSeq: document.last_seq,
    ...committerOf(document._id),
    owner: document.owner,
    contentType: document.content_type,
    rootId: document.root_id,
    deltas: document.deltas.map((delta, index) => fromDeltaDocument(document, delta, index)),
  };
}

function fromDeltaDocument(commit: CommitDocument, delta: DeltaDocument, index: number): Delta {
  const toVersion = commit.first_seq + index;
  return {
    id: deltaId(commit._id, index),
    blobId: commit.blob_id,
    toVersion,
    userId: delta.user_id ?? commit.owner,
    providerId: delta.provider_id,
    operation: delta.operation,
    // Bytes are copied: the driver hands out views that would keep the whole reply alive.
    patch: delta.patch.body ? { ...delta.patch, body: Uint8Array.from(delta.patch.body) } : delta.patch,
    updates: delta.updates.map((update) => Uint8Array.from(update)),
    base: readBase(delta, toVersion),
    previousDelta: delta.previous_delta,
    chainLength: delta.chain_length ?? 1,
    causedBy: delta.caused_by,
    reverts: delta.reverts,
    copies: delta.copies && Uint8Array.from(delta.copies),
    requestId: delta.request_id,
    newClients: delta.new_clients ?? [],
    authoredWith: delta.authored_with,
    genesis: delta.genesis && readGenesis(delta.genesis),
    derivation: delta.derivation,
    skippedHunks: delta.skipped_hunks,
    foundAlive: (delta.operation === 'undelete' && delta.idle) || undefined,
    createdAt: delta.created_at,
    appliedAt: commit.applied_at,
  };
}

function readGenesis({ labels, ...genesis }: GenesisDocument): Genesis {
  return { ...genesis, labels: Array.isArray(labels) ? Object.fromEntries(labels) : labels };
}

/** What is read for an outline. Each delta has its operation, so none is left out of the array. */
export const OUTLINE_FIELDS = {
  blob_id: 1,
  first_seq: 1,
  last_seq: 1,
  owner: 1,
  content_type: 1,
  root_id: 1,
  applied_at: 1,
  'deltas.operation': 1,
  'deltas.user_id': 1,
  'deltas.provider_id': 1,
  'deltas.caused_by': 1,
  'deltas.idle': 1,
} as const;

/** Of a document with those fields. */
export function outlineFrom(document: CommitDocument): CommitOutline {
  return {
    blobId: document.blob_id,
    firstSeq: document.first_seq,
    lastSeq: document.last_seq,
    committerSeq: committerOf(document._id).committerSeq,
    owner: document.owner,
    contentType: document.content_type,
    rootId: document.root_id,
    deltas: document.deltas.map((delta, index) => ({
      id: deltaId(document._id, index),
      toVersion: document.first_seq + index,
      userId: delta.user_id ?? document.owner,
      providerId: delta.provider_id,
      operation: delta.operation,
      causedBy: delta.caused_by,
      appliedAt: document.applied_at,
      isIdle: delta.idle,
    })),
  };
}

function readBase(delta: DeltaDocument, toVersion: number): Base {
  const flat = delta.extras ?? [];
  const extras = [];
  for (let at = 0; at + 1 < flat.length; at += 2) extras.push({ first: flat[at] ?? 0, last: flat[at + 1] ?? 0 });
  return { fromVersion: toVersion - (delta.behind ?? 1), extras };
}

/** A damaged commit is named: everything else of a page can only say that something is wrong. */
export function naming<C>(read: (document: CommitDocument) => C): (document: CommitDocument) => C {
  return (document) => {
    try {
      return read(document);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`commit ${document._id} (from delta ${document.first_seq}) can't be read: ${why}`, {
        cause: error,
      });
    }
  };
}

const SEQ_DIGITS = 10;

/** `<committer>-<its running number>`: a process's commits are a range of ids, which needs no index of its own. */
export function commitId(committer: string, committerSeq: number): string {
  return `${committer}-${String(committerSeq).padStart(SEQ_DIGITS, '0')}`;
}

function committerOf(id: string): { readonly committer: string; readonly committerSeq: number } {
  const end = id.length - SEQ_DIGITS;
  return { committer: id.slice(0, end - 1), committerSeq: Number(id.slice(end)) };
}

export function deltaId(commitId: string, index: number): string {
  return `${commitId}-${index}`;
}

/** The first version of the delta's commit: its id ends in which of the commit's deltas it is, from 0. */
export function firstOfCommit({ id, toVersion }: Pick<Delta, 'id' | 'toVersion'>): number {
  return toVersion - Number(id.slice(id.lastIndexOf('-') + 1));
}

/** In place of the id of a commit that has none yet: how deltas of one flush speak of each other. */
export const FLUSH = 'flush';

/**
 * The delta in its place, which also names those of its flush that it speaks of. All fields one by one and in one order,
 * those without a value too: objects of one shape, where copies of a draft would be of as many as there are operations.
 */
export function placeDraft(
  draft: Draft,
  place: Pick<Delta, 'blobId' | 'toVersion' | 'appliedAt'> & { readonly commitId: string; readonly index: number },
): Delta {
  const { commitId } = place;
  const named = (id: string): string => (id.startsWith(`${FLUSH}-`) ? commitId + id.slice(FLUSH.length) : id);
  const { previousDelta, reverts } = draft;
  return {
    id: deltaId(commitId, place.index),
    blobId: place.blobId,
    toVersion: place.toVersion,
    userId: draft.userId,
    providerId: draft.providerId,
    operation: draft.operation,
    patch: draft.patch,
    updates: draft.updates,
    base: draft.base,
    previousDelta: previousDelta === undefined ? undefined : named(previousDelta),
    chainLength: draft.chainLength,
    causedBy: draft.causedBy,
    reverts: reverts?.map(named),
    copies: draft.copies,
    requestId: draft.requestId,
    newClients: draft.newClients,
    authoredWith: draft.authoredWith,
    genesis: draft.genesis,
    derivation: draft.derivation,
    skippedHunks: draft.skippedHunks,
    foundAlive: draft.foundAlive,
    createdAt: draft.createdAt,
    appliedAt: place.appliedAt,
  };
}

/** The commit a delta id points into; undefined when it can't be one of ours. */
export function commitIdOf(id: string): string | undefined {
  return /^([0-9a-f]{16}-\d{10})-\d{1,4}$/.exec(id)?.[1];
}
