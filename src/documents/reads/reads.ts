/** Reads: head plus log tail for one blob, stored heads for lists and graphs. */
import type { AccessControl } from '../../access/contract.ts';
import type { Blob, BlobWithContent } from '../../domain/blob.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { requireFormat } from '../../domain/content/format.ts';
import type { Delta } from '../../domain/delta.ts';
import { decodePageToken, effectivePageSize, encodePageToken } from '../../domain/page-token.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import { StudioError } from '../../errors.ts';
import { DELTA_FRESH_MS_MAX, PAGE_CONTENT_BYTES_MAX } from '../../limits.ts';
import { requestKey } from '../../storage/log/commit-document.ts';
import type { CommitLog } from '../../storage/log/commit-log.ts';
import type { Database } from '../../storage/database.ts';
import type { BlobLists } from './blob-lists.ts';
import type { BlobViews } from './blob-view.ts';
import type { Dag, DagNode, ListBlobs, ListDeltas, ReadBlob } from '../contract.ts';
import type { DeltaPage } from '../history/delta-reads.ts';
import type { PastVersions } from './past-versions.ts';
import type { ReadableBlobs } from '../rooms/readable.ts';
import { Quarantined } from '../log/quarantine.ts';
import type { Room } from '../rooms/room.ts';

export class Reads {
  readonly #blobs: ReadableBlobs;
  readonly #past: PastVersions;
  readonly #views: BlobViews;
  readonly #log: CommitLog;
  readonly #database: Database;
  readonly #access: AccessControl;
  readonly #lists: BlobLists;

  constructor(options: {
    readonly blobs: ReadableBlobs;
    readonly past: PastVersions;
    readonly views: BlobViews;
    readonly log: CommitLog;
    readonly database: Database;
    readonly access: AccessControl;
    readonly lists: BlobLists;
  }) {
    this.#blobs = options.blobs;
    this.#past = options.past;
    this.#views = options.views;
    this.#log = options.log;
    this.#database = options.database;
    this.#access = options.access;
    this.#lists = options.lists;
  }

  async getBlob(caller: Caller, id: string, options: ReadBlob): Promise<BlobWithContent> {
    const { version, withContent, format } = options;
    return this.#blobs.with(caller, id, async (room) => {
      if (version !== undefined) return this.#past.blobAt(room, version, options);
      requireFormat(room.state.genesis.contentType, format);
      const blob = await this.#views.ofRoom(room);
      return withContent ? this.#views.withContent(blob, room.state.doc, format) : blob;
    });
  }

  async listBlobs(caller: Caller, request: ListBlobs): Promise<Page<BlobWithContent>> {
    const { pageSize, pageToken, withContent, ...filter } = request;
    const page = await this.#lists.list(caller, filter, { pageSize, pageToken });
    const { nextPageToken } = page;
    if (!withContent) return { items: page.items, nextPageToken };
    const items: BlobWithContent[] = [];
    let bytes = 0;
    for (const blob of page.items) {
      // One that can't be loaded is shown as its head has it, without content.
      const full = await this.getBlob(caller, blob.id, { withContent: true }).catch((error: unknown) => {
        if (error instanceof Quarantined) return blob;
        throw error;
      });
      bytes += full.size;
      // The first always goes; the page then stops short, and its token continues behind the last one in it.
      if (items.length > 0 && bytes > PAGE_CONTENT_BYTES_MAX) {
        const last = items.at(-1);
        return { items, nextPageToken: last ? page.tokenAfter(last) : '' };
      }
      items.push(full);
    }
    return { items, nextPageToken };
  }

  async listChildren(caller: Caller, blobId: string, page: PageRequest): Promise<Page<Blob>> {
    await this.#blobs.with(caller, blobId, async () => undefined);
    return this.#lists.children(caller, blobId, page);
  }

  async getDelta(caller: Caller, id: string): Promise<Delta> {
    const found = await this.#log.delta(id);
    if (!found || !(await this.#mayRead(caller, found.delta.blobId))) {
      throw new StudioError('DELTA_NOT_FOUND', `There is no delta "${id}", or it is not of a blob of yours.`, {
        delta_id: id,
      });
    }
    await this.#ensureDurable(found.delta);
    return found.delta;
  }

  async findDelta(caller: Caller, blobId: string, requestId: string): Promise<Delta | undefined> {
    const commits = await this.#log.withRequestKeys([requestKey(blobId, caller.userId, requestId)]);
    const found = commits
      .flatMap(({ deltas }) => deltas)
      .find((delta) => delta.requestId === requestId && delta.userId === caller.userId);
    if (!found || !(await this.#mayRead(caller, blobId))) return undefined;
    await this.#ensureDurable(found);
    return found;
  }

  async listDeltas(caller: Caller, request: ListDeltas): Promise<Page<Delta>> {
    const { blobId, newestFirst, pageToken, pageSize } = request;
    return this.#blobs.with(caller, blobId, async (room) => {
      const query = { blobId, newestFirst, afterVersion: request.afterVersion };
      const size = effectivePageSize(pageSize);
      const position = decodePageToken(query, pageToken);
      const { deltas, isCut } = newestFirst
        ? await this.#newestFirst(
            room,
            typeof position === 'number' ? position - 1 : room.state.version,
            request.afterVersion,
            size + 1,
          )
        : await this.#blobs.deltasAfter(room, typeof position === 'number' ? position : request.afterVersion, size + 1);
      const shown = deltas.slice(0, size);
      const isLast = deltas.length <= size && !isCut;
      const nextPageToken = isLast ? '' : encodePageToken(query, shown.at(-1)?.toVersion);
      return { items: shown, nextPageToken };
    });
  }

  async #newestFirst(room: Room, from: number, downTo: number, limit: number): Promise<DeltaPage> {
    const { deltas, isCut } = await this.#blobs.deltasBefore(room, from + 1, downTo, limit);
    return { deltas: [...deltas].reverse(), isCut };
  }

  async getDag(caller: Caller, blobId: string): Promise<Dag> {
    const [rootId, owner] = await this.#blobs.with(caller, blobId, async ({ state }) => [
      state.genesis.rootId,
      state.owner,
    ]);
    const visible = await this.#lists.ofRoot(caller, rootId, owner);
    const byId = new Map(visible.map((blob) => [blob.id, blob]));
    const nodes: DagNode[] = visible
      .sort((a, b) => a.depth - b.depth || (a.id < b.id ? -1 : 1))
      .map((blob) => ({
        blob,
        stale:
          blob.derivedFrom?.inputs.some((input) => input.version < (byId.get(input.blobId)?.contentVersion ?? 0)) ??
          false,
      }));
    const edges = visible.flatMap((blob) =>
      blob.parentIds.filter((parentId) => byId.has(parentId)).map((parentId) => ({ parentId, childId: blob.id })),
    );
    return { rootId, nodes, edges };
  }

  async #mayRead(caller: Caller, blobId: string): Promise<boolean> {
    try {
      await this.#access.authorize(caller, 'read', blobId);
      return true;
    } catch (error) {
      if (error instanceof StudioError && error.reason === 'BLOB_NOT_FOUND') return false;
      throw error;
    }
  }

  async #ensureDurable(delta: Delta): Promise<void> {
    if (Date.now() - delta.appliedAt.getTime() < DELTA_FRESH_MS_MAX) await this.#database.fence();
  }
}
