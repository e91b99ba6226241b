/** Providers' outputs, committed as anyone's change is. */
import type { Derivation } from '../../domain/blob.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { normalizeContentType, shapeOf } from '../../domain/content/shape.ts';
import { StudioError } from '../../errors.ts';
import type { Contents } from '../../storage/contents.ts';
import type { BlobCreation } from './blob-creation.ts';
import type { BlobViews } from '../reads/blob-view.ts';
import type { CommitTransform, TransformOutcome } from '../contract.ts';
import type { HeadWriter } from '../commits/head-writer.ts';
import type { Work } from '../commits/intent.ts';
import type { Rooms } from '../rooms/rooms.ts';
import type { Submissions } from './submissions.ts';

export class Transforms {
  readonly #rooms: Rooms;
  readonly #views: BlobViews;
  readonly #headWriter: HeadWriter;
  readonly #contents: Contents;
  readonly #submissions: Submissions;
  readonly #creation: BlobCreation;

  constructor(options: {
    readonly rooms: Rooms;
    readonly views: BlobViews;
    readonly headWriter: HeadWriter;
    readonly contents: Contents;
    readonly submissions: Submissions;
    readonly creation: BlobCreation;
  }) {
    this.#rooms = options.rooms;
    this.#views = options.views;
    this.#headWriter = options.headWriter;
    this.#contents = options.contents;
    this.#submissions = options.submissions;
    this.#creation = options.creation;
  }

  async commitTransform(request: CommitTransform): Promise<TransformOutcome> {
    const { blobId: id, derivation, parentIds, content } = request;
    const contentType = normalizeContentType(request.contentType);
    requireMergeable(contentType);
    await this.#submissions.prepareContent(contentType, content);
    // The next merge needs the provider's own words, which the blob's content no longer is once people edit it.
    await this.#contents.put(derivation.outputHash, content);
    const caller: Caller = { userId: request.ownerId, administrator: false, providerId: derivation.providerId };
    const options = { requestId: derivation.executionKey, causedBy: request.causedBy };
    return this.#rooms.with(id, async (room) => {
      await room.refresh();
      if (room.state.version === 0) {
        const owner = request.ownerId;
        const createdBy = derivation.providerId;
        requireInputs(id, parentIds, derivation);
        const genesis = await this.#creation.genesis({ id, contentType, parentIds, owner, createdBy, labels: {} });
        const work: Work = { kind: 'create', genesis, content, derivation };
        const intent = this.#submissions.intent(caller, work, content.byteLength, options);
        return { outcome: 'committed', ...(await this.#creation.create(id, intent)) };
      }
      if (room.state.genesis.createdBy !== derivation.providerId || room.state.genesis.contentType !== contentType) {
        throw new StudioError('BLOB_ALREADY_EXISTS', `Blob "${id}" is not an output of this provider in this type.`, {
          blob_id: id,
        });
      }
      requireInputs(id, room.state.genesis.parentIds, derivation);
      const wasSame = room.state.facts.derivedFrom?.outputHash === derivation.outputHash;
      const work: Work = { kind: 'transform', content, derivation };
      const settled = await room.submit(this.#submissions.intent(caller, work, content.byteLength, options));
      const blob = await this.#views.ofChanged(room);
      if (!settled.delta) return { outcome: 'stale', blob };
      // The planner of the next wave reads heads.
      await this.#headWriter.writeNow(room.state);
      return { outcome: wasSame && !settled.repeated ? 'unchanged' : 'committed', blob, delta: settled.delta };
    });
  }
}

/** G9: of two documents of which nothing is known it can't be said what changed, so the second would never be seen. */
function requireMergeable(contentType: string): void {
  if (shapeOf(contentType) !== 'yjs') return;
  throw new StudioError('CONTENT_TYPE_UNSUPPORTED', `A provider's output can't be of type "${contentType}".`, {
    content_type: contentType,
  });
}

/** G8: who may read what a provider made is decided over its parents, so it must be made from nothing else. */
function requireInputs(blobId: string, parentIds: readonly string[], derivation: Derivation): void {
  const foreign = derivation.inputs.find((input) => !parentIds.includes(input.blobId));
  if (foreign)
    throw new StudioError('INTERNAL', `Blob "${blobId}" is made from "${foreign.blobId}", not a parent of it.`);
}
