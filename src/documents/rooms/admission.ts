import type { AccessControl } from '../../access/contract.ts';
import { blobNotFound, storageUnavailable, type Action } from '../../domain/access/access.ts';
import type { BlobAccess } from '../../domain/access/blob-access.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { COMMIT_RETRY_MS_MAX } from '../../limits.ts';
import type { RoomState } from '../memory/room-state.ts';

/** G8: lets the caller pass, or throws BLOB_NOT_FOUND or ACCESS_DENIED. No query while that is known. */
export async function admit(
  access: AccessControl,
  state: Pick<RoomState, 'blobId' | 'version' | 'lineage'>,
  { caller, action }: { readonly caller: Caller; readonly action: Action },
): Promise<BlobAccess> {
  const { blobId } = state;
  if (state.version === 0) throw blobNotFound(blobId);
  // Of a blob without a first delta there is none.
  const { lineage } = state;
  // A change waits for the database as long as its commit would; who only reads is told at once.
  if (action !== 'read' && !access.known(blobId)) {
    await access.settled(lineage, AbortSignal.timeout(COMMIT_RETRY_MS_MAX)).catch((error: unknown) => {
      throw storageUnavailable(error);
    });
  }
  return access.authorize(caller, action, lineage);
}
