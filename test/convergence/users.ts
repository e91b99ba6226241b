/** Who the clients of the rounds are: who made the blob, and who was let in to edit it. */
export const OWNER = 'ann';
export const EDITOR = 'ben';
export const USERS = [OWNER, EDITOR] as const;
