/** What rides along the log beside the content: what a head needs, and whose each Yjs client id is. */
import type { Derivation } from '../../domain/blob.ts';
import { isIdle, type Commit, type Delta, type Genesis } from '../../domain/delta.ts';
import { StudioError } from '../../errors.ts';

/** What of a head changes with the deltas, as of a version. */
export interface Facts {
  readonly contentVersion: number;
  readonly updatedAt: Date;
  readonly deletedAt?: Date;
  readonly derivedFrom?: Derivation;
}

/** What delta 1 and its commit say of the blob. */
export interface Origin {
  readonly owner: string;
  readonly createdAt: Date;
  readonly genesis: Genesis;
}

/** Stands for the server as the owner of a client id that it minted. */
export const SERVER_OWNED = '';

export const NO_FACTS: Facts = { contentVersion: 0, updatedAt: new Date(0) };

/** What they are after these deltas, which follow one another. */
export function factsAfter(facts: Facts, deltas: readonly Delta[]): Facts {
  let { contentVersion, updatedAt, deletedAt, derivedFrom } = facts;
  for (const delta of deltas) {
    const { operation, updates, toVersion, appliedAt, derivation } = delta;
    if (updates.length > 0) contentVersion = toVersion;
    if (!isIdle(delta)) updatedAt = appliedAt;
    // An edit that races a deletion commits, and the blob stays deleted.
    if (operation === 'delete') deletedAt = appliedAt;
    else if (operation === 'undelete') deletedAt = undefined;
    derivedFrom = derivation ?? derivedFrom;
  }
  return { contentVersion, updatedAt, deletedAt, derivedFrom };
}

/** Whose the client ids are that the delta writes with. */
export function authorOf(delta: Delta): string {
  return delta.authoredWith === undefined ? delta.userId : SERVER_OWNED;
}

/** G8: a client id belongs to whoever first committed with it. */
export function adoptClients(owners: Map<number, string>, delta: Delta): void {
  const owner = authorOf(delta);
  for (const client of delta.newClients) if (!owners.has(client)) owners.set(client, owner);
}

export function originOf(first: Commit): Origin {
  const delta = first.deltas[0];
  if (first.firstSeq !== 1 || !delta?.genesis)
    throw new StudioError('INTERNAL', `Delta 1 of blob "${first.blobId}" says nothing of it.`);
  return { owner: first.owner, createdAt: delta.createdAt, genesis: delta.genesis };
}
