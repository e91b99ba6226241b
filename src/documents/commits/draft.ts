/** How an intent becomes a delta, but for its place. */
import type { Base, Draft, Operation } from '../../domain/delta.ts';
import type { Authored, Intent } from './intent.ts';
import type { RoomState } from '../memory/room-state.ts';
import { storedPatch } from './stored-patch.ts';

/** What an intent came to. */
type Made = Pick<Draft, 'updates' | 'authoredWith' | 'genesis' | 'derivation' | 'skippedHunks' | 'foundAlive'> &
  Partial<Pick<Draft, 'chainLength' | 'newClients' | 'patch'>>;

/** All fields one by one, those without a value too: drafts of one shape. */
export function draftOf(intent: Intent, operation: Operation, base: Base, made: Made): Draft {
  const { work } = intent;
  return {
    userId: intent.userId,
    providerId: intent.providerId,
    operation,
    patch: made.patch ?? storedPatch(work),
    updates: made.updates,
    base,
    previousDelta: work.kind === 'patch' ? work.previousDelta : undefined,
    chainLength: made.chainLength ?? 1,
    causedBy: intent.causedBy,
    reverts: undefined,
    copies: undefined,
    requestId: intent.requestId,
    newClients: made.newClients ?? NONE,
    authoredWith: made.authoredWith,
    genesis: made.genesis,
    derivation: made.derivation,
    skippedHunks: made.skippedHunks,
    foundAlive: made.foundAlive,
    createdAt: intent.receivedAt,
  };
}

const NONE: readonly number[] = [];

export function newClientsOf(authored: Authored, state: RoomState): number[] {
  return state.owners.has(authored.clientId) ? [] : [authored.clientId];
}
