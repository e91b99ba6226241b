import { DeltaView } from '../../gen/memmie/studio/v1/delta_pb.ts';
import { callerOf } from '../auth/caller-context.ts';
import { blobMessage } from '../mapping/blob.ts';
import { deltaMessage, deltaPage } from '../mapping/delta.ts';
import { numberOf } from '../mapping/number.ts';
import { patchOf } from '../mapping/patch.ts';
import {
  appliedMessage,
  applyDeltaOf,
  provenanceOf,
  streamedDeltas,
  streamedMessage,
} from '../mapping/applied-delta.ts';
import type { ServiceImpl } from '@connectrpc/connect';
import type { Documents } from '../../documents/contract.ts';
import type { DeltaService } from '../../gen/memmie/studio/v1/delta_service_pb.ts';
import type { RequestValidation } from '../rpc/validation.ts';

export function createDeltaService(
  documents: Documents,
  validation: Pick<RequestValidation, 'validate'>,
): Partial<ServiceImpl<typeof DeltaService>> {
  return {
    async applyDelta(request, context) {
      return appliedMessage(await documents.applyDelta(callerOf(context), applyDeltaOf(request)));
    },

    async *applyDeltas(requests, context) {
      const outcomes = documents.applyDeltas(callerOf(context), streamedDeltas(requests, validation));
      for await (const { reference, outcome } of outcomes) yield streamedMessage(reference, outcome);
    },

    async batchApplyDeltas(request, context) {
      const { blob, deltas } = await documents.batchApplyDeltas(callerOf(context), {
        blobId: request.blobId,
        ...provenanceOf(request),
        patches: request.patches.map(patchOf),
      });
      return { deltas: deltas.map((delta) => deltaMessage(delta, false)), blob: blobMessage(blob) };
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
