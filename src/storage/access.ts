/**
 * Who was let in to which blob. One document per blob, made by the first grant or revocation; without one its creator
 * owns it alone. Not derived from the log, and untouched by what repairs heads.
 */
import type { Collection, Filter } from 'mongodb';
import type { ChangedAccess } from '../access/contract.ts';
import { AccessList } from '../domain/access/access-list.ts';
import { lineageOf, type Lineage } from '../domain/access/blob-access.ts';
import type { Role } from '../domain/access/role.ts';
import { IN_LIST_IDS_MAX } from '../limits.ts';
import { orderKey } from './blobs.ts';
import { inserted } from './database-error.ts';
import type { Database } from './database.ts';

interface AccessDocument {
  _id: string;
  version: number;
  /** The blob's own, so that what is shared with a user can be listed newest first. */
  order_key: string;
  grants: { user_id: string; role: Role; granted_by: string; granted_at: Date }[];
  /** Absent on one that has not changed since before this was kept. */
  changed_at?: Date;
}

export class AccessStore {
  readonly #database: Database;
  readonly #access: Collection<AccessDocument>;

  constructor(database: Database) {
    this.#database = database;
    this.#access = database.db.collection('access');
  }

  async createIndexes(): Promise<void> {
    await this.#access.createIndex({ 'grants.user_id': 1, order_key: -1 });
    await this.#access.createIndex({ changed_at: 1 });
  }

  /** Those of these blobs that have one stored. */
  async getMany(blobIds: readonly string[]): Promise<Map<string, AccessList>> {
    const found = new Map<string, AccessList>();
    for (let at = 0; at < blobIds.length; at += IN_LIST_IDS_MAX) {
      const slice = blobIds.slice(at, at + IN_LIST_IDS_MAX);
      const only = slice.length === 1 ? slice[0] : undefined;
      const documents = await this.#access.find({ _id: only ?? { $in: slice } }).toArray();
      for (const document of documents) found.set(document._id, fromDocument(document));
    }
    return found;
  }

  /** Compare and set: stores `list` if the one stored is still the one right before it. False if it is not. */
  async replace(lineage: Lineage, list: AccessList): Promise<boolean> {
    const grants = list.grants.map(({ userId, role, grantedBy, grantedAt }) => ({
      user_id: userId,
      role,
      granted_by: grantedBy,
      granted_at: grantedAt,
    }));
    if (list.version > 1) {
      const result = await this.#access.updateOne(
        { _id: lineage.blobId, version: list.version - 1 },
        { $set: { version: list.version, grants, changed_at: new Date() } },
      );
      return result.matchedCount === 1;
    }
    return inserted(
      this.#access.insertOne({
        _id: lineage.blobId,
        version: list.version,
        order_key: orderKey({ id: lineage.blobId, createdAt: lineage.createdAt }),
        grants,
        changed_at: new Date(),
      }),
    );
  }

  /** Blobs whose list names this user, newest first, own ones too; `after` is the order key of the last one seen. */
  async sharedWith(userId: string, after: string | undefined, limit: number): Promise<SharedBlob[]> {
    const filter: Filter<AccessDocument> = { 'grants.user_id': userId };
    if (after !== undefined) filter.order_key = { $lt: after };
    const documents = await this.#access
      .find(filter, { projection: { order_key: 1 } })
      .sort({ order_key: -1 })
      .limit(limit)
      .toArray();
    return documents.map((document) => ({ blobId: document._id, orderKey: document.order_key }));
  }

  /** Lists changed at or after `since`, oldest first. */
  async changedSince(since: Date, limit: number): Promise<ChangedAccess[]> {
    const documents = await this.#access
      .find({ changed_at: { $gte: since } }, { projection: { changed_at: 1 } })
      .sort({ changed_at: 1 })
      .limit(limit)
      .toArray();
    return documents.map(({ _id: blobId, changed_at: changedAt = since }) => ({ blobId, changedAt }));
  }

  /** Those of these blobs that exist. From their heads, or, while a head is not written yet, from the log. */
  async lineages(blobIds: readonly string[]): Promise<Lineage[]> {
    const lineages = await this.#fromHeads(blobIds);
    if (lineages.length === blobIds.length) return lineages;
    const found = new Set(lineages.map(({ blobId }) => blobId));
    return [...lineages, ...(await this.#fromLog(blobIds.filter((id) => !found.has(id))))];
  }

  async #fromHeads(blobIds: readonly string[]): Promise<Lineage[]> {
    const lineages: Lineage[] = [];
    for (let at = 0; at < blobIds.length; at += IN_LIST_IDS_MAX) {
      const slice = blobIds.slice(at, at + IN_LIST_IDS_MAX);
      const only = slice.length === 1 ? slice[0] : undefined;
      const documents = await this.#database.blobs
        .find(
          { _id: only ?? { $in: slice } },
          { projection: { user_id: 1, created_by: 1, parent_ids: 1, created_at: 1 } },
        )
        .toArray();
      for (const document of documents) {
        lineages.push(
          lineageOf({
            id: document._id,
            owner: document.user_id,
            createdAt: document.created_at,
            createdBy: document.created_by,
            parentIds: document.parent_ids,
          }),
        );
      }
    }
    return lineages;
  }

  async #fromLog(blobIds: readonly string[]): Promise<Lineage[]> {
    const lineages: Lineage[] = [];
    for (let at = 0; at < blobIds.length; at += IN_LIST_IDS_MAX) {
      const slice = blobIds.slice(at, at + IN_LIST_IDS_MAX);
      const only = slice.length === 1 ? slice[0] : undefined;
      const documents = await this.#database.commits
        .find(
          { blob_id: only ?? { $in: slice }, first_seq: 1 },
          { projection: { blob_id: 1, owner: 1, 'deltas.genesis': 1, 'deltas.created_at': 1 } },
        )
        .toArray();
      for (const { blob_id: id, owner, deltas } of documents) {
        const [first] = deltas;
        if (first?.genesis) lineages.push(lineageOf({ ...first.genesis, id, owner, createdAt: first.created_at }));
      }
    }
    return lineages;
  }
}

export interface SharedBlob {
  readonly blobId: string;
  readonly orderKey: string;
}

function fromDocument(document: AccessDocument): AccessList {
  return new AccessList(
    document.version,
    document.grants.map((grant) => ({
      userId: grant.user_id,
      role: grant.role,
      grantedBy: grant.granted_by,
      grantedAt: grant.granted_at,
    })),
  );
}
