import { create } from '@bufbuild/protobuf';
import { StudioError } from '../../errors.ts';
import { AccessGrantSchema, Role as RoleMessage } from '../../gen/memmie/studio/v1/access_pb.ts';
import { timestampOf } from './time.ts';
import type { Grant } from '../../domain/access/access-list.ts';
import type { Role } from '../../domain/access/role.ts';
import type { AccessGrant } from '../../gen/memmie/studio/v1/access_pb.ts';

const ROLES: Readonly<Record<Role, RoleMessage>> = {
  owner: RoleMessage.OWNER,
  editor: RoleMessage.EDITOR,
  viewer: RoleMessage.VIEWER,
};

export function grantMessage(blobId: string, grant: Grant): AccessGrant {
  const { userId, role, grantedBy, grantedAt } = grant;
  return create(AccessGrantSchema, {
    blobId,
    userId,
    role: ROLES[role],
    grantedBy,
    grantedAt: timestampOf(grantedAt),
  });
}

/** Throws FIELD_INVALID for a role that is not one. */
export function roleOf(message: RoleMessage): Role {
  for (const [role, known] of Object.entries(ROLES)) if (known === message) return role as Role;
  throw new StudioError('FIELD_INVALID', 'role is not one that this studio knows.', {
    field: 'role',
    rule: 'enum.defined_only',
  });
}
