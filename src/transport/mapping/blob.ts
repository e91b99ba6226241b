import { create } from '@bufbuild/protobuf';
import { BlobSchema, BlobView, ProcessedSchema } from '../../gen/memmie/studio/v1/blob_pb.ts';
import { BlobScope } from '../../gen/memmie/studio/v1/blob_service_pb.ts';
import { derivationMessage } from './derivation.ts';
import { executionStatus } from './execution.ts';
import { receiptMessage } from './receipt.ts';
import { timestampOf } from './time.ts';
import type { ListBlobs } from '../../documents/contract.ts';
import type { BlobWithContent, Processed } from '../../domain/blob.ts';
import type { Blob as BlobMessage, Processed as ProcessedMessage } from '../../gen/memmie/studio/v1/blob_pb.ts';

/** Content and its hash are in the message where they are in the blob. */
export function blobMessage(blob: BlobWithContent): BlobMessage {
  return create(BlobSchema, {
    id: blob.id,
    userId: blob.userId,
    content: blob.content,
    contentHash: blob.contentHash,
    contentType: blob.contentType,
    size: BigInt(blob.size),
    version: BigInt(blob.version),
    parentIds: [...blob.parentIds],
    rootId: blob.rootId,
    depth: blob.depth,
    createdBy: blob.createdBy,
    processedBy: Object.fromEntries(Object.entries(blob.processedBy).map(([id, done]) => [id, processedMessage(done)])),
    labels: { ...blob.labels },
    etag: blob.etag,
    createdAt: timestampOf(blob.createdAt),
    updatedAt: timestampOf(blob.updatedAt),
    deletedAt: timestampOf(blob.deletedAt),
    derivedFrom: blob.derivedFrom && derivationMessage(blob.derivedFrom),
    contentVersion: BigInt(blob.contentVersion),
  });
}

function processedMessage(processed: Processed): ProcessedMessage {
  return create(ProcessedSchema, {
    executionId: processed.executionId,
    inputs: processed.inputs.map(receiptMessage),
    processedAt: timestampOf(processed.at),
    status: executionStatus(processed.status),
  });
}

/** Where one blob is read, its content comes along unless it is not wanted. */
export function readsContent(view: BlobView): boolean {
  return view !== BlobView.METADATA;
}

export function blobScopeOf(scope: BlobScope): ListBlobs['scope'] {
  if (scope === BlobScope.SHARED) return 'shared';
  return scope === BlobScope.ALL ? 'all' : 'own';
}

/** In lists content comes only where it is asked for. */
export function listsContent(view: BlobView): boolean {
  return view === BlobView.FULL;
}
