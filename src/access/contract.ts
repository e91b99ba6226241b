/** Who may do what: asked by everything that shows or changes a blob, and changed by its owners (G8). */
import type { Grant } from '../domain/access/access-list.ts';
import type { Action } from '../domain/access/access.ts';
import type { BlobAccess, Lineage } from '../domain/access/blob-access.ts';
import type { Caller } from '../domain/access/caller.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { Role } from '../domain/access/role.ts';

/** A blob by its id alone, or with what the asker knows of it already, which saves reading that. */
export type Named = string | Lineage;

export interface AccessControl {
  /**
   * From memory, if that is known to be what was stored a moment ago; undefined if this process can't tell, and then
   * nothing new of the blob may be shown to anyone.
   */
  known(blobId: string): BlobAccess | undefined;
  /** `known`, or else read. A blob that does not exist is accessible to nobody. Rejects with STORAGE_UNAVAILABLE. */
  of(blob: Named): Promise<BlobAccess>;
  /** As `of`, for many at once; ids that do not exist are left out. */
  many(blobs: readonly Named[]): Promise<ReadonlyMap<string, BlobAccess>>;
  /** As `of`, but waits until the database answers. Rejects when `signal` aborts or the process stops. */
  settled(blob: Named, signal?: AbortSignal): Promise<BlobAccess>;
  /**
   * Lets the caller pass, or throws BLOB_NOT_FOUND or ACCESS_DENIED. Costs no query while the access is known and
   * allows it; a refusal is given only on what is stored now, so that a grant counts at once and everywhere.
   */
  authorize(caller: Pick<Caller, 'userId'>, action: Action, blob: Named): Promise<BlobAccess>;
  /** Keeps the blob's access known, and calls back whenever it may have changed, until told to stop. */
  follow(blobId: string, onChange: () => void): () => void;
}

export interface Sharing {
  grant(caller: Caller, request: { blobId: string; userId: string; role: Role }): Promise<Grant>;
  revoke(caller: Caller, request: { blobId: string; userId: string }): Promise<void>;
  list(caller: Caller, blobId: string, page: PageRequest): Promise<Page<Grant>>;
}

/** That somebody was let in to a blob, or shut out of it. */
export interface ChangedAccess {
  readonly blobId: string;
  readonly changedAt: Date;
}

/** Tells other processes to look at the counters now instead of at the next tick. Lossy; nothing depends on it. */
export interface AccessHints {
  announce(): void;
  onHint(listener: () => void): void;
}
