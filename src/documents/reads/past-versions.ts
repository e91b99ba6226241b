/** Blobs as they were. What a version holds never changes, so what was read of it may be kept. */
import type * as Y from 'yjs';
import { headBase } from '../../domain/base.ts';
import type { BlobWithContent } from '../../domain/blob.ts';
import { createDocument, rootOf } from '../../domain/content/document.ts';
import { type ContentFormat, readContent, requireFormat } from '../../domain/content/format.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import type { Delta } from '../../domain/delta.ts';
import { VERSION_CONTENTS_CACHED_BYTES_MAX } from '../../limits.ts';
import type { BlobViews } from './blob-view.ts';
import type { ReadContent } from '../contract.ts';
import type { History } from '../history/history.ts';
import { type ReadableBlobs, requireVersion } from '../rooms/readable.ts';
import { RecentlyUsed } from '../memory/recently-used.ts';
import type { Room } from '../rooms/room.ts';

interface Content {
  readonly content: Uint8Array;
  readonly contentHash: string;
}

/** How many deltas at a time are looked through for the newest that changed the content. */
const BACKWARDS_DELTAS = 64;

export class PastVersions {
  readonly #history: History;
  readonly #views: BlobViews;
  readonly #blobs: ReadableBlobs;
  readonly #contents = new RecentlyUsed<Content>(VERSION_CONTENTS_CACHED_BYTES_MAX);

  constructor(options: { readonly history: History; readonly views: BlobViews; readonly blobs: ReadableBlobs }) {
    this.#history = options.history;
    this.#views = options.views;
    this.#blobs = options.blobs;
  }

  /** Throws VERSION_NOT_FOUND or CONTENT_FORMAT_UNSUPPORTED. */
  async blobAt(room: Room, version: number, options: ReadContent): Promise<BlobWithContent> {
    requireVersion(room, version);
    requireFormat(room.state.genesis.contentType, options.format);
    const blob = await this.#views.ofRoom(room, { fresh: true });
    if (version === blob.version && version === room.state.version) {
      return options.withContent ? this.#views.withContent(blob, room.state.doc, options.format) : blob;
    }
    const read = await this.contentAt(room, version);
    // The last version of a range that retention dropped has content and no delta.
    const delta = await this.#blobs.delta(room, version);
    const contentVersion = delta ? await this.#contentVersionAt(room, delta) : version;
    const updatedAt = delta?.appliedAt ?? blob.updatedAt;
    const past = { ...blob, version, contentVersion, updatedAt, size: read.content.byteLength };
    if (!options.withContent) return past;
    const { contentHash, content } = read;
    return { ...past, contentHash, content: (await this.#formattedAt(room, version, options.format)) ?? content };
  }

  /** Undefined: in canonical form. */
  async #formattedAt(room: Room, version: number, format: ContentFormat | undefined): Promise<Uint8Array | undefined> {
    if (format === undefined || format === 'canonical') return undefined;
    return this.withDocument(room, version, (doc) => readContent(doc, room.state.genesis.contentType, format));
  }

  /** The canonical content, for binary blobs the bytes. The version exists. */
  async contentAt(room: Room, version: number): Promise<Content> {
    const { blobId, genesis } = room.state;
    const key = `${blobId}@${version}`;
    const known = this.#contents.get(key);
    if (known) return known;
    const read = await this.withDocument(room, version, (doc) => this.#views.contentOf(doc, genesis.contentType));
    // The head is as quick to read, and is soon another.
    if (version < room.state.version) this.#contents.set(key, read, read.content.byteLength + 200);
    return read;
  }

  /**
   * Runs `use` with a document at that version (0: nothing at all), which must not be changed. It may be the live one,
   * so `use` takes what it needs before it waits for anything.
   */
  async withDocument<T>(room: Room, version: number, use: (doc: Y.Doc) => Promise<T> | T): Promise<T> {
    if (version === room.state.version) return use(room.state.doc);
    const doc =
      version === 0
        ? createDocument({ gc: false })
        : await this.#history.materialize(room.state.blobId, headBase(version));
    try {
      rootOf(doc, shapeOf(room.state.genesis.contentType));
      return await use(doc);
    } finally {
      doc.destroy();
    }
  }

  async #contentVersionAt(room: Room, newest: Delta): Promise<number> {
    let delta: Delta | undefined = newest;
    for (let last = newest.toVersion; last > 0; last -= BACKWARDS_DELTAS) {
      if (delta && delta.updates.length > 0) return delta.toVersion;
      delta = undefined;
      for await (const deltas of this.#blobs.deltas(room, Math.max(1, last - BACKWARDS_DELTAS + 1), last))
        delta = deltas.findLast((one) => one.updates.length > 0) ?? delta;
      if (delta) return delta.toVersion;
    }
    return 0;
  }
}
