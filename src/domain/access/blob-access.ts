/**
 * Who may do what with one blob, all things considered. What a provider made shows what it was made from, so it is
 * readable by those who may read every one of its sources, and by nobody else, whatever was granted on it (G8): a user's
 * role there is the lowest of those on its sources. A grant on it can only raise that.
 */
import type { AccessList, Grant } from './access-list.ts';
import type { Accessible } from './access.ts';
import type { Blob } from '../blob.ts';
import { higherOf, lowerOf, type Role } from './role.ts';

/** What never changes about a blob and decides whose lists count. */
export interface Lineage {
  readonly blobId: string;
  readonly owner: string;
  readonly createdAt: Date;
  /** What a provider made it from; empty for what a person made, parents or not. */
  readonly inputs: readonly string[];
}

export class BlobAccess implements Accessible {
  readonly blobId: string;
  readonly list: AccessList;
  /** Those of the blobs by people at the upper end of a derived blob's lineage. Empty for what a person made. */
  readonly sources: readonly AccessList[];

  constructor(blobId: string, list: AccessList, sources: readonly AccessList[]) {
    this.blobId = blobId;
    this.list = list;
    this.sources = sources;
  }

  roleOf(userId: string): Role | undefined {
    const own = this.list.roleOf(userId);
    if (this.sources.length === 0) return own;
    let lowest: Role = 'owner';
    for (const source of this.sources) {
      const role = source.roleOf(userId);
      if (!role) return undefined;
      lowest = lowerOf(lowest, role);
    }
    return own ? higherOf(own, lowest) : lowest;
  }

  /** Everybody who may read it, each with the role they have in the end; ascending by user id. */
  grants(): Grant[] {
    const named = new Map<string, Grant>();
    for (const list of [...this.sources, this.list]) for (const grant of list.grants) named.set(grant.userId, grant);
    const grants: Grant[] = [];
    for (const [userId, grant] of named) {
      const role = this.roleOf(userId);
      if (role) grants.push({ ...grant, role });
    }
    return grants.sort((a, b) => (a.userId < b.userId ? -1 : 1));
  }
}

export function lineageOf(blob: {
  readonly id: string;
  readonly owner: string;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly parentIds: readonly string[];
}): Lineage {
  const inputs = blob.createdBy === 'user' ? [] : blob.parentIds;
  return { blobId: blob.id, owner: blob.owner, createdAt: blob.createdAt, inputs };
}

export function lineageOfBlob(blob: Blob): Lineage {
  return lineageOf({ ...blob, owner: blob.userId });
}
