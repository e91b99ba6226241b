/** The document engine: what callers may do to blobs. Reads are in `reads.ts`, live sessions in `live-document.ts`. */
import { authorize, blobDeleted, blobNotFound, mayRead } from '../domain/access.ts';
import type { Blob } from '../domain/blob.ts';
import type { Caller } from '../domain/caller.ts';
import { contentHash } from '../domain/content/canonical.ts';
import { normalizeContentType, shapeOf } from '../domain/content/shape.ts';
import type { Delta, Genesis, Patch } from '../domain/delta.ts';
import { requireId, uuidV7, uuidV8 } from '../domain/ids.ts';
import { requireLabels } from '../domain/labels.ts';
import { StudioError } from '../errors.ts';
import { CONTENT_BYTES_MAX, LINEAGE_DEPTH_MAX, PARENTS_MAX } from '../limits.ts';
import type { BlobHeads } from '../storage/blobs.ts';
import type { Contents } from '../storage/contents.ts';
import type { BlobViews } from './blob-view.ts';
import type {
  ApplyDelta,
  Committed,
  CommitTransform,
  CreateBlob,
  Documents,
  LiveDocument,
  LiveSession,
  TransformOutcome,
  UpdateBlob,
} from './contract.ts';
import type { HeadWriter } from './head-writer.ts';
import { Intent, type Settled, type Work } from './intent.ts';
import { openLiveDocument } from './live-document.ts';
import type { Reads } from './reads.ts';
import type { Room } from './room.ts';
import type { Rooms } from './rooms.ts';

export class DocumentEngine implements Documents {
  readonly #rooms: Rooms;
  readonly #views: BlobViews;
  readonly #heads: BlobHeads;
  readonly #headWriter: HeadWriter;
  readonly #contents: Contents;
  readonly getBlob: Documents['getBlob'];
  readonly listBlobs: Documents['listBlobs'];
  readonly listVersions: Documents['listVersions'];
  readonly getDelta: Documents['getDelta'];
  readonly listDeltas: Documents['listDeltas'];
  readonly getDag: Documents['getDag'];
  readonly listChildren: Documents['listChildren'];

  constructor(options: {
    readonly rooms: Rooms;
    readonly views: BlobViews;
    readonly heads: BlobHeads;
    readonly headWriter: HeadWriter;
    readonly contents: Contents;
    readonly reads: Reads;
  }) {
    this.#rooms = options.rooms;
    this.#views = options.views;
    this.#heads = options.heads;
    this.#headWriter = options.headWriter;
    this.#contents = options.contents;
    const { reads } = options;
    this.getBlob = reads.getBlob.bind(reads);
    this.listBlobs = reads.listBlobs.bind(reads);
    this.listVersions = reads.listVersions.bind(reads);
    this.getDelta = reads.getDelta.bind(reads);
    this.listDeltas = reads.listDeltas.bind(reads);
    this.getDag = reads.getDag.bind(reads);
    this.listChildren = reads.listChildren.bind(reads);
  }

  async createBlob(caller: Caller, request: CreateBlob): Promise<Committed> {
    const id = request.id || this.#newId(caller, request.requestId);
    requireId(id, 'id');
    requireLabels(request.labels);
    const contentType = normalizeContentType(request.contentType);
    await this.#prepareContent(contentType, request.content);
    const genesis = await this.#genesis(id, contentType, request.parentIds, caller.userId, 'user', request.labels);
    const work: Work = { kind: 'create', genesis, content: request.content };
    return this.#create(id, this.#intent(caller, work, request.content.byteLength, request));
  }

  async applyDelta(caller: Caller, request: ApplyDelta): Promise<Committed> {
    return this.#rooms.with(request.blobId, async (room) => {
      this.#authorizeWrite(caller, room);
      const { patch, fromVersion, previousDelta } = request;
      if (patch.kind === 'content') await this.#prepareContent(room.state.genesis.contentType, patch.content);
      const isUnseen = previousDelta !== undefined && !room.state.recentById(previousDelta);
      if (isUnseen || (fromVersion ?? 0) > room.state.version) await room.refresh();
      const work: Work = { kind: 'patch', patch, fromVersion, previousDelta };
      const settled = await room.submit(this.#intent(caller, work, patchBytes(patch), request));
      return this.#committed(room, settled);
    });
  }

  async updateBlob(caller: Caller, request: UpdateBlob): Promise<{ blob: Blob; delta?: Delta }> {
    return this.#rooms.with(request.id, async (room) => {
      this.#authorizeWrite(caller, room);
      requireLabels(request.labels ?? {});
      const ifVersion = await this.#requireEtag(room, request.etag);
      let delta: Delta | undefined;
      if (request.content !== undefined) {
        await this.#prepareContent(room.state.genesis.contentType, request.content);
        const patch: Patch = { kind: 'content', content: request.content };
        const work: Work = { kind: 'patch', patch, fromVersion: request.fromVersion };
        const intent = this.#intent(caller, work, request.content.byteLength, { ...request, ifVersion });
        delta = (await this.#committed(room, await room.submit(intent))).delta;
      } else if (room.state.facts.deletedAt) {
        throw blobDeleted(request.id);
      }
      if (request.labels !== undefined) {
        const expected = request.etag === undefined ? undefined : room.meta?.metaVersion;
        if (!(await this.#heads.setLabels(request.id, request.labels, expected))) throw etagMismatch(request.id);
      }
      return { blob: await this.#views.ofRoom(room, { fresh: true }), delta };
    });
  }

  async deleteBlob(caller: Caller, id: string, options: { etag?: string; requestId?: string }): Promise<Committed> {
    return this.#rooms.with(id, async (room) => {
      this.#authorizeWrite(caller, room);
      const ifVersion = await this.#requireEtag(room, options.etag);
      const settled = await room.submit(
        this.#intent(caller, { kind: 'delete' }, 0, { requestId: options.requestId, ifVersion }),
      );
      await this.#headWriter.writeNow(room.state);
      room.closeSessions(blobDeleted(id));
      return this.#committed(room, settled);
    });
  }

  async commitTransform(request: CommitTransform): Promise<TransformOutcome> {
    const { derivation } = request;
    const contentType = normalizeContentType(request.contentType);
    await this.#prepareContent(contentType, request.content);
    // The next merge needs the provider's own words, which the blob's content no longer is once people edit it.
    await this.#contents.put(derivation.outputHash, request.content);
    const caller: Caller = { userId: request.ownerId, administrator: false, providerId: derivation.providerId };
    const options = { requestId: derivation.executionKey, causedBy: request.causedBy };
    return this.#rooms.with(request.blobId, async (room) => {
      await room.refresh();
      if (room.state.version === 0) {
        const genesis = await this.#genesis(
          request.blobId,
          contentType,
          request.parentIds,
          request.ownerId,
          derivation.providerId,
          {},
        );
        const work: Work = { kind: 'create', genesis, content: request.content, derivation };
        const { blob, delta } = await this.#create(
          request.blobId,
          this.#intent(caller, work, request.content.byteLength, options),
        );
        return { outcome: 'committed', blob, delta };
      }
      if (room.state.genesis.createdBy !== derivation.providerId || room.state.genesis.contentType !== contentType) {
        throw new StudioError(
          'BLOB_ALREADY_EXISTS',
          `Blob "${request.blobId}" is not an output of this provider in this type.`,
          {
            blob_id: request.blobId,
          },
        );
      }
      const wasSame = room.state.derivedFrom?.outputHash === derivation.outputHash;
      const work: Work = { kind: 'transform', content: request.content, derivation };
      const settled = await room.submit(this.#intent(caller, work, request.content.byteLength, options));
      const blob = await this.#views.ofRoom(room, { fresh: false });
      if (!settled.delta) return { outcome: 'stale', blob };
      // The planner of the next wave reads heads.
      await this.#headWriter.writeNow(room.state);
      return { outcome: wasSame && !settled.repeated ? 'unchanged' : 'committed', blob, delta: settled.delta };
    });
  }

  open(caller: Caller, blobId: string, session: LiveSession): Promise<LiveDocument> {
    return openLiveDocument(this.#rooms, caller, blobId, session);
  }

  /** Brings the stored head up to the log, whoever left it behind. */
  async healHead(blobId: string): Promise<void> {
    await this.#rooms.with(blobId, async (room) => {
      await room.refresh();
      if (room.state.version > 0) await this.#heads.advance([room.state.head()]);
    });
  }

  async #create(id: string, intent: Intent): Promise<Committed> {
    return this.#rooms.with(id, async (room) => {
      const settled = await room.submit(intent);
      await this.#headWriter.writeNow(room.state);
      return this.#committed(room, settled);
    });
  }

  async #committed(room: Room, settled: Settled): Promise<Committed> {
    const blob = await this.#views.ofRoom(room, { fresh: false });
    const delta = settled.delta ?? room.state.newestDelta;
    if (!delta) throw new StudioError('INTERNAL', `Blob "${blob.id}" has no newest delta.`);
    return { blob, delta };
  }

  #authorizeWrite(caller: Caller, room: Room): void {
    if (room.state.version === 0) throw blobNotFound(room.state.blobId);
    authorize(caller, 'write', { id: room.state.blobId, owner: room.state.owner });
  }

  #intent(
    caller: Caller,
    work: Work,
    bytes: number,
    options: { readonly requestId?: string; readonly causedBy?: string; readonly ifVersion?: number },
  ): Intent {
    return new Intent({
      userId: caller.userId,
      providerId: caller.providerId,
      work,
      bytes,
      requestId: options.requestId || undefined,
      causedBy: options.causedBy || undefined,
      ifVersion: options.ifVersion,
    });
  }

  /** G4: a repeat of a create that named no id must find the blob it made the first time. */
  #newId(caller: Caller, requestId: string | undefined): string {
    return requestId ? uuidV8('blob', caller.userId, requestId) : uuidV7();
  }

  /** Bounds content; the bytes of a binary blob are stored before the commit that names them. */
  async #prepareContent(contentType: string, content: Uint8Array): Promise<void> {
    if (content.byteLength > CONTENT_BYTES_MAX) {
      throw new StudioError('CONTENT_TOO_LARGE', `Content may have at most ${CONTENT_BYTES_MAX} bytes.`, {
        limit: 'CONTENT_BYTES_MAX',
      });
    }
    if (shapeOf(contentType) === 'binary') await this.#contents.put(contentHash(content), content);
  }

  async #genesis(
    id: string,
    contentType: string,
    parentIds: readonly string[],
    owner: string,
    createdBy: string,
    labels: Readonly<Record<string, string>>,
  ): Promise<Genesis> {
    if (parentIds.length > PARENTS_MAX) {
      throw new StudioError('LIMIT_EXCEEDED', `A blob has at most ${PARENTS_MAX} parents.`, { limit: 'PARENTS_MAX' });
    }
    const parents = await this.#heads.getMany([...new Set(parentIds)]);
    for (const parentId of parentIds) {
      const parent = parents.find((blob) => blob.id === parentId);
      if (!parent || !mayRead({ userId: owner, administrator: false }, parent.userId)) {
        throw new StudioError(
          'PARENT_NOT_FOUND',
          `There is no blob "${parentId}" to be a parent, or it is not yours.`,
          { parent_id: parentId },
        );
      }
    }
    const primary = parents.find((blob) => blob.id === parentIds[0]);
    const depth = primary ? primary.depth + 1 : 0;
    if (depth > LINEAGE_DEPTH_MAX) {
      throw new StudioError('LINEAGE_LIMIT', `A lineage is at most ${LINEAGE_DEPTH_MAX} deep.`, {
        limit: 'LINEAGE_DEPTH_MAX',
      });
    }
    return { contentType, parentIds: [...new Set(parentIds)], rootId: primary?.rootId ?? id, depth, createdBy, labels };
  }

  /** The version an etag stands for, after checking that it is the current one. */
  async #requireEtag(room: Room, etag: string | undefined): Promise<number | undefined> {
    if (etag === undefined || etag === '') return undefined;
    await room.refresh();
    const blob = await this.#views.ofRoom(room, { fresh: true });
    if (blob.etag !== etag) throw etagMismatch(blob.id);
    return blob.version;
  }
}

function etagMismatch(id: string): StudioError {
  return new StudioError('ETAG_MISMATCH', 'The blob has changed since that etag.', { blob_id: id });
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
