/** Reads: head plus log tail for one blob, stored heads for lists and graphs. */
import type { AccessControl } from '../access/contract.ts';
import { headBase } from '../domain/base.ts';
import type { Blob, BlobWithContent } from '../domain/blob.ts';
import type { Caller } from '../domain/caller.ts';
import type { Delta } from '../domain/delta.ts';
import { decodePageToken, effectivePageSize, encodePageToken } from '../domain/page-token.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import { groupVersions } from '../domain/version-groups.ts';
import { StudioError } from '../errors.ts';
import { DAG_NODES_MAX, FLUSH_DELTAS_MAX, PAGE_CONTENT_BYTES_MAX, VERSIONS_SCANNED_DELTAS_MAX } from '../limits.ts';
import type { BlobHeads } from '../storage/blobs.ts';
import { requestKey } from '../storage/commit-document.ts';
import type { CommitLog } from '../storage/commit-log.ts';
import type { Database } from '../storage/database.ts';
import type { BlobLists } from './blob-lists.ts';
import type { BlobViews } from './blob-view.ts';
import type { Dag, DagNode, ListBlobs, ListDeltas, VersionGroup } from './contract.ts';
import type { History } from './history.ts';
import type { Room } from './room.ts';
import type { Rooms } from './rooms.ts';

/** A delta younger than this may not be journaled yet when it is read from the log. */
const FRESH_MS = 5_000;

export class Reads {
  readonly #rooms: Rooms;
  readonly #views: BlobViews;
  readonly #heads: BlobHeads;
  readonly #log: CommitLog;
  readonly #history: History;
  readonly #database: Database;
  readonly #access: AccessControl;
  readonly #lists: BlobLists;

  constructor(options: {
    readonly rooms: Rooms;
    readonly views: BlobViews;
    readonly heads: BlobHeads;
    readonly log: CommitLog;
    readonly history: History;
    readonly database: Database;
    readonly access: AccessControl;
    readonly lists: BlobLists;
  }) {
    this.#rooms = options.rooms;
    this.#views = options.views;
    this.#heads = options.heads;
    this.#log = options.log;
    this.#history = options.history;
    this.#database = options.database;
    this.#access = options.access;
    this.#lists = options.lists;
  }

  async getBlob(
    caller: Caller,
    id: string,
    options: { version?: number; withContent: boolean },
  ): Promise<BlobWithContent> {
    return this.#readable(caller, id, async (room) => {
      const blob = await this.#views.ofRoom(room, { fresh: true });
      if (options.version !== undefined && options.version !== room.state.version) {
        return this.#atVersion(room, blob, options.version, options.withContent);
      }
      return options.withContent ? this.#views.withContent(blob, room.state.doc) : blob;
    });
  }

  async #atVersion(room: Room, blob: Blob, version: number, withContent: boolean): Promise<BlobWithContent> {
    const delta = version >= 1 && version <= room.state.version ? await this.#deltaAt(room, version) : undefined;
    if (!delta) {
      throw new StudioError('VERSION_NOT_FOUND', `Blob "${blob.id}" has versions 1 to ${room.state.version}.`, {
        blob_id: blob.id,
        version: String(version),
      });
    }
    const doc = await this.#history.materialize(blob.id, headBase(version));
    try {
      const full = await this.#views.withContent({ ...blob, version, updatedAt: delta.appliedAt }, doc);
      return withContent ? full : { ...full, content: undefined };
    } finally {
      doc.destroy();
    }
  }

  async #deltaAt(room: Room, version: number): Promise<Delta | undefined> {
    const recent = room.state.recent(version, version)?.[0];
    if (recent) return recent;
    const commit = await this.#log.commitAt(room.state.blobId, version);
    return commit?.deltas.find((delta) => delta.toVersion === version);
  }

  async listBlobs(caller: Caller, request: ListBlobs): Promise<Page<BlobWithContent>> {
    const { pageSize, pageToken, withContent, ...filter } = request;
    const page = await this.#lists.list(caller, filter, { pageSize, pageToken });
    const { nextPageToken } = page;
    if (!withContent) return { items: page.items, nextPageToken };
    const items: BlobWithContent[] = [];
    let bytes = 0;
    for (const blob of page.items) {
      const full = await this.getBlob(caller, blob.id, { withContent: true });
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
    await this.#readable(caller, blobId, async () => undefined);
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
    return this.#readable(caller, blobId, async (room) => {
      const query = { blobId, newestFirst, afterVersion: request.afterVersion };
      const size = effectivePageSize(pageSize);
      const position = decodePageToken(query, pageToken);
      const items = newestFirst
        ? await this.#newestFirst(
            room,
            typeof position === 'number' ? position - 1 : room.state.version,
            request.afterVersion,
            size + 1,
          )
        : await this.#oldestFirst(room, typeof position === 'number' ? position : request.afterVersion, size + 1);
      const shown = items.slice(0, size);
      const nextPageToken = items.length > size ? encodePageToken(query, shown.at(-1)?.toVersion) : '';
      return { items: shown, nextPageToken };
    });
  }

  async #oldestFirst(room: Room, after: number, limit: number): Promise<Delta[]> {
    const last = Math.min(room.state.version, after + limit);
    if (last <= after) return [];
    return [
      ...(room.state.recent(after + 1, last) ?? (await this.#history.deltas(room.state.blobId, after + 1, last))),
    ];
  }

  async #newestFirst(room: Room, from: number, downTo: number, limit: number): Promise<Delta[]> {
    const first = Math.max(downTo + 1, from - limit + 1, 1);
    if (first > from) return [];
    const deltas = room.state.recent(first, from) ?? (await this.#history.deltas(room.state.blobId, first, from));
    return [...deltas].reverse();
  }

  /** Newest first. A page looks at VERSIONS_SCANNED_DELTAS_MAX deltas at the most, and a group ends there. */
  async listVersions(caller: Caller, blobId: string, page: PageRequest): Promise<Page<VersionGroup>> {
    return this.#readable(caller, blobId, async (room) => {
      const query = { blobId, of: 'versions' };
      const size = effectivePageSize(page.pageSize);
      const position = decodePageToken(query, page.pageToken);
      const from = typeof position === 'number' ? position : room.state.version;
      const groups: VersionGroup[] = [];
      let next = from;
      const floor = Math.max(0, from - VERSIONS_SCANNED_DELTAS_MAX);
      const scanned: Delta[] = [];
      while (next > floor && groups.length <= size) {
        const deltas = await this.#newestFirst(room, next, floor, FLUSH_DELTAS_MAX);
        if (deltas.length === 0) break;
        scanned.push(...deltas);
        next -= deltas.length;
        groups.splice(0, groups.length, ...groupVersions(scanned));
      }
      const items = groups.slice(0, size);
      const rest = (items.at(-1)?.firstVersion ?? 1) - 1;
      return { items, nextPageToken: rest > 0 ? encodePageToken(query, rest) : '' };
    });
  }

  async getDag(caller: Caller, blobId: string): Promise<Dag> {
    const rootId = await this.#readable(caller, blobId, async (room) => room.state.genesis.rootId);
    const blobs = await this.#heads.ofRoot(rootId, DAG_NODES_MAX);
    const visible = await this.#lists.readable(
      caller,
      blobs.filter((blob) => !blob.deletedAt),
    );
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

  /** The room, known to exist, to be the caller's to read, and to hold all that the log holds. */
  async #readable<T>(caller: Caller, blobId: string, read: (room: Room) => Promise<T>): Promise<T> {
    return this.#rooms.with(blobId, async (room) => {
      await room.refresh();
      await room.authorize(caller, 'read');
      return read(room);
    });
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
    if (Date.now() - delta.appliedAt.getTime() < FRESH_MS) await this.#database.fence();
  }
}
