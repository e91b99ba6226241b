import { callerOf } from '../auth/caller-context.ts';
import { blobMessage } from '../mapping/blob.ts';
import { dagMessage } from '../mapping/dag.ts';
import type { ServiceImpl } from '@connectrpc/connect';
import type { Documents } from '../../documents/contract.ts';
import type { DagService } from '../../gen/memmie/studio/v1/dag_service_pb.ts';

export function createDagService(documents: Documents): Partial<ServiceImpl<typeof DagService>> {
  return {
    async getDag(request, context) {
      return { dag: dagMessage(await documents.getDag(callerOf(context), request.blobId)) };
    },

    async listChildren(request, context) {
      const { pageSize, pageToken } = request;
      const page = await documents.listChildren(callerOf(context), request.blobId, { pageSize, pageToken });
      return { blobs: page.items.map((blob) => blobMessage(blob)), nextPageToken: page.nextPageToken };
    },
  };
}
