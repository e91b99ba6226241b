/** Who was let in to one blob, as stored; a new list for each change, numbered, so that changes can be compared and set. */
import { StudioError } from '../../errors.ts';
import { GRANTS_PER_BLOB_MAX } from '../../limits.ts';
import type { Role } from './role.ts';

export interface Grant {
  readonly userId: string;
  readonly role: Role;
  readonly grantedBy: string;
  readonly grantedAt: Date;
}

export class AccessList {
  /** Counts changes; 0: nobody was ever granted or refused anything, and the creator owns the blob alone. */
  readonly version: number;
  readonly grants: readonly Grant[];
  readonly #roles: ReadonlyMap<string, Role>;

  constructor(version: number, grants: readonly Grant[]) {
    this.version = version;
    this.grants = grants;
    this.#roles = new Map(grants.map(({ userId, role }) => [userId, role]));
  }

  static ofCreator(userId: string, createdAt: Date): AccessList {
    return new AccessList(0, [{ userId, role: 'owner', grantedBy: userId, grantedAt: createdAt }]);
  }

  roleOf(userId: string): Role | undefined {
    return this.#roles.get(userId);
  }

  grantOf(userId: string): Grant | undefined {
    return this.grants.find((grant) => grant.userId === userId);
  }

  /** This very list if the user has that role already. Throws LAST_OWNER or LIMIT_EXCEEDED. */
  granting(blobId: string, grant: Grant): AccessList {
    const known = this.grantOf(grant.userId);
    if (known?.role === grant.role) return this;
    if (!known && this.grants.length >= GRANTS_PER_BLOB_MAX) {
      throw new StudioError('LIMIT_EXCEEDED', `A blob is shared with at most ${GRANTS_PER_BLOB_MAX} users.`, {
        limit: 'GRANTS_PER_BLOB_MAX',
        blob_id: blobId,
      });
    }
    const others = this.grants.filter(({ userId }) => userId !== grant.userId);
    return this.#next(blobId, [...others, grant]);
  }

  /** This very list if the user is not in it. Throws LAST_OWNER. */
  revoking(blobId: string, userId: string): AccessList {
    if (!this.grantOf(userId)) return this;
    return this.#next(
      blobId,
      this.grants.filter((grant) => grant.userId !== userId),
    );
  }

  #next(blobId: string, grants: readonly Grant[]): AccessList {
    if (!grants.some(({ role }) => role === 'owner')) {
      throw new StudioError('LAST_OWNER', `Blob "${blobId}" would be left without an owner.`, { blob_id: blobId });
    }
    return new AccessList(this.version + 1, grants);
  }
}
