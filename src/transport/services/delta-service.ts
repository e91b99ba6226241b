import { DeltaView } from '../../gen/memmie/studio/v1/delta_pb.ts';
import { callerOf } from '../caller-context.ts';
import { blobMessage } from '../mapping/blob.ts';
import { deltaMessage, deltaPage } from '../mapping/delta.ts';
import { numberOf } from '../mapping/number.ts';
import { patchOf } from '../mapping/patch.ts';
import type { ServiceImpl } from '@connectrpc/connect';
import type { Documents } from '../../documents/contract.ts';
import type { DeltaService } from '../../gen/memmie/studio/v1/delta_service_pb.ts';

export function createDeltaService(documents: Documents): Partial<ServiceImpl<typeof DeltaService>> {
  return {
    async applyDelta(request, context) {
      const { delta, blob } = await documents.applyDelta(callerOf(context), {
        blobId: request.blobId,
        fromVersion: request.fromVersion === undefined ? undefined : numberOf(request.fromVersion, 'from_version'),
        previousDelta: request.previousDelta || undefined,
        causedBy: request.causedBy || undefined,
        requestId: request.requestId || undefined,
        patch: patchOf(request),
      });
      return { delta: deltaMessage(delta, false), blob: blobMessage(blob) };
    },

    async getDelta(request, context) {
      const delta = await documents.getDelta(callerOf(context), request.id);
      return { delta: deltaMessage(delta, request.view !== DeltaView.METADATA) };
    },

    async listDeltas(request, context) {
      const { items, nextPageToken } = await documents.listDeltas(callerOf(context), {
        blobId: request.blobId,
        afterVersion: numberOf(request.afterVersion, 'after_version'),
        newestFirst: request.newestFirst,
        pageSize: request.pageSize,
        pageToken: request.pageToken,
      });
      return { deltas: deltaPage(items, request.view), nextPageToken };
    },
  };
}
