/** Blobs as callers see them, from live state or from a document at a past version. */
import type * as Y from 'yjs';
import type { Blob, BlobWithContent } from '../../domain/blob.ts';
import { contentHash, readCanonical } from '../../domain/content/canonical.ts';
import { type ContentFormat, readContent } from '../../domain/content/format.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import { StudioError } from '../../errors.ts';
import { isDatabaseError } from '../../storage/database-error.ts';
import { etagOf, type BlobHeads, type BlobMeta } from '../../storage/blobs.ts';
import { BlobMetas, type StoredMeta } from '../../storage/blob-metas.ts';
import type { Contents } from '../../storage/contents.ts';
import type { HeadWriter } from '../commits/head-writer.ts';
import type { Room } from '../rooms/room.ts';
import type { RoomState } from '../memory/room-state.ts';

export class BlobViews {
  readonly #heads: BlobHeads;
  readonly #metas: BlobMetas;
  readonly #readAtMs = new WeakMap<Room, number>();
  readonly #headWriter: Pick<HeadWriter, 'mark'>;
  readonly #contents: Contents;

  constructor(options: {
    readonly heads: BlobHeads;
    readonly headWriter: Pick<HeadWriter, 'mark'>;
    readonly contents: Contents;
  }) {
    this.#heads = options.heads;
    this.#metas = new BlobMetas(options.heads);
    this.#headWriter = options.headWriter;
    this.#contents = options.contents;
  }

  /**
   * What `ofRoom` and `ofChanged` take, asked for beforehand: the answer comes while something else is waited for. What
   * was read less than `ageMsMax` ago is not read again.
   */
  ask(room: Room, ageMsMax = 0): Promise<StoredMeta | undefined> {
    const now = performance.now();
    if (room.meta && now - (this.#readAtMs.get(room) ?? -Infinity) < ageMsMax) return Promise.resolve(room.meta);
    this.#readAtMs.set(room, now);
    const asked = this.#metas.read(room.state.blobId);
    asked.catch(() => this.#readAtMs.delete(room));
    return asked;
  }

  /** The blob as the room has it, with labels and processed_by as they are stored: other processes change them. */
  async ofRoom(room: Room, asked = this.ask(room)): Promise<Blob> {
    const stored = await asked;
    // A process that died between a commit and its head left none, or an older one: healed here. The older one only
    // at the first look: at a later one it is behind because others are just changing the blob, and writing it.
    if (!stored) await this.#heads.advance([room.state.head()]);
    else if (!room.meta && stored.version < room.state.version) this.#headWriter.mark(room.state);
    room.meta = stored ?? { labels: room.state.genesis.labels, processedBy: {}, metaVersion: 0, version: 0 };
    return blobOf(room.state, room.meta);
  }

  /** The same for the answer to a change, which is committed: without the database, with what was known of it last. */
  async ofChanged(room: Room, asked = this.ask(room)): Promise<Blob> {
    try {
      return await this.ofRoom(room, asked);
    } catch (error) {
      if (!room.meta || !isDatabaseError(error)) throw error;
      return blobOf(room.state, room.meta);
    }
  }

  async contentOf(doc: Y.Doc, contentType: string): Promise<{ content: Uint8Array; contentHash: string }> {
    const content = readCanonical(doc, contentType);
    if (shapeOf(contentType) !== 'binary') return { content, contentHash: contentHash(content) };
    const hash = Buffer.from(content).toString('utf8');
    const bytes = await this.#contents.get(hash);
    if (!bytes) throw new StudioError('INTERNAL', `The bytes with SHA-256 ${hash} are missing.`);
    return { content: bytes, contentHash: hash };
  }

  /** Hash and size are those of the canonical content, whatever the form. */
  async withContent(blob: Blob, doc: Y.Doc, format: ContentFormat = 'canonical'): Promise<BlobWithContent> {
    // Read before anything is waited for: what is read in two forms is one state.
    const formatted = format === 'canonical' ? undefined : readContent(doc, blob.contentType, format);
    const { content, contentHash: hash } = await this.contentOf(doc, blob.contentType);
    return { ...blob, content: formatted ?? content, contentHash: hash, size: content.byteLength };
  }
}

function blobOf(state: RoomState, meta: BlobMeta): Blob {
  const head = state.head();
  return {
    id: head.id,
    userId: head.owner,
    contentType: head.genesis.contentType,
    size: head.size,
    version: head.version,
    contentVersion: head.contentVersion,
    parentIds: head.genesis.parentIds,
    rootId: head.genesis.rootId,
    depth: head.genesis.depth,
    createdBy: head.genesis.createdBy,
    labels: meta.labels,
    processedBy: meta.processedBy,
    derivedFrom: head.derivedFrom,
    etag: etagOf(head.version, meta.metaVersion),
    createdAt: head.createdAt,
    updatedAt: head.updatedAt,
    deletedAt: head.deletedAt,
  };
}
