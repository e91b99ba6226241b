/** AccessService: owners let others in, change what they may do, and shut them out. */
import type { AccessList, Grant } from '../domain/access/access-list.ts';
import { authorize, storageUnavailable } from '../domain/access/access.ts';
import type { BlobAccess, Lineage } from '../domain/access/blob-access.ts';
import type { Caller } from '../domain/access/caller.ts';
import { decodePageToken, effectivePageSize, encodePageToken } from '../domain/page-token.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { Role } from '../domain/access/role.ts';
import { StudioError } from '../errors.ts';
import { ACCESS_RACES_MAX } from '../limits.ts';
import { accessBucket } from '../storage/access-epochs.ts';
import type { AccessControl, AccessHints, Sharing } from './contract.ts';

export interface SharingParts {
  readonly store: {
    lineages(blobIds: readonly string[]): Promise<readonly Lineage[]>;
    replace(lineage: Lineage, list: AccessList): Promise<boolean>;
  };
  readonly epochs: { increment(bucket: number): Promise<void> };
  /** `readNow` never answers from memory: what is compared and set must be what is stored. */
  readonly access: AccessControl & { readNow(blobId: string): Promise<BlobAccess>; catchUp(): Promise<void> };
  readonly hints: AccessHints;
}

export class BlobSharing implements Sharing {
  readonly #parts: SharingParts;

  constructor(parts: SharingParts) {
    this.#parts = parts;
  }

  /** A repeat changes nothing, and answers with the grant as it was first made. */
  async grant(caller: Caller, request: { blobId: string; userId: string; role: Role }): Promise<Grant> {
    const { blobId, userId, role } = request;
    const grant: Grant = { userId, role, grantedBy: caller.userId, grantedAt: new Date() };
    const list = await this.#change(blobId, (access) => {
      authorize(caller, 'share', access);
      return access.list.granting(blobId, grant);
    });
    return list.grantOf(userId) ?? grant;
  }

  /** Also of oneself, whatever one's role: anybody may leave, but the last owner. */
  async revoke(caller: Caller, { blobId, userId }: { blobId: string; userId: string }): Promise<void> {
    await this.#change(blobId, (access) => {
      authorize(caller, userId === caller.userId ? 'read' : 'share', access);
      return access.list.revoking(blobId, userId);
    });
  }

  async list(caller: Caller, blobId: string, page: PageRequest): Promise<Page<Grant>> {
    const access = await this.#parts.access.authorize(caller, 'list_access', blobId);
    const query = { blobId, of: 'access' };
    const size = effectivePageSize(page.pageSize);
    const after = decodePageToken(query, page.pageToken);
    const rest = access.grants().filter(({ userId }) => typeof after !== 'string' || userId > after);
    const items = rest.slice(0, size);
    return { items, nextPageToken: rest.length > size ? encodePageToken(query, items.at(-1)?.userId) : '' };
  }

  /**
   * Compare and set, each time on what is stored then: of two owners who shut each other out at once the second finds
   * itself shut out, and the blob is never without one. The change is stored first and counted after, also by a repeat
   * of a call that died between the two.
   */
  async #change(blobId: string, change: (access: BlobAccess) => AccessList): Promise<AccessList> {
    const { store, access, epochs, hints } = this.#parts;
    for (let races = 0; races <= ACCESS_RACES_MAX; races++) {
      const current = await access.readNow(blobId);
      const next = change(current);
      try {
        if (next !== current.list) {
          const [lineage] = await store.lineages([blobId]);
          if (!lineage || !(await store.replace(lineage, next))) continue;
        }
        await epochs.increment(accessBucket(blobId));
      } catch (error) {
        throw storageUnavailable(error);
      }
      hints.announce();
      await access.catchUp();
      return next;
    }
    throw new StudioError('LIMIT_EXCEEDED', 'Access to this blob is being changed by too many at once.', {
      limit: 'ACCESS_RACES_MAX',
    });
  }
}
