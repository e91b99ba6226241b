/** Blobs as they were. What a version holds never changes, so what was read of it may be kept as long as the version is. */
import type * as Y from 'yjs';
import { headBase } from '../../domain/base.ts';
import type { Blob, BlobWithContent } from '../../domain/blob.ts';
import { createDocument, rootOf } from '../../domain/content/document.ts';
import { type ContentFormat, readContent, requireFormat } from '../../domain/content/format.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import { isIdle, type Delta } from '../../domain/delta.ts';
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

/** What of a delta a version's facts are told by. */
interface Step {
  readonly version: number;
  readonly appliedAt: Date;
  readonly hasContent: boolean;
  readonly isIdle: boolean;
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
    const blob = await this.#views.ofRoom(room);
    if (version === blob.version && version === room.state.version) {
      return options.withContent ? this.#views.withContent(blob, room.state.doc, options.format) : blob;
    }
    const read = await this.contentAt(room, version);
    const past = { ...blob, ...(await this.#factsAt(room, version)), version, size: read.content.byteLength };
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
    if (known) {
      await this.#history.deltas.requireKept(blobId, version);
      return known;
    }
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

  async #factsAt(room: Room, version: number): Promise<Pick<Blob, 'contentVersion' | 'updatedAt'>> {
    let updatedAt: Date | undefined;
    let next = version;
    for (let count = 1; next > 0; count = BACKWARDS_DELTAS) {
      const first = Math.max(1, next - count + 1);
      const steps: Step[] = [];
      for await (const deltas of this.#blobs.deltas(room, first, next)) steps.push(...deltas.map(stepOf));
      for (const step of steps.reverse()) {
        if (step.version !== next) break;
        if (!step.isIdle) updatedAt ??= step.appliedAt;
        if (step.hasContent) return { contentVersion: next, updatedAt: updatedAt ?? step.appliedAt };
        next -= 1;
      }
      if (next < first) continue;
      // The last version of a range that retention dropped has no delta, and a state.
      const facts = await this.#history.factsAt(room.state.blobId, next);
      return { contentVersion: facts.contentVersion, updatedAt: updatedAt ?? facts.updatedAt };
    }
    return { contentVersion: 0, updatedAt: updatedAt ?? room.state.facts.updatedAt };
  }
}

function stepOf(delta: Delta): Step {
  const { toVersion, appliedAt, updates } = delta;
  return { version: toVersion, appliedAt, hasContent: updates.length > 0, isIdle: isIdle(delta) };
}
