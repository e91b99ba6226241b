/** How an intent becomes a delta, but for its place. */
import type { Base, Operation } from '../domain/delta.ts';
import type { Draft } from './batch.ts';
import type { Authored, Intent } from './intent.ts';
import type { RoomState } from './room-state.ts';
import { storedPatch } from './stored-patch.ts';

export function draftOf(
  intent: Intent,
  operation: Operation,
  base: Base,
  made: { readonly updates: readonly Uint8Array[]; readonly chainLength?: number },
): Draft {
  const { work } = intent;
  return {
    userId: intent.userId,
    providerId: intent.providerId,
    operation,
    patch: storedPatch(work),
    updates: made.updates,
    base,
    previousDelta: work.kind === 'patch' ? work.previousDelta : undefined,
    chainLength: made.chainLength ?? 1,
    causedBy: intent.causedBy,
    requestId: intent.requestId,
    newClients: [],
    createdAt: intent.receivedAt,
  };
}

export function newClientsOf(authored: Authored, state: RoomState): number[] {
  return state.owners.has(authored.clientId) ? [] : [authored.clientId];
}
