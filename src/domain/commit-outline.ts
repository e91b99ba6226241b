/** What is told of a commit: who changed which blob, and to which version. It has no bytes, so many can wait. */
import type { Commit, Delta } from './delta.ts';

export type DeltaOutline = Pick<
  Delta,
  'id' | 'toVersion' | 'userId' | 'providerId' | 'operation' | 'causedBy' | 'appliedAt'
>;

export interface CommitOutline extends Pick<
  Commit,
  'blobId' | 'firstSeq' | 'lastSeq' | 'committerSeq' | 'owner' | 'contentType' | 'rootId'
> {
  readonly deltas: readonly DeltaOutline[];
}

export function outlineOf(commit: Commit): CommitOutline {
  const { blobId, firstSeq, lastSeq, committerSeq, owner, contentType, rootId } = commit;
  const deltas = commit.deltas.map(
    ({ id, toVersion, userId, providerId, operation, causedBy, appliedAt }): DeltaOutline => ({
      id,
      toVersion,
      userId,
      providerId,
      operation,
      causedBy,
      appliedAt,
    }),
  );
  return { blobId, firstSeq, lastSeq, committerSeq, owner, contentType, rootId, deltas };
}
