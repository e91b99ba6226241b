/** The calls of BlobService that read a blob's history and name its versions. */
import { callerOf } from '../auth/caller-context.ts';
import { attributedMessage, grainOf } from '../mapping/attribution.ts';
import { blobMessage, readsContent } from '../mapping/blob.ts';
import { contentFormatOf } from '../mapping/content-format.ts';
import { numberOf } from '../mapping/number.ts';
import { operationFrom } from '../mapping/operation.ts';
import { dateAtOrAfter } from '../mapping/time.ts';
import { contentDiffMessage, namedVersionMessage, versionGroupMessage, versionPointOf } from '../mapping/version.ts';
import type { ServiceImpl } from '@connectrpc/connect';
import type { Documents } from '../../documents/contract.ts';
import type { BlobService } from '../../gen/memmie/studio/v1/blob_service_pb.ts';

export function versionCalls(documents: Documents): Partial<ServiceImpl<typeof BlobService>> {
  return {
    async listVersions(request, context) {
      const { items, nextPageToken } = await documents.listVersions(callerOf(context), {
        blobId: request.blobId,
        pageSize: request.pageSize,
        pageToken: request.pageToken,
        userId: request.userId || undefined,
        providerId: request.providerId || undefined,
        operations: request.operations.flatMap((operation) => operationFrom(operation) ?? []),
        after: request.after && dateAtOrAfter(request.after, 'after'),
        // Times are whole milliseconds: before a moment is before the first of them that is not.
        before: request.before && dateAtOrAfter(request.before, 'before'),
        namedOnly: request.namedOnly,
      });
      return { versions: items.map(versionGroupMessage), nextPageToken };
    },

    async getVersion(request, context) {
      const blob = await documents.getVersion(callerOf(context), request.blobId, versionPointOf(request), {
        withContent: readsContent(request.view),
        format: contentFormatOf(request.contentFormat),
      });
      return { blob: blobMessage(blob) };
    },

    async diffVersions(request, context) {
      const { fromVersion, toVersion, difference } = await documents.diffVersions(callerOf(context), {
        blobId: request.blobId,
        fromVersion: numberOf(request.fromVersion, 'from_version'),
        toVersion: request.toVersion === undefined ? undefined : numberOf(request.toVersion, 'to_version'),
      });
      return {
        diff: contentDiffMessage(difference),
        fromVersion: BigInt(fromVersion),
        toVersion: BigInt(toVersion),
      };
    },

    async getAttribution(request, context) {
      const { version, items, nextPageToken } = await documents.getAttribution(callerOf(context), {
        blobId: request.blobId,
        version: request.version === undefined ? undefined : numberOf(request.version, 'version'),
        grain: grainOf(request.grain),
        pageSize: request.pageSize,
        pageToken: request.pageToken,
      });
      return { version: BigInt(version), ranges: items.map(attributedMessage), nextPageToken };
    },

    async nameVersion(request, context) {
      const version = numberOf(request.version, 'version');
      const named = await documents.nameVersion(callerOf(context), request.blobId, version, request.name);
      return { namedVersion: namedVersionMessage(named) };
    },

    async unnameVersion(request, context) {
      await documents.unnameVersion(callerOf(context), request.blobId, numberOf(request.version, 'version'));
      return {};
    },

    async listNamedVersions(request, context) {
      const { blobId, pageSize, pageToken } = request;
      const page = await documents.listNamedVersions(callerOf(context), blobId, { pageSize, pageToken });
      return { namedVersions: page.items.map(namedVersionMessage), nextPageToken: page.nextPageToken };
    },
  };
}
