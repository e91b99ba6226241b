/** Stored heads: what lists and graphs are read from. Derived from the log, so they may lag it and can be rebuilt. */
import type { StoredMeta } from './blob-metas.ts';
import type { Filter } from 'mongodb';
import type { Blob, Derivation, Processed, Receipt } from '../domain/blob.ts';
import type { Genesis } from '../domain/delta.ts';
import { IN_LIST_IDS_MAX } from '../limits.ts';
import { BlobLabels, escapeKey, escapeLabels, type LabelConditions, unescapeLabels } from './blob-labels.ts';
import { inserted } from './database-error.ts';
import type { BlobDocument, Database } from './database.ts';
import { idsByPages } from './id-pages.ts';

/** What of a head is derived from the log. */
export interface DerivedHead {
  readonly id: string;
  readonly owner: string;
  readonly genesis: Genesis;
  readonly version: number;
  readonly contentVersion: number;
  readonly size: number;
  readonly derivedFrom?: Derivation;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly deletedAt?: Date;
}

/** What of a head is not derived: written by its own calls, untouched by repair. */
export interface BlobMeta {
  readonly labels: Readonly<Record<string, string>>;
  readonly processedBy: Readonly<Record<string, Processed>>;
  readonly metaVersion: number;
}

export interface BlobQuery {
  /** Who created them; absent: whoever. */
  readonly userId?: string;
  readonly contentType?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly rootId?: string;
  readonly parentId?: string;
  readonly showDeleted: boolean;
}

export class BlobHeads {
  readonly labels: BlobLabels;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    this.labels = new BlobLabels(database);
  }

  async get(id: string): Promise<Blob | undefined> {
    const document = await this.#database.blobs.findOne({ _id: id });
    return document ? fromDocument(document) : undefined;
  }

  /** By id, of at most IN_LIST_IDS_MAX. */
  async getMetas(ids: readonly string[]): Promise<Map<string, StoredMeta>> {
    const projection = { version: 1, labels: 1, processed_by: 1, meta_version: 1 };
    const [id] = ids;
    const filter = ids.length === 1 && id !== undefined ? { _id: id } : { _id: { $in: [...ids] } };
    const found = await this.#database.blobs.find(filter, { projection }).toArray();
    return new Map(found.map((document) => [document._id, { ...readMeta(document), version: document.version }]));
  }

  async getMany(ids: readonly string[]): Promise<Blob[]> {
    const blobs: Blob[] = [];
    for (let at = 0; at < ids.length; at += IN_LIST_IDS_MAX) {
      const found = await this.#database.blobs.find({ _id: { $in: ids.slice(at, at + IN_LIST_IDS_MAX) } }).toArray();
      blobs.push(...found.map(fromDocument));
    }
    return blobs;
  }

  /** Their versions alone, by id: of at most IN_LIST_IDS_MAX. */
  async versions(ids: readonly string[]): Promise<Map<string, number>> {
    const found = await this.#database.blobs.find({ _id: { $in: [...ids] } }, { projection: { version: 1 } }).toArray();
    return new Map(found.map(({ _id, version }) => [_id, version]));
  }

  /** Of the blobs named, those whose head is below a version named. */
  async behind(receipts: readonly Receipt[]): Promise<string[]> {
    const newest = new Map<string, number>();
    for (const { blobId, version } of receipts) newest.set(blobId, Math.max(version, newest.get(blobId) ?? 0));
    const versions = new Map((await this.getMany([...newest.keys()])).map(({ id, version }) => [id, version]));
    return [...newest].filter(([id, version]) => (versions.get(id) ?? 0) < version).map(([id]) => id);
  }

  /** First write of a head. False: it was there already, maybe an older one. */
  async insert(head: DerivedHead): Promise<boolean> {
    return inserted(
      this.#database.blobs.insertOne({
        ...derivedFields(head),
        _id: head.id,
        order_key: orderKey(head),
        labels: escapeLabels(head.genesis.labels),
        processed_by: {},
        meta_version: 0,
      }),
    );
  }

  /**
   * Moves heads forward, never back: a slower writer with an older version changes nothing. Heads that are missing
   * are inserted.
   */
  async advance(heads: readonly DerivedHead[]): Promise<void> {
    if (heads.length === 0) return;
    if ((await this.#update(heads)) === heads.length) return;
    const stored = await this.getMany(heads.map((head) => head.id));
    const versions = new Map(stored.map(({ id, version }) => [id, version]));
    for (const head of heads) {
      const version = versions.get(head.id);
      if (version === undefined && (await this.insert(head))) continue;
      // Who inserted it in between may have known less.
      if (version === undefined || version < head.version) await this.#update([head]);
    }
  }

  /** How many of them there were, and older. */
  async #update(heads: readonly DerivedHead[]): Promise<number> {
    const { matchedCount } = await this.#database.blobs.bulkWrite(
      heads.map((head) => ({
        updateOne: {
          filter: { _id: head.id, version: { $lt: head.version } },
          // Fields that are undefined are left out of what is sent: a date of deletion has to be taken away.
          update: { $set: derivedFields(head), ...(head.deletedAt ? {} : { $unset: { deleted_at: '' } }) },
        },
      })),
      { ordered: false },
    );
    return matchedCount;
  }

  /** The derived fields as stored. */
  async derived(id: string): Promise<Partial<DerivedFields> | undefined> {
    return (await this.#database.blobs.findOne({ _id: id })) ?? undefined;
  }

  /** What they should be for this head. */
  derivedFields(head: DerivedHead): DerivedFields {
    return { ...derivedFields(head), order_key: orderKey(head) };
  }

  /**
   * Writes the derived fields, and leaves the others alone, where the stored version is still the one that was found to
   * be wrong. A head that is missing is inserted. False: somebody else has written it.
   */
  async restore(head: DerivedHead, found: unknown): Promise<boolean> {
    const fields = Object.entries(this.derivedFields(head));
    const absent = fields.filter(([, value]) => value === undefined).map(([key]) => [key, '']);
    const result = await this.#database.blobs.updateOne(
      { _id: head.id, version: (found ?? null) as number },
      {
        $set: Object.fromEntries(fields.filter(([, value]) => value !== undefined)),
        ...(absent.length > 0 ? { $unset: Object.fromEntries(absent) as Record<string, ''> } : {}),
      },
    );
    return result.matchedCount === 1 || this.insert(head);
  }

  /** Ids of all heads, ascending. */
  ids(): AsyncGenerator<string> {
    return idsByPages(this.#database.blobs, ['_id']);
  }

  /** Newest first; `after` is the order key of the last one seen. */
  async list(query: BlobQuery, after: string | undefined, limit: number): Promise<{ blob: Blob; orderKey: string }[]> {
    const filter: Filter<BlobDocument> = {};
    if (query.userId !== undefined) filter.user_id = query.userId;
    if (query.contentType !== undefined) filter.content_type = query.contentType;
    if (query.rootId !== undefined) filter.root_id = query.rootId;
    if (query.parentId !== undefined) filter.parent_ids = query.parentId;
    if (!query.showDeleted) filter.deleted_at = { $exists: false };
    const labels = Object.entries(query.labels ?? {}).map(([key, value]) => ({ [`labels.${escapeKey(key)}`]: value }));
    if (labels.length > 0) filter.$and = labels;
    if (after !== undefined) filter.order_key = { $lt: after };
    const documents = await this.#database.blobs
      .find(filter)
      .sort(query.userId === undefined ? { order_key: -1 } : { user_id: 1, order_key: -1 })
      .limit(limit)
      .toArray();
    return documents.map((document) => ({ blob: fromDocument(document), orderKey: document.order_key }));
  }

  /** The blobs of one DAG that are not deleted, or one owner's of them: by id, at most `limit`, beyond `after`. */
  async ofRoot(rootId: string, limit: number, owner?: string, after = ''): Promise<Blob[]> {
    const filter: Filter<BlobDocument> = { root_id: rootId, deleted_at: { $exists: false }, _id: { $gt: after } };
    if (owner !== undefined) filter.user_id = owner;
    return (await this.#database.blobs.find(filter).sort({ _id: 1 }).limit(limit).toArray()).map(fromDocument);
  }

  /** Heads updated at or after `since`, oldest first. */
  async updatedSince(since: Date, limit: number): Promise<Blob[]> {
    const cursor = this.#database.blobs
      .find({ updated_at: { $gte: since } })
      .sort({ updated_at: 1 })
      .limit(limit);
    return (await cursor.toArray()).map(fromDocument);
  }

  setLabels(id: string, labels: Readonly<Record<string, string>>, conditions: LabelConditions): Promise<boolean> {
    return this.labels.set(id, labels, conditions);
  }

  /** `unlessNewer`: where what is noted is of a newer version of its input, that stays. */
  async setProcessed(
    id: string,
    providerId: string,
    processed: Processed,
    { unlessNewer = false }: { readonly unlessNewer?: boolean } = {},
  ): Promise<void> {
    const notNewer = {
      [`processed_by.${providerId}.inputs.version`]: { $not: { $gt: processed.inputs[0]?.version ?? 0 } },
    };
    await this.#database.blobs.updateOne(
      { _id: id, ...(unlessNewer ? notNewer : {}) },
      { $set: { [`processed_by.${providerId}`]: { ...processed } }, $inc: { meta_version: 1 } },
    );
  }
}

type DerivedFields = Omit<BlobDocument, '_id' | 'labels' | 'label_requests' | 'processed_by' | 'meta_version'>;

function derivedFields(head: DerivedHead): Omit<DerivedFields, 'order_key'> {
  return {
    user_id: head.owner,
    content_type: head.genesis.contentType,
    size: head.size,
    version: head.version,
    content_version: head.contentVersion,
    parent_ids: [...head.genesis.parentIds],
    root_id: head.genesis.rootId,
    depth: head.genesis.depth,
    created_by: head.genesis.createdBy,
    derived_from: head.derivedFrom ? { ...head.derivedFrom } : undefined,
    created_at: head.createdAt,
    updated_at: head.updatedAt,
    deleted_at: head.deletedAt,
  };
}

/** Newest first among a user's blobs, and unlike that of any other blob. */
export function orderKey(head: Pick<DerivedHead, 'id' | 'createdAt'>): string {
  return `${String(head.createdAt.getTime()).padStart(14, '0')}-${head.id}`;
}

/** Everything a reader can see moves either the version or the meta version. */
export function etagOf(version: number, metaVersion: number): string {
  return `${version}.${metaVersion}`;
}

/** Of a blob's own etag. */
export function metaVersionOf(etag: string): number {
  return Number(etag.slice(etag.indexOf('.') + 1));
}

function fromDocument(document: BlobDocument): Blob {
  return {
    id: document._id,
    userId: document.user_id,
    contentType: document.content_type,
    size: document.size,
    version: document.version,
    contentVersion: document.content_version,
    parentIds: document.parent_ids,
    rootId: document.root_id,
    depth: document.depth,
    createdBy: document.created_by,
    labels: readMeta(document).labels,
    processedBy: readMeta(document).processedBy,
    derivedFrom: document.derived_from as Derivation | undefined,
    etag: etagOf(document.version, document.meta_version),
    createdAt: document.created_at,
    updatedAt: document.updated_at,
    deletedAt: document.deleted_at,
  };
}

function readMeta(document: Pick<BlobDocument, 'labels' | 'processed_by' | 'meta_version'>): BlobMeta {
  return {
    labels: unescapeLabels(document.labels),
    processedBy: document.processed_by as unknown as Record<string, Processed>,
    metaVersion: document.meta_version,
  };
}
