/** Changes of a blob's content, each one a delta. */
import type { Caller } from '../../domain/access/caller.ts';
import type { Patch } from '../../domain/delta.ts';
import { StudioError } from '../../errors.ts';
import { STREAM_META_AGE_MS_MAX, BATCH_PATCHES_MAX, FLUSH_BYTES_MAX, REVERT_IDS_MAX } from '../../limits.ts';
import type { ApplyDelta, BatchApplyDeltas, BatchCommitted, Committed, RevertBlob } from '../contract.ts';
import type { Work } from '../commits/intent.ts';
import type { Room } from '../rooms/room.ts';
import type { Rooms } from '../rooms/rooms.ts';
import type { Submissions } from './submissions.ts';

export class DeltaWrites {
  readonly #rooms: Rooms;
  readonly #submissions: Submissions;

  constructor(options: { readonly rooms: Rooms; readonly submissions: Submissions }) {
    this.#rooms = options.rooms;
    this.#submissions = options.submissions;
  }

  /**
   * `onQueued`: it has its place before whatever is asked of the same blob from then on in the same `line`. What must be
   * tried in a thread loses it to other lines.
   */
  async applyDelta(
    caller: Caller,
    request: ApplyDelta,
    { line, onQueued }: { readonly line?: object; readonly onQueued?: () => void } = {},
  ): Promise<Committed> {
    const submissions = this.#submissions;
    return this.#rooms.withFor(caller, request.blobId, async (room) => {
      const { patch, fromVersion, previousDelta } = request;
      await room.authorize(caller, 'write');
      if (patch.kind === 'content') await submissions.prepareContent(room.state.genesis.contentType, patch.content);
      const work: Work = { kind: 'patch', patch, fromVersion, previousDelta };
      const settling = room.submit(submissions.intent(caller, work, patchBytes(patch), { ...request, line }));
      onQueued?.();
      return submissions.committed(room, settling, line ? STREAM_META_AGE_MS_MAX : 0);
    });
  }

  /** Throws what the first patch that can't be applied is refused with, its index in metadata `index`; nothing is in then. */
  async batchApplyDeltas(caller: Caller, request: BatchApplyDeltas): Promise<BatchCommitted> {
    const submissions = this.#submissions;
    const { patches, fromVersion, previousDelta } = request;
    const bytes = patches.reduce((sum, patch) => sum + patchBytes(patch), 0);
    const sentBytes = patches.reduce((sum, patch) => sum + sentPatchBytes(patch), 0);
    if (patches.length > BATCH_PATCHES_MAX) throw tooMany('changes', BATCH_PATCHES_MAX, 'BATCH_PATCHES_MAX');
    if (sentBytes > FLUSH_BYTES_MAX) throw tooMany('bytes', FLUSH_BYTES_MAX, 'FLUSH_BYTES_MAX');
    return this.#rooms.withFor(caller, request.blobId, async (room) => {
      await room.authorize(caller, 'write');
      await this.#prepareContents(room, patches);
      const work: Work = { kind: 'batch', patches, fromVersion, previousDelta };
      const settling = room.submit(submissions.intent(caller, work, bytes, request));
      const { blob } = await submissions.committed(room, settling);
      const settled = await settling;
      return { blob, deltas: settled.deltas ?? (settled.delta ? [settled.delta] : []) };
    });
  }

  async revertBlob(caller: Caller, request: RevertBlob): Promise<Committed> {
    const submissions = this.#submissions;
    const { target, fromVersion } = request;
    requireTarget(target);
    return this.#rooms.withFor(caller, request.blobId, async (room) => {
      await room.authorize(caller, 'write');
      const ifVersion = await submissions.requireEtag(room, request.etag, request.requestId);
      const patch: Patch = { kind: 'revert', target };
      const work: Work = { kind: 'patch', patch, fromVersion };
      const settling = room.submit(submissions.intent(caller, work, patchBytes(patch), { ...request, ifVersion }));
      return submissions.committed(room, settling);
    });
  }

  async #prepareContents(room: Room, patches: readonly Patch[]): Promise<void> {
    for (const [index, patch] of patches.entries()) {
      if (patch.kind !== 'content') continue;
      await this.#submissions.prepareContent(room.state.genesis.contentType, patch.content).catch((error: unknown) => {
        if (!(error instanceof StudioError)) throw error;
        throw new StudioError(error.reason, error.message, { ...error.metadata, index: String(index) });
      });
    }
  }
}

function requireTarget(target: RevertBlob['target']): void {
  if (target.kind === 'deltas' && target.ids.length > REVERT_IDS_MAX)
    throw tooMany('ids', REVERT_IDS_MAX, 'REVERT_IDS_MAX');
  if (target.kind !== 'author') return;
  const { first = 1, last = Infinity } = target;
  if (first >= 1 && first <= last) return;
  throw new StudioError('FIELD_INVALID', 'versions must begin at 1 or above, and not end before it begins.', {
    field: 'author.versions',
  });
}

function tooMany(what: string, most: number, limit: string): StudioError {
  return new StudioError('LIMIT_EXCEEDED', `At most ${most} ${what} go together.`, { limit });
}

/** What its caller sent of it. */
export function sentPatchBytes(patch: Patch): number {
  if (patch.kind === 'text_edits') return patch.edits.reduce((sum, { insert }) => sum + Buffer.byteLength(insert), 0);
  if (patch.kind === 'json_patch' || patch.kind === 'merge_patch') return Buffer.byteLength(patch.patch);
  return patchBytes(patch);
}

/** About what it takes while it waits: strings have two bytes a character. */
export function patchBytes(patch: Patch): number {
  switch (patch.kind) {
    case 'text_edits':
      return patch.edits.reduce((bytes, edit) => bytes + 16 + edit.insert.length * 2, 0);
    case 'json_patch':
    case 'merge_patch':
      return patch.patch.length;
    case 'content':
      return patch.content.byteLength;
    case 'yjs_update':
      return patch.update.byteLength;
    case 'revert':
      return patch.target.kind === 'deltas' ? patch.target.ids.length * 64 : 64;
  }
}
