import { StudioError } from '../../errors.ts';
import type { Caller } from './caller.ts';
import type { Role } from './role.ts';

/**
 * What somebody may want to do with a blob: `write` is any change of content or labels, `share` granting and revoking
 * access, `list_access` seeing who has it.
 */
export type Action = 'read' | 'list_access' | 'write' | 'delete' | 'undelete' | 'share';

const ALLOWED: Readonly<Record<Role, ReadonlySet<Action>>> = {
  owner: new Set<Action>(['read', 'list_access', 'write', 'delete', 'undelete', 'share']),
  editor: new Set<Action>(['read', 'list_access', 'write']),
  viewer: new Set<Action>(['read', 'list_access']),
};

/** What the authorizer needs to know of a blob: see blob-access.ts. */
export interface Accessible {
  readonly blobId: string;
  roleOf(userId: string): Role | undefined;
}

/**
 * G8: the one place that decides who may do what to a blob, whatever door the call came through. A blob that the
 * caller may not read answers exactly as one that does not exist.
 */
export function authorize(caller: Pick<Caller, 'userId'>, action: Action, blob: Accessible): void {
  const role = blob.roleOf(caller.userId);
  if (!role) throw blobNotFound(blob.blobId);
  if (!ALLOWED[role].has(action)) throw accessDenied(blob.blobId, action, role);
}

export function allows(blob: Accessible, caller: Pick<Caller, 'userId'>, action: Action): boolean {
  const role = blob.roleOf(caller.userId);
  return role !== undefined && ALLOWED[role].has(action);
}

export function mayRead(caller: Pick<Caller, 'userId'>, blob: Accessible): boolean {
  return blob.roleOf(caller.userId) !== undefined;
}

export function blobNotFound(id: string): StudioError {
  return new StudioError('BLOB_NOT_FOUND', `There is no blob "${id}", or it is not yours.`, { blob_id: id });
}

function accessDenied(id: string, action: Action, role: Role): StudioError {
  const what = action === 'share' ? 'say who may use it' : action === 'write' ? 'change it' : `${action} it`;
  return new StudioError('ACCESS_DENIED', `As a ${role} of blob "${id}" you may not ${what}.`, {
    blob_id: id,
    action,
    role,
  });
}

export function blobAlreadyExists(id: string): StudioError {
  return new StudioError('BLOB_ALREADY_EXISTS', `There is a blob "${id}" already.`, { blob_id: id });
}

export function parentNotFound(id: string): StudioError {
  return new StudioError('PARENT_NOT_FOUND', `There is no blob "${id}" to be a parent, or it is not yours.`, {
    parent_id: id,
  });
}

/** What ends the sessions of somebody who was let in and is no more. */
export function accessRevoked(id: string): StudioError {
  return new StudioError('ACCESS_DENIED', `You may no longer read blob "${id}".`, { blob_id: id, action: 'read' });
}

export function blobDeleted(id: string): StudioError {
  return new StudioError('BLOB_DELETED', `Blob "${id}" is deleted.`, { blob_id: id });
}

export function versionNotFound(blobId: string, version: number, head: number): StudioError {
  return new StudioError('VERSION_NOT_FOUND', `Blob "${blobId}" has versions 1 to ${head}.`, {
    blob_id: blobId,
    version: String(version),
  });
}

export function etagMismatch(id: string): StudioError {
  return new StudioError('ETAG_MISMATCH', 'The blob has changed since that etag.', { blob_id: id });
}

export function storageUnavailable(cause: unknown): StudioError {
  return new StudioError(
    'STORAGE_UNAVAILABLE',
    'The database does not answer; try again with the same request_id.',
    {},
    { cause },
  );
}
