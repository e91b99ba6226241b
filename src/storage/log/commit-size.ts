/**
 * What a commit takes in the database: about that much, and not less. Counted as the commit grows, since the driver's own
 * count walks all of it anew.
 */
import type { Derivation } from '../../domain/blob.ts';
import type { Draft, Genesis } from '../../domain/delta.ts';
import { requestKey } from './commit-document.ts';

/** Names, lengths and what is of one size: of a commit with its owner, content type and ids; then of a delta. */
export const COMMIT_BYTES = 3_072;
const DELTA_BYTES = 512;
const GENESIS_BYTES = 256;
const DERIVATION_BYTES = 512;
/** Of each that is listed, beside its own bytes. */
const ENTRY_BYTES = 16;
const RANGE_BYTES = 2 * ENTRY_BYTES;
const LABEL_BYTES = 2 * ENTRY_BYTES;
/** Ids of blobs, deltas and providers; those of deltas of the same flush become longer when it is numbered. */
const ID_BYTES = 96;
const RECEIPT_BYTES = 160;

export function draftBytes(draft: Draft): number {
  let bytes = DELTA_BYTES + updatesBytes(draft.updates, draft.newClients);
  bytes += Buffer.byteLength(draft.userId) + textBytes(draft.requestId) + textBytes(draft.causedBy);
  bytes += (draft.patch.body?.byteLength ?? 0) + (draft.copies?.byteLength ?? 0);
  bytes += draft.base.extras.length * RANGE_BYTES + (draft.reverts?.length ?? 0) * ID_BYTES;
  if (draft.previousDelta !== undefined) bytes += ID_BYTES;
  if (draft.providerId !== undefined) bytes += ID_BYTES;
  if (draft.genesis) bytes += genesisBytes(draft.genesis);
  if (draft.derivation) bytes += derivationBytes(draft.derivation);
  return bytes;
}

/** Of one delta's. */
export function updatesBytes(updates: readonly Uint8Array[], newClients: readonly number[]): number {
  let bytes = newClients.length * ENTRY_BYTES;
  for (const update of updates) bytes += ENTRY_BYTES + update.byteLength;
  return bytes;
}

/** Of the commit's list of those it holds: beside the deltas, once for each request. */
export function requestKeyBytes(blobId: string, userId: string, requestId: string): number {
  return ENTRY_BYTES + Buffer.byteLength(requestKey(blobId, userId, requestId));
}

function genesisBytes({ contentType, parentIds, labels }: Genesis): number {
  let bytes = GENESIS_BYTES + Buffer.byteLength(contentType) + (parentIds.length + 2) * ID_BYTES;
  for (const [key, value] of Object.entries(labels)) {
    bytes += LABEL_BYTES + Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  return bytes;
}

function derivationBytes({ inputs }: Derivation): number {
  return DERIVATION_BYTES + inputs.length * RECEIPT_BYTES;
}

function textBytes(text: string | undefined): number {
  return text === undefined ? 0 : Buffer.byteLength(text);
}
