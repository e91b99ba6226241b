/** What is done to a blob as a whole: made, replaced, labelled, deleted, brought back. */
import { blobDeleted, etagMismatch } from '../../domain/access/access.ts';
import type { Blob } from '../../domain/blob.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { normalizeContentType } from '../../domain/content/shape.ts';
import type { Delta, Patch } from '../../domain/delta.ts';
import { requireOwnId } from '../../domain/ids.ts';
import { requireLabels } from '../../domain/labels.ts';
import { StudioError } from '../../errors.ts';
import { metaVersionOf, type BlobHeads } from '../../storage/blobs.ts';
import { labelRequestKey } from '../../storage/blob-labels.ts';
import { newBlobId, type BlobCreation } from './blob-creation.ts';
import type { BlobViews } from '../reads/blob-view.ts';
import type { Committed, CreateBlob, UpdateBlob } from '../contract.ts';
import type { HeadWriter } from '../commits/head-writer.ts';
import type { Work } from '../commits/intent.ts';
import type { Room } from '../rooms/room.ts';
import type { Rooms } from '../rooms/rooms.ts';
import { NO_VERSION, type Submissions } from './submissions.ts';

export class BlobWrites {
  readonly #rooms: Rooms;
  readonly #views: BlobViews;
  readonly #heads: BlobHeads;
  readonly #headWriter: HeadWriter;
  readonly #submissions: Submissions;
  readonly #creation: BlobCreation;

  constructor(options: {
    readonly rooms: Rooms;
    readonly views: BlobViews;
    readonly heads: BlobHeads;
    readonly headWriter: HeadWriter;
    readonly submissions: Submissions;
    readonly creation: BlobCreation;
  }) {
    this.#rooms = options.rooms;
    this.#views = options.views;
    this.#heads = options.heads;
    this.#headWriter = options.headWriter;
    this.#submissions = options.submissions;
    this.#creation = options.creation;
  }

  async createBlob(caller: Caller, request: CreateBlob): Promise<Committed> {
    const id = request.id || newBlobId(caller, request.requestId);
    requireOwnId(id, 'id');
    requireLabels(request.labels);
    const contentType = normalizeContentType(request.contentType);
    await this.#submissions.prepareContent(contentType, request.content);
    const { parentIds, labels } = request;
    const owner = caller.userId;
    if (request.id) await this.#creation.requireNotOthers(id, owner);
    const genesisRequest = { id, contentType, parentIds, owner, createdBy: 'user', labels };
    const genesis = await this.#creation.genesis(genesisRequest).catch(async (error: unknown) => {
      const made = request.requestId ? await this.#creation.known(id, owner) : undefined;
      if (!made) throw error;
      // G4: what was made once is the answer, though its parents may be gone by now; what was not says that the id is taken.
      return made;
    });
    const work: Work = { kind: 'create', genesis, content: request.content };
    return this.#creation.create(id, this.#submissions.intent(caller, work, request.content.byteLength, request));
  }

  /**
   * Content comes before the labels, so where this request has set those, all of it was done: content of which there is
   * no delta (any more) is not to be written over what is there now (G4).
   */
  async updateBlob(caller: Caller, request: UpdateBlob): Promise<{ blob: Blob; delta?: Delta }> {
    const submissions = this.#submissions;
    const { id, content, labels, etag, requestId } = request;
    const labelRequest = labels && requestId ? labelRequestKey(caller.userId, requestId) : undefined;
    const hasSetLabels = async (): Promise<boolean> =>
      labelRequest !== undefined && this.#heads.labels.wereSetBy(id, labelRequest);
    return this.#rooms.withFor(caller, id, async (room) => {
      await room.authorize(caller, 'write');
      requireLabels(labels ?? {});
      const ifVersion = await submissions.requireEtag(room, etag, (content ?? labels) && requestId);
      // After the etag was looked at, which is an old one once they are set.
      const isDone = await hasSetLabels();
      let delta: Delta | undefined;
      if (content !== undefined) {
        await submissions.prepareContent(room.state.genesis.contentType, content);
        const patch: Patch = { kind: 'content', content };
        const work: Work = { kind: 'patch', patch, fromVersion: request.fromVersion };
        const options = { requestId, ifVersion: isDone ? NO_VERSION : ifVersion };
        const settled = await room
          .submit(submissions.intent(caller, work, content.byteLength, options))
          .catch(async (error: unknown): Promise<undefined> => {
            if (!isEtagMismatch(error) || !(await hasSetLabels())) throw error;
          });
        delta = settled?.delta ?? (await room.newestDelta());
      } else if (!isDone) {
        if (ifVersion === NO_VERSION) throw etagMismatch(id);
        await requireAlive(room);
      }
      if (labels !== undefined && !isDone) {
        // Not that of the room as it is now: others may have set labels since the etag was checked.
        const expected = etag ? metaVersionOf(etag) : undefined;
        const isSet = await this.#heads.setLabels(id, labels, { expected, request: labelRequest });
        if (!isSet) throw etagMismatch(id);
      }
      return { blob: await this.#views.ofRoom(room), delta };
    });
  }

  async deleteBlob(caller: Caller, id: string, options: { etag?: string; requestId?: string }): Promise<Committed> {
    const submissions = this.#submissions;
    return this.#rooms.withFor(caller, id, async (room) => {
      await room.authorize(caller, 'delete');
      const ifVersion = await submissions.requireEtag(room, options.etag, options.requestId);
      const { requestId } = options;
      const settled = await room.submit(submissions.intent(caller, { kind: 'delete' }, 0, { requestId, ifVersion }));
      await this.#headWriter.writeNow(room.state);
      return submissions.committed(room, Promise.resolve(settled));
    });
  }

  /** Acknowledged after the head, so that lists have the blob again by then. */
  async undeleteBlob(caller: Caller, id: string, options: { etag?: string; requestId?: string }): Promise<Committed> {
    const submissions = this.#submissions;
    return this.#rooms.withFor(caller, id, async (room) => {
      await room.authorize(caller, 'undelete');
      const ifVersion = await submissions.requireEtag(room, options.etag, options.requestId);
      const { requestId } = options;
      const settled = await room.submit(submissions.intent(caller, { kind: 'undelete' }, 0, { requestId, ifVersion }));
      await this.#headWriter.writeNow(room.state);
      return submissions.committed(room, Promise.resolve(settled));
    });
  }
}

/** A deleted blob may have been brought back through another process, of which this one has not heard yet. */
async function requireAlive(room: Room): Promise<void> {
  if (room.state.facts.deletedAt) await room.refresh();
  if (room.state.facts.deletedAt) throw blobDeleted(room.state.blobId);
}

function isEtagMismatch(error: unknown): boolean {
  return error instanceof StudioError && error.reason === 'ETAG_MISMATCH';
}
