import { grantMessage, roleOf } from '../mapping/access.ts';
import { callerOf } from '../auth/caller-context.ts';
import type { ServiceImpl } from '@connectrpc/connect';
import type { Sharing } from '../../access/contract.ts';
import type { AccessService } from '../../gen/memmie/studio/v1/access_service_pb.ts';

export function createAccessService(sharing: Sharing): Partial<ServiceImpl<typeof AccessService>> {
  return {
    async grantAccess({ blobId, userId, role }, context) {
      const grant = await sharing.grant(callerOf(context), { blobId, userId, role: roleOf(role) });
      return { grant: grantMessage(blobId, grant) };
    },

    async revokeAccess({ blobId, userId }, context) {
      await sharing.revoke(callerOf(context), { blobId, userId });
      return {};
    },

    async listAccess({ blobId, pageSize, pageToken }, context) {
      const page = await sharing.list(callerOf(context), blobId, { pageSize, pageToken });
      return { grants: page.items.map((grant) => grantMessage(blobId, grant)), nextPageToken: page.nextPageToken };
    },
  };
}
