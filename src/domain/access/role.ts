/** What a user may do with a blob; each role includes the ones after it. */
export type Role = 'owner' | 'editor' | 'viewer';

const RANKS: Readonly<Record<Role, number>> = { viewer: 1, editor: 2, owner: 3 };

export function lowerOf(a: Role, b: Role): Role {
  return RANKS[a] <= RANKS[b] ? a : b;
}

export function higherOf(a: Role, b: Role): Role {
  return RANKS[a] >= RANKS[b] ? a : b;
}
