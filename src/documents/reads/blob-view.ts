/** Blobs as callers see them, from live state or from a document at a past version. */
import type * as Y from 'yjs';
import type { Blob, BlobWithContent } from '../../domain/blob.ts';
import { contentHash, readCanonical } from '../../domain/content/canonical.ts';
import { type ContentFormat, readContent } from '../../domain/content/format.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import { within } from '../../domain/within.ts';
import { StudioError } from '../../errors.ts';
import { META_ANSWER_MS_MAX } from '../../limits.ts';
import { isDatabaseError } from '../../storage/database-error.ts';
import { etagOf, type BlobHeads, type BlobMeta } from '../../storage/blobs.ts';
import { BlobMetas, type StoredMeta } from '../../storage/blob-metas.ts';
import type { Contents } from '../../storage/contents.ts';
import type { HeadWriter } from '../commits/head-writer.ts';
import type { Room } from '../rooms/room.ts';
import type { RoomState } from '../memory/room-state.ts';

interface AskedMeta {
  /** On performance's clock. */
  readonly atMs: number;
  readonly found: Promise<StoredMeta | undefined>;
}

export class BlobViews {
  readonly #heads: BlobHeads;
  readonly #metas: BlobMetas;
  /** What was asked last, and by what the room's meta is known. */
  readonly #asked = new WeakMap<Room, AskedMeta>();
  readonly #known = new WeakMap<Room, AskedMeta>();
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
   * was asked less than `ageMsMax` ago is not asked again.
   */
  ask(room: Room, ageMsMax = 0): AskedMeta {
    const atMs = performance.now();
    const last = this.#asked.get(room);
    if (last && atMs - last.atMs < ageMsMax) return last;
    const asked = { atMs, found: this.#metas.read(room.state.blobId) };
    this.#asked.set(room, asked);
    asked.found.catch(() => this.#asked.get(room) === asked && this.#asked.delete(room));
    return asked;
  }

  /** The blob as the room has it, with labels and processed_by as they are stored: other processes change them. */
  async ofRoom(room: Room, asked = this.ask(room)): Promise<Blob> {
    const stored = await asked.found;
    // A process that died between a commit and its head left none, or an older one: healed here. The older one only
    // at the first look: at a later one it is behind because others are just changing the blob, and writing it.
    if (!stored) await this.#heads.advance([room.state.head()]);
    else if (!room.meta && stored.version < room.state.version) this.#headWriter.mark(room.state);
    if (!room.meta || asked.atMs >= (this.#known.get(room)?.atMs ?? -Infinity)) {
      room.meta = stored ?? { labels: room.state.genesis.labels, processedBy: {}, metaVersion: 0, version: 0 };
      this.#known.set(room, asked);
    }
    return blobOf(room.state, room.meta);
  }

  /**
   * The same for the answer to a change, which is committed: where the database does not answer, with what was known of
   * it last, or asked anew, for it may be back by now.
   */
  async ofChanged(room: Room, asked = this.ask(room)): Promise<Blob> {
    try {
      if (!room.meta) return await this.ofRoom(room, asked);
      return (await within(this.ofRoom(room, asked), META_ANSWER_MS_MAX, undefined)) ?? blobOf(room.state, room.meta);
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      return room.meta ? blobOf(room.state, room.meta) : await this.ofRoom(room);
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
