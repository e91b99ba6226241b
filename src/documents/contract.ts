/**
 * What the document engine offers to transports and workers, and what it needs from events. Everything a caller may
 * do to a blob goes through `Documents`; every call is authorized there, whatever door it came through (G8).
 */
import type { Blob, BlobWithContent, Derivation } from '../domain/blob.ts';
import type { Caller } from '../domain/access/caller.ts';
import type { Grain, Place } from '../domain/attribution/ranges.ts';
import type { ContentFormat } from '../domain/content/format.ts';
import type { Commit, Delta, Operation, Patch, RevertTarget } from '../domain/delta.ts';
import type { ContentDifference } from '../domain/difference/content-difference.ts';
import type { StudioError } from '../errors.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { VersionGroup } from '../domain/version-groups.ts';
import type { NamedVersion } from '../storage/named-versions.ts';

export type { Retention, RetentionReport } from './retention-contract.ts';

export interface CreateBlob {
  /** Absent: the server makes one (from the caller and request_id if there is one, so that a repeat finds the first). */
  readonly id?: string;
  readonly content: Uint8Array;
  readonly contentType: string;
  readonly parentIds: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly requestId?: string;
}

export interface ApplyDelta {
  readonly blobId: string;
  /** Absent: the head. */
  readonly fromVersion?: number;
  readonly previousDelta?: string;
  readonly causedBy?: string;
  readonly requestId?: string;
  readonly patch: Patch;
}

/** Several changes of one blob: all become deltas of one commit, each made on the result of the one before, or none. */
export interface BatchApplyDeltas extends Omit<ApplyDelta, 'patch'> {
  readonly patches: readonly Patch[];
}

export interface BatchCommitted {
  readonly blob: Blob;
  /** In order. A change that brought nothing made none; where all did so, one stands for the request if that has an id. */
  readonly deltas: readonly Delta[];
}

/** One of many changes on their way; `reference` is its caller's. An error in place of the request is answered as it is. */
export interface StreamedDelta {
  readonly reference: bigint;
  readonly request: ApplyDelta | StudioError;
}

export interface StreamedOutcome {
  readonly reference: bigint;
  readonly outcome: Committed | StudioError;
}

export interface RevertBlob {
  readonly blobId: string;
  readonly target: RevertTarget;
  /** What the caller has seen; absent: the head. */
  readonly fromVersion?: number;
  readonly etag?: string;
  readonly requestId?: string;
}

export interface UpdateBlob {
  readonly id: string;
  /** Replaces the whole content as a minimal difference from the base. */
  readonly content?: Uint8Array;
  readonly fromVersion?: number;
  /** Replaces all labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Refused with ETAG_MISMATCH unless it is the blob's etag; absent: no check. */
  readonly etag?: string;
  readonly requestId?: string;
}

export interface ReadContent {
  readonly withContent: boolean;
  /** Absent: canonical. */
  readonly format?: ContentFormat;
}

export interface ReadBlob extends ReadContent {
  /** Absent: the head. */
  readonly version?: number;
}

export interface ListBlobs extends PageRequest {
  readonly withContent: boolean;
  readonly contentType?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly rootId?: string;
  readonly parentId?: string;
  readonly showDeleted: boolean;
  /** `own`: what the caller created; `shared`: what others did and let the caller in to; both without what may not be read (any more). */
  readonly scope: 'own' | 'shared' | 'all';
}

export interface ListDeltas extends PageRequest {
  readonly blobId: string;
  /** Deltas with seq above this; 0 starts at the first. */
  readonly afterVersion: number;
  readonly newestFirst: boolean;
}

/** Absent and empty filters choose all. */
export interface ListVersions extends PageRequest {
  readonly blobId: string;
  /** Groups with a delta that meets these three. */
  readonly userId?: string;
  readonly providerId?: string;
  readonly operations: readonly Operation[];
  /** Applied then or later. */
  readonly after?: Date;
  /** Applied earlier. */
  readonly before?: Date;
  /** Groups that end at a named version. */
  readonly namedOnly: boolean;
}

/** One version of a blob: its number, the last applied at or before a moment, or its name. */
export type VersionPoint =
  | { readonly by: 'version'; readonly version: number }
  | { readonly by: 'moment'; readonly at: Date }
  | { readonly by: 'name'; readonly name: string };

export interface DiffVersions {
  readonly blobId: string;
  /** 0: nothing at all. */
  readonly fromVersion: number;
  /** Absent: the head. */
  readonly toVersion?: number;
}

export interface VersionDifference {
  readonly fromVersion: number;
  readonly toVersion: number;
  readonly difference: ContentDifference;
}

export interface GetAttribution extends PageRequest {
  readonly blobId: string;
  /** Absent: the head. */
  readonly version?: number;
  readonly grain: Grain;
}

/** A part of the content, who wrote it, and where in the log that is. */
export interface Attributed {
  readonly place: Place;
  /** 0: the log does not say, and the rest is absent. */
  readonly version: number;
  readonly firstVersion: number;
  readonly userId?: string;
  readonly providerId?: string;
  readonly deltaId?: string;
  readonly appliedAt?: Date;
}

export type { NamedVersion };

export interface DagNode {
  readonly blob: Blob;
  /** Some input has a newer version than the one it was made from. */
  readonly stale: boolean;
}

export interface Dag {
  readonly rootId: string;
  readonly nodes: readonly DagNode[];
  readonly edges: readonly { readonly parentId: string; readonly childId: string }[];
}

export interface Committed {
  readonly blob: Blob;
  /** The delta that holds the change; for an update that brought nothing new, the newest one. */
  readonly delta: Delta;
}

/** What a worker commits: a provider's output, as a new derived blob or as the next transform of one. */
export interface CommitTransform {
  readonly blobId: string;
  readonly ownerId: string;
  readonly parentIds: readonly string[];
  readonly contentType: string;
  readonly content: Uint8Array;
  readonly derivation: Derivation;
  readonly causedBy?: string;
}

export type TransformOutcome =
  | { readonly outcome: 'committed'; readonly blob: Blob; readonly delta: Delta }
  /** The output is what the previous transform already gave: the delta records the new inputs and changes nothing. */
  | { readonly outcome: 'unchanged'; readonly blob: Blob; readonly delta: Delta }
  /** An input is older than in the provider's last transform of this blob: dropped, plan again. */
  | { readonly outcome: 'stale'; readonly blob: Blob };

export interface Documents {
  createBlob(caller: Caller, request: CreateBlob): Promise<Committed>;
  getBlob(caller: Caller, id: string, options: ReadBlob): Promise<BlobWithContent>;
  listBlobs(caller: Caller, request: ListBlobs): Promise<Page<BlobWithContent>>;
  updateBlob(caller: Caller, request: UpdateBlob): Promise<{ blob: Blob; delta?: Delta }>;
  deleteBlob(caller: Caller, id: string, options: { etag?: string; requestId?: string }): Promise<Committed>;
  listVersions(caller: Caller, request: ListVersions): Promise<Page<VersionGroup>>;
  getVersion(caller: Caller, blobId: string, point: VersionPoint, options: ReadContent): Promise<BlobWithContent>;
  diffVersions(caller: Caller, request: DiffVersions): Promise<VersionDifference>;
  /** `version` is the one the ranges are of. */
  getAttribution(caller: Caller, request: GetAttribution): Promise<Page<Attributed> & { readonly version: number }>;
  nameVersion(caller: Caller, blobId: string, version: number, name: string): Promise<NamedVersion>;
  unnameVersion(caller: Caller, blobId: string, version: number): Promise<void>;
  listNamedVersions(caller: Caller, blobId: string, page: PageRequest): Promise<Page<NamedVersion>>;
  /** Of a blob that is not deleted it answers the newest delta, or one that says so where the request has an id. */
  undeleteBlob(caller: Caller, id: string, options: { etag?: string; requestId?: string }): Promise<Committed>;
  revertBlob(caller: Caller, request: RevertBlob): Promise<Committed>;
  applyDelta(caller: Caller, request: ApplyDelta): Promise<Committed>;
  /** Those of one blob are applied in the order given; outcomes come as they settle. Bounded: it stops reading. */
  applyDeltas(caller: Caller, requests: AsyncIterable<StreamedDelta>): AsyncIterable<StreamedOutcome>;
  batchApplyDeltas(caller: Caller, request: BatchApplyDeltas): Promise<BatchCommitted>;
  getDelta(caller: Caller, id: string): Promise<Delta>;
  /** The delta that this request of the caller's became; undefined if there is none. */
  findDelta(caller: Caller, blobId: string, requestId: string): Promise<Delta | undefined>;
  listDeltas(caller: Caller, request: ListDeltas): Promise<Page<Delta>>;
  getDag(caller: Caller, blobId: string): Promise<Dag>;
  listChildren(caller: Caller, blobId: string, page: PageRequest): Promise<Page<Blob>>;
  /** Joins the live document; rejects with a StudioError when the caller may not or the blob can't be loaded. */
  open(caller: Caller, blobId: string, session: LiveSession): Promise<LiveDocument>;
  commitTransform(request: CommitTransform): Promise<TransformOutcome>;
}

/** One editor connection's view on a live document. */
export interface LiveDocument {
  readonly blobId: string;
  readonly version: number;
  /** As it is now: granting and revoking change it. What is pushed all the same is refused with ACCESS_DENIED. */
  readonly readOnly: boolean;
  /**
   * False while the studio can't tell who may see this blob. Nothing new is to be shown then, awareness included;
   * onUpdate holds back by itself, and stateAsUpdate throws STORAGE_UNAVAILABLE.
   */
  readonly isCurrent: boolean;
  /** Yjs state vector of the committed state. */
  stateVector(): Uint8Array;
  /** The committed state beyond `stateVector` as one update; synchronous, so that it and the next onUpdate leave no gap. */
  stateAsUpdate(stateVector?: Uint8Array): Uint8Array;
  /** Whether the committed state holds all of `update`; false for what is no update. */
  contains(update: Uint8Array): boolean;
  /**
   * What came after `version`, as one update, for a client that has seen all up to it; undefined when that is not at hand
   * or too much, or when there is no such version: the state then says it. Synchronous, and throws, as `stateAsUpdate` does.
   */
  updateSince(version: number): Uint8Array | undefined;
  /**
   * Hands in an editor's update. Resolves once it is durable, with the version that contains it; rejects with a
   * StudioError, nothing applied. Calls are committed in the order they were made. Those made in a row may become one
   * delta; with `separate` each becomes one of its own, so that every version it was told can be named.
   */
  push(update: Uint8Array, options?: { readonly separate?: boolean }): Promise<{ version: number }>;
  /** The same without a promise. */
  handIn(update: Uint8Array, options: { readonly separate: boolean; readonly outcome: PushOutcome }): void;
  /** Leaves. Pending pushes still commit. */
  close(): void;
}

/** Of an update that was handed in; one of the two is called, once, and never by `handIn` itself. Must not throw. */
export interface PushOutcome {
  /** It is durable; that version contains it. */
  committed(version: number): void;
  /** Nothing of it was applied. */
  refused(error: unknown): void;
}

/** Called by the engine, in seq order, always with committed updates. Must not throw. */
export interface LiveSession {
  /** `update` brings deltas up to `version`; those that this session pushed only where others' came with them. */
  onUpdate(update: Uint8Array, version: number): void;
  /** What the caller may do changed, see LiveDocument.readOnly. */
  onAccess?(readOnly: boolean): void;
  /** The session was ended by the engine (deleted, revoked, expired, draining, failed). Nothing follows. */
  onClose(error: Error): void;
}

/** Told of every commit this process made, once it is durable. Must not throw or wait. */
export interface CommitListener {
  onCommitted(commit: Commit): void;
}

/** Other processes' commits, by NATS core. Lossy by nature; the engine fills holes from the log (G5). */
export interface LiveChannel {
  /** Tells the other processes. */
  announce(commit: Commit): void;
  /** Messages are handed over as they come. `onHint`: there is a commit which did not fit a message; the log has it. */
  subscribe(blobId: string, onCommit: (commit: Commit) => void, onHint: () => void): () => void;
  /** False while messages may be getting lost. */
  readonly healthy: boolean;
}
