import { StudioError } from '../../errors.ts';
import { blobNotFound } from '../../domain/access/access.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import { requireId } from '../../domain/ids.ts';
import type { Caller } from '../../domain/access/caller.ts';
import type { LiveDocument, LiveSession } from '../../documents/contract.ts';
import type { EditorHub } from './editor-hub.ts';

/**
 * Opens the blob of that id; with `createType`, makes it first if there is none. Two who come first at the same moment
 * get the same blob: the second finds the first one's. Rejects as `Documents.open` does, with CONTENT_TYPE_UNSUPPORTED
 * for a type that is not edited live, and with BLOB_NOT_FOUND for a name that can't be an id.
 */
export async function openOrCreate(
  hub: EditorHub,
  caller: Caller,
  blobId: string,
  session: LiveSession,
  createType: string | undefined = hub.createType,
): Promise<LiveDocument> {
  try {
    requireId(blobId, 'blob_id');
  } catch {
    throw blobNotFound(blobId.slice(0, 64));
  }
  try {
    return await hub.engine.open(caller, blobId, session);
  } catch (error) {
    if (createType === undefined || !isReason(error, 'BLOB_NOT_FOUND')) throw error;
  }
  try {
    const [contentType, content] = [createType, emptyContent(createType)];
    await hub.engine.createBlob(caller, { id: blobId, contentType, content, parentIds: [], labels: {} });
  } catch (error) {
    if (!isReason(error, 'BLOB_ALREADY_EXISTS')) throw error;
  }
  return hub.engine.open(caller, blobId, session);
}

function emptyContent(contentType: string): Uint8Array {
  const shape = shapeOf(contentType);
  if (shape === 'binary')
    throw new StudioError('CONTENT_TYPE_UNSUPPORTED', `Content of type "${contentType}" is not edited live.`, {
      field: 'create',
    });
  return shape === 'json' ? Buffer.from('{}') : new Uint8Array(0);
}

function isReason(error: unknown, reason: StudioError['reason']): boolean {
  return error instanceof StudioError && error.reason === reason;
}
