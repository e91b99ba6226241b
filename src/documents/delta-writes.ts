/** Changes of a blob's content, each one a delta. */
import type { Caller } from '../domain/caller.ts';
import type { Patch } from '../domain/delta.ts';
import type { ApplyDelta, Committed } from './contract.ts';
import type { Work } from './intent.ts';
import type { Rooms } from './rooms.ts';
import type { Submissions } from './submissions.ts';

export class DeltaWrites {
  readonly #rooms: Rooms;
  readonly #submissions: Submissions;

  constructor(options: { readonly rooms: Rooms; readonly submissions: Submissions }) {
    this.#rooms = options.rooms;
    this.#submissions = options.submissions;
  }

  async applyDelta(caller: Caller, request: ApplyDelta): Promise<Committed> {
    const submissions = this.#submissions;
    return this.#rooms.with(request.blobId, async (room) => {
      await room.authorize(caller, 'write');
      const { patch, fromVersion, previousDelta } = request;
      if (patch.kind === 'content') await submissions.prepareContent(room.state.genesis.contentType, patch.content);
      const isUnseen = previousDelta !== undefined && !room.state.recentById(previousDelta);
      if (isUnseen || (fromVersion ?? 0) > room.state.version) await room.refresh();
      const work: Work = { kind: 'patch', patch, fromVersion, previousDelta };
      const settled = await room.submit(submissions.intent(caller, work, patchBytes(patch), request));
      return submissions.committed(room, settled);
    });
  }
}

function patchBytes(patch: Patch): number {
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
      return 8;
  }
}
