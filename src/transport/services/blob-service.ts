import { normalizeContentType } from '../../domain/content/shape.ts';
import { blobMessage, blobScopeOf, listsContent, readsContent } from '../mapping/blob.ts';
import { contentFormatOf } from '../mapping/content-format.ts';
import { deltaMessage } from '../mapping/delta.ts';
import { numberOf } from '../mapping/number.ts';
import { revertTargetOf } from '../mapping/revert.ts';
import { callerOf } from '../auth/caller-context.ts';
import { versionCalls } from './version-calls.ts';
import type { ServiceImpl } from '@connectrpc/connect';
import type { Documents } from '../../documents/contract.ts';
import type { BlobService } from '../../gen/memmie/studio/v1/blob_service_pb.ts';

export function createBlobService(documents: Documents): Partial<ServiceImpl<typeof BlobService>> {
  return {
    async createBlob(request, context) {
      const { blob, delta } = await documents.createBlob(callerOf(context), {
        id: request.id || undefined,
        content: request.content,
        contentType: request.contentType,
        parentIds: request.parentIds,
        labels: request.labels,
        requestId: request.requestId || undefined,
      });
      return { blob: blobMessage(blob), delta: deltaMessage(delta, false) };
    },

    async getBlob(request, context) {
      const version = request.version === undefined ? undefined : numberOf(request.version, 'version');
      const withContent = readsContent(request.view);
      const format = contentFormatOf(request.contentFormat);
      const blob = await documents.getBlob(callerOf(context), request.id, { version, withContent, format });
      return { blob: blobMessage(blob) };
    },

    async listBlobs(request, context) {
      const { items, nextPageToken } = await documents.listBlobs(callerOf(context), {
        pageSize: request.pageSize,
        pageToken: request.pageToken,
        withContent: listsContent(request.view),
        // As blobs keep it, however it is spelled.
        contentType: request.contentType ? normalizeContentType(request.contentType) : undefined,
        labels: request.labels,
        rootId: request.rootId || undefined,
        parentId: request.parentId || undefined,
        showDeleted: request.showDeleted,
        scope: blobScopeOf(request.scope),
      });
      return { blobs: items.map(blobMessage), nextPageToken };
    },

    async updateBlob(request, context) {
      const { blob, delta } = await documents.updateBlob(callerOf(context), {
        id: request.id,
        content: request.content,
        fromVersion: request.fromVersion === undefined ? undefined : numberOf(request.fromVersion, 'from_version'),
        labels: request.labels?.values,
        etag: request.etag || undefined,
        requestId: request.requestId || undefined,
      });
      return { blob: blobMessage(blob), delta: delta && deltaMessage(delta, false) };
    },

    async deleteBlob(request, context) {
      const { blob, delta } = await documents.deleteBlob(callerOf(context), request.id, {
        etag: request.etag || undefined,
        requestId: request.requestId || undefined,
      });
      return { blob: blobMessage(blob), delta: deltaMessage(delta, false) };
    },

    async undeleteBlob(request, context) {
      const { blob, delta } = await documents.undeleteBlob(callerOf(context), request.id, {
        etag: request.etag || undefined,
        requestId: request.requestId || undefined,
      });
      return { blob: blobMessage(blob), delta: deltaMessage(delta, false) };
    },

    async revertBlob(request, context) {
      const { blob, delta } = await documents.revertBlob(callerOf(context), {
        blobId: request.blobId,
        target: revertTargetOf(request),
        fromVersion: request.fromVersion === undefined ? undefined : numberOf(request.fromVersion, 'from_version'),
        etag: request.etag || undefined,
        requestId: request.requestId || undefined,
      });
      return { blob: blobMessage(blob), delta: deltaMessage(delta, false) };
    },

    ...versionCalls(documents),
  };
}
