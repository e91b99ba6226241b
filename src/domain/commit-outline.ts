/** What is told of a commit: who changed which blob, and to which version. It has no bytes, so many can wait. */
import { isIdle, type Commit, type Delta } from './delta.ts';

export interface DeltaOutline extends Pick<
  Delta,
  'id' | 'toVersion' | 'userId' | 'providerId' | 'operation' | 'causedBy' | 'appliedAt'
> {
  readonly isIdle?: boolean;
}

export interface CommitOutline extends Pick<
  Commit,
  'blobId' | 'firstSeq' | 'lastSeq' | 'committerSeq' | 'owner' | 'contentType' | 'rootId'
> {
  readonly deltas: readonly DeltaOutline[];
}

export function outlineOf(commit: Commit): CommitOutline {
  const { blobId, firstSeq, lastSeq, committerSeq, owner, contentType, rootId } = commit;
  const deltas = commit.deltas.map((delta): DeltaOutline => ({
    id: delta.id,
    toVersion: delta.toVersion,
    userId: delta.userId,
    providerId: delta.providerId,
    operation: delta.operation,
    causedBy: delta.causedBy,
    appliedAt: delta.appliedAt,
    isIdle: isIdle(delta) || undefined,
  }));
  return { blobId, firstSeq, lastSeq, committerSeq, owner, contentType, rootId, deltas };
}
