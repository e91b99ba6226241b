/** What is done to a blob as a whole: made, replaced, labelled, deleted, brought back. */
import { blobDeleted } from '../domain/access.ts';
import type { Blob } from '../domain/blob.ts';
import type { Caller } from '../domain/caller.ts';
import { normalizeContentType } from '../domain/content/shape.ts';
import type { Delta, Patch } from '../domain/delta.ts';
import { requireId } from '../domain/ids.ts';
import { requireLabels } from '../domain/labels.ts';
import { metaVersionOf, type BlobHeads } from '../storage/blobs.ts';
import { newBlobId, type BlobCreation } from './blob-creation.ts';
import type { BlobViews } from './blob-view.ts';
import type { Committed, CreateBlob, UpdateBlob } from './contract.ts';
import type { HeadWriter } from './head-writer.ts';
import type { Work } from './intent.ts';
import type { Room } from './room.ts';
import type { Rooms } from './rooms.ts';
import { etagMismatch, type Submissions } from './submissions.ts';

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
    requireId(id, 'id');
    requireLabels(request.labels);
    const contentType = normalizeContentType(request.contentType);
    await this.#submissions.prepareContent(contentType, request.content);
    const { parentIds, labels } = request;
    const owner = caller.userId;
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

  async updateBlob(caller: Caller, request: UpdateBlob): Promise<{ blob: Blob; delta?: Delta }> {
    const submissions = this.#submissions;
    return this.#rooms.with(request.id, async (room) => {
      await room.authorize(caller, 'write');
      requireLabels(request.labels ?? {});
      const { content, etag, requestId } = request;
      const ifVersion = await submissions.requireEtag(room, etag, content === undefined ? undefined : requestId);
      let delta: Delta | undefined;
      let isRepeated = false;
      if (content !== undefined) {
        await submissions.prepareContent(room.state.genesis.contentType, content);
        const patch: Patch = { kind: 'content', content };
        const work: Work = { kind: 'patch', patch, fromVersion: request.fromVersion };
        const intent = submissions.intent(caller, work, content.byteLength, { ...request, ifVersion });
        const settled = await room.submit(intent);
        isRepeated = settled.repeated;
        delta = (await submissions.committed(room, settled)).delta;
      } else await requireAlive(room);
      if (request.labels !== undefined) {
        // Not that of the room as it is now: others may have set labels since the etag was checked.
        const expected = etag ? metaVersionOf(etag) : undefined;
        const isSet = await this.#heads.setLabels(request.id, request.labels, expected);
        // The first time they were set, or somebody has set others since.
        if (!isSet && !isRepeated) throw etagMismatch(request.id);
      }
      return { blob: await this.#views.ofRoom(room, { fresh: true }), delta };
    });
  }

  async deleteBlob(caller: Caller, id: string, options: { etag?: string; requestId?: string }): Promise<Committed> {
    const submissions = this.#submissions;
    return this.#rooms.with(id, async (room) => {
      await room.authorize(caller, 'delete');
      const ifVersion = await submissions.requireEtag(room, options.etag, options.requestId);
      const { requestId } = options;
      const settled = await room.submit(submissions.intent(caller, { kind: 'delete' }, 0, { requestId, ifVersion }));
      await this.#headWriter.writeNow(room.state);
      return submissions.committed(room, settled);
    });
  }

  /** Acknowledged after the head, so that lists have the blob again by then. */
  async undeleteBlob(caller: Caller, id: string, options: { etag?: string; requestId?: string }): Promise<Committed> {
    const submissions = this.#submissions;
    return this.#rooms.with(id, async (room) => {
      await room.authorize(caller, 'undelete');
      const ifVersion = await submissions.requireEtag(room, options.etag, options.requestId);
      const { requestId } = options;
      const settled = await room.submit(submissions.intent(caller, { kind: 'undelete' }, 0, { requestId, ifVersion }));
      await this.#headWriter.writeNow(room.state);
      return submissions.committed(room, settled);
    });
  }
}

/** A deleted blob may have been brought back through another process, of which this one has not heard yet. */
async function requireAlive(room: Room): Promise<void> {
  if (room.state.facts.deletedAt) await room.refresh();
  if (room.state.facts.deletedAt) throw blobDeleted(room.state.blobId);
}
