import { StudioError } from '../errors.ts';
import type { Caller } from './caller.ts';

export type Action = 'read' | 'write' | 'delete';

/**
 * G8: the one place that decides who may do what to a blob, whatever door the call came through. A blob that the
 * caller may not read answers exactly as one that does not exist.
 */
export function authorize(
  caller: Caller,
  _action: Action,
  blob: { readonly id: string; readonly owner: string },
): void {
  if (caller.userId === blob.owner) return;
  throw blobNotFound(blob.id);
}

export function mayRead(caller: Caller, owner: string): boolean {
  return caller.userId === owner;
}

export function blobNotFound(id: string): StudioError {
  return new StudioError('BLOB_NOT_FOUND', `There is no blob "${id}", or it is not yours.`, { blob_id: id });
}

export function blobDeleted(id: string): StudioError {
  return new StudioError('BLOB_DELETED', `Blob "${id}" is deleted.`, { blob_id: id });
}

export function storageUnavailable(cause: unknown): StudioError {
  return new StudioError(
    'STORAGE_UNAVAILABLE',
    'The database does not answer; try again with the same request_id.',
    {},
    { cause },
  );
}
