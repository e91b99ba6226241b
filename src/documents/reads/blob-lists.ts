/**
 * Pages of blobs, newest first: of all that the stored heads offer, those that the caller may read. A page looks at
 * LIST_SCANNED_BLOBS_MAX blobs at most; one that ends there is short, and its token goes on behind the last one looked at.
 */
import type { AccessControl } from '../../access/contract.ts';
import { mayRead } from '../../domain/access/access.ts';
import { lineageOfBlob } from '../../domain/access/blob-access.ts';
import type { Blob } from '../../domain/blob.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { decodePageToken, effectivePageSize, encodePageToken } from '../../domain/page-token.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import { StudioError } from '../../errors.ts';
import {
  DAG_NODES_MAX,
  DAG_PAGE_BLOBS,
  DAG_SCANNED_BLOBS_MAX,
  LIST_BATCH_BLOBS_MIN,
  LIST_SCANNED_BLOBS_MAX,
} from '../../limits.ts';
import type { AccessStore } from '../../storage/access.ts';
import { orderKey, type BlobHeads, type BlobQuery } from '../../storage/blobs.ts';
import type { ListBlobs } from '../contract.ts';
import { positionBehind } from './list-position.ts';

interface Candidate {
  readonly orderKey: string;
  /** Absent: not one that was asked for. */
  readonly blob?: Blob;
}

/** Candidates below the order key `after`, descending; fewer than `limit` are the last. */
type Source = (after: string | undefined, limit: number) => Promise<Candidate[]>;

export type BlobFilter = Omit<ListBlobs, keyof PageRequest | 'withContent'>;

export class BlobLists {
  readonly #heads: BlobHeads;
  readonly #shared: Pick<AccessStore, 'sharedWith'>;
  readonly #access: AccessControl;

  constructor(options: {
    readonly heads: BlobHeads;
    readonly shared: Pick<AccessStore, 'sharedWith'>;
    readonly access: AccessControl;
  }) {
    this.#heads = options.heads;
    this.#shared = options.shared;
    this.#access = options.access;
  }

  /** `tokenAfter` continues behind a blob of the page, for a page that is cut short. */
  async list(
    caller: Caller,
    filter: BlobFilter,
    page: PageRequest,
  ): Promise<Page<Blob> & { readonly tokenAfter: (blob: Blob) => string }> {
    const query = { userId: caller.userId, ...filter };
    const { scope, ...wanted } = filter;
    const own = this.#created({ ...wanted, userId: caller.userId });
    const shared = this.#sharedWith(caller.userId, wanted);
    const source = scope === 'own' ? own : scope === 'shared' ? shared : merged(own, shared);
    const tokenAfter = (blob: Blob): string => encodePageToken(query, orderKey(blob));
    return { ...(await this.#page(caller, source, query, page)), tokenAfter };
  }

  /** The caller may read the parent. */
  children(caller: Caller, parentId: string, page: PageRequest): Promise<Page<Blob>> {
    const query = { userId: caller.userId, childrenOf: parentId };
    return this.#page(caller, this.#created({ parentId, showDeleted: false }), query, page);
  }

  async readable(caller: Caller, blobs: readonly Blob[]): Promise<Blob[]> {
    const access = await this.#access.many(blobs.map(lineageOfBlob));
    return blobs.filter((blob) => {
      const one = access.get(blob.id);
      return one !== undefined && mayRead(caller, one);
    });
  }

  /**
   * Of a DAG: at most DAG_NODES_MAX that the caller may read, else LIMIT_EXCEEDED. Anyone who may read a blob can put any
   * number of blobs below it; those the caller can't see count for nothing, and come last.
   */
  async ofRoot(caller: Caller, rootId: string, owner: string): Promise<Blob[]> {
    const all = await this.#heads.ofRoot(rootId, DAG_NODES_MAX + 1);
    if (all.length <= DAG_NODES_MAX) return this.readable(caller, all);
    const found = new Map<string, Blob>();
    for (const of of new Set([caller.userId, owner, undefined])) {
      let after: string | undefined;
      for (let scanned = 0; scanned < DAG_SCANNED_BLOBS_MAX; scanned += DAG_PAGE_BLOBS) {
        const page = await this.#heads.ofRoot(rootId, DAG_PAGE_BLOBS, of, after);
        for (const blob of await this.readable(caller, page)) found.set(blob.id, blob);
        if (found.size > DAG_NODES_MAX) throw tooManyNodes();
        if (page.length < DAG_PAGE_BLOBS) break;
        after = page.at(-1)?.id;
      }
    }
    return [...found.values()];
  }

  async #page(caller: Caller, source: Source, query: unknown, page: PageRequest): Promise<Page<Blob>> {
    const size = effectivePageSize(page.pageSize);
    const token = decodePageToken(query, page.pageToken);
    const began = typeof token === 'string' ? token : undefined;
    let position = began;
    const items: Blob[] = [];
    let isExhausted = false;
    for (let scanned = 0; items.length <= size && scanned < LIST_SCANNED_BLOBS_MAX && !isExhausted;) {
      // Where the first was not enough, a small page must not ask the database for each few.
      const limit = scanned === 0 ? size + 1 : Math.max(size + 1, LIST_BATCH_BLOBS_MIN);
      const batch = await source(position, limit);
      const offered = batch.flatMap(({ blob }) => (blob ? [blob] : []));
      items.push(...(await this.readable(caller, offered)));
      isExhausted = batch.length < limit;
      scanned += batch.length;
      position = batch.at(-1)?.orderKey ?? position;
    }
    const shown = items.slice(0, size);
    const last = shown.at(-1);
    const lastKey = last && orderKey(last);
    if (items.length > size) return { items: shown, nextPageToken: encodePageToken(query, lastKey) };
    if (isExhausted || position === undefined) return { items: shown, nextPageToken: '' };
    return { items: shown, nextPageToken: encodePageToken(query, positionBehind(lastKey, position, began)) };
  }

  #created(query: BlobQuery): Source {
    return (after, limit) => this.#heads.list(query, after, limit);
  }

  #sharedWith(userId: string, query: BlobQuery): Source {
    return async (after, limit) => {
      const named = await this.#shared.sharedWith(userId, after, limit);
      const blobs = await this.#heads.getMany(named.map(({ blobId }) => blobId));
      const byId = new Map(blobs.map((blob) => [blob.id, blob]));
      return named.map((shared) => {
        const blob = byId.get(shared.blobId);
        const isWanted = blob !== undefined && blob.userId !== userId && matches(blob, query);
        return { orderKey: shared.orderKey, blob: isWanted ? blob : undefined };
      });
    };
  }
}

function tooManyNodes(): StudioError {
  const limit = 'DAG_NODES_MAX';
  return new StudioError('LIMIT_EXCEEDED', `The graph has more than ${DAG_NODES_MAX} blobs; list children instead.`, {
    limit,
  });
}

function merged(one: Source, other: Source): Source {
  return async (after, limit) => {
    const both = (await Promise.all([one(after, limit), other(after, limit)])).flat();
    // The first `limit` of both together are among the first `limit` of each.
    return both.sort((a, b) => (a.orderKey > b.orderKey ? -1 : 1)).slice(0, limit);
  };
}

/** As the stored heads are filtered where the database does it. */
function matches(blob: Blob, query: BlobQuery): boolean {
  return (
    (query.contentType === undefined || blob.contentType === query.contentType) &&
    (query.rootId === undefined || blob.rootId === query.rootId) &&
    (query.parentId === undefined || blob.parentIds.includes(query.parentId)) &&
    (query.showDeleted || blob.deletedAt === undefined) &&
    Object.entries(query.labels ?? {}).every(([key, value]) => blob.labels[key] === value)
  );
}
