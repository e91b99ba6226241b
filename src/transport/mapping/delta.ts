import { create } from '@bufbuild/protobuf';
import {
  DeltaBaseSchema,
  DeltaPatchSchema,
  DeltaSchema,
  DeltaStatus,
  DeltaView,
  PatchKind,
} from '../../gen/memmie/studio/v1/delta_pb.ts';
import { PAGE_CONTENT_BYTES_MAX } from '../../limits.ts';
import { derivationMessage } from './derivation.ts';
import { operationOf } from './operation.ts';
import { timestampOf } from './time.ts';
import { bytesOfDelta, updateBytes, type Base, type Delta, type StoredPatch } from '../../domain/delta.ts';
import type { Delta as DeltaMessage, DeltaBase, DeltaPatch } from '../../gen/memmie/studio/v1/delta_pb.ts';

const PATCH_KINDS: Readonly<Record<StoredPatch['kind'], PatchKind>> = {
  text_edits: PatchKind.TEXT_EDITS,
  json_patch: PatchKind.JSON_PATCH,
  merge_patch: PatchKind.MERGE_PATCH,
  content: PatchKind.CONTENT,
  yjs_update: PatchKind.YJS_UPDATE,
  revert: PatchKind.REVERT,
  create: PatchKind.CREATE,
  delete: PatchKind.DELETE,
  undelete: PatchKind.UNDELETE,
  sync: PatchKind.SYNC,
};

/** `full`: with the updates and the patch's body. */
export function deltaMessage(delta: Delta, full: boolean): DeltaMessage {
  return create(DeltaSchema, {
    id: delta.id,
    blobId: delta.blobId,
    providerId: delta.providerId,
    userId: delta.userId,
    operation: operationOf(delta.operation),
    patch: patchMessage(delta.patch, full),
    updates: full ? [...delta.updates] : [],
    updateSize: BigInt(updateBytes(delta)),
    previousDelta: delta.previousDelta,
    causedBy: delta.causedBy,
    fromVersion: BigInt(delta.base.fromVersion),
    toVersion: BigInt(delta.toVersion),
    base: baseMessage(delta.base),
    reverts: [...(delta.reverts ?? [])],
    // What is in the log is committed.
    status: DeltaStatus.APPLIED,
    requestId: delta.requestId,
    chainLength: BigInt(delta.chainLength),
    derivation: delta.derivation && derivationMessage(delta.derivation),
    skippedHunks: delta.skippedHunks ?? 0,
    appliedAt: timestampOf(delta.appliedAt),
    createdAt: timestampOf(delta.createdAt),
  });
}

/** G7: a page that carries updates stops carrying them at PAGE_CONTENT_BYTES_MAX; its later deltas come without theirs. */
export function deltaPage(deltas: readonly Delta[], view: DeltaView): DeltaMessage[] {
  let bytes = 0;
  return deltas.map((delta) => {
    if (view !== DeltaView.FULL) return deltaMessage(delta, false);
    bytes += bytesOfDelta(delta);
    return deltaMessage(delta, bytes <= PAGE_CONTENT_BYTES_MAX);
  });
}

function patchMessage(patch: StoredPatch, full: boolean): DeltaPatch {
  return create(DeltaPatchSchema, {
    kind: PATCH_KINDS[patch.kind],
    size: BigInt(patch.bytes),
    hash: patch.hash,
    body: full ? patch.body : undefined,
  });
}

function baseMessage(base: Base): DeltaBase {
  return create(DeltaBaseSchema, {
    fromVersion: BigInt(base.fromVersion),
    extras: base.extras.map(({ first, last }) => ({ first: BigInt(first), last: BigInt(last) })),
  });
}
