/**
 * Which delta brought which Yjs items of a blob, and who made each delta when. Kept in blocks of versions: made of pieces
 * taken from the room's memory while their deltas are committed, else of the log when first asked for; stored, since no version ever
 * changes. A block survives the deltas it is of, so attribution outlives what retention drops.
 */
import type { Logger } from 'pino';
import { OriginBlock, type VersionFact } from '../../domain/attribution/origin-block.ts';
import { Origins } from '../../domain/attribution/origins.ts';
import { ORIGINS_BLOCK_VERSIONS, ORIGINS_CACHED_VERSIONS_MAX, ORIGINS_PAGE_BLOCKS } from '../../limits.ts';
import { firstOfCommit } from '../../storage/log/commit-document.ts';
import type { Database } from '../../storage/database.ts';
import type { OriginBlocks, StoredBlock } from '../../storage/origin-blocks.ts';
import type { OriginPieces } from './origin-pieces.ts';
import type { ReadableBlobs } from '../rooms/readable.ts';
import { RecentlyUsed } from '../memory/recently-used.ts';
import type { Room } from '../rooms/room.ts';

export class OriginIndex {
  readonly #blobs: ReadableBlobs;
  readonly #blocks: OriginBlocks;
  readonly #database: Database;
  readonly #logger: Logger;
  readonly #pieces: OriginPieces;
  readonly #known = new RecentlyUsed<Origins>(ORIGINS_CACHED_VERSIONS_MAX);
  /** One at a time for each blob: those who come meanwhile wait, and then find what they need or go the rest of the way. */
  readonly #running = new Map<string, Promise<Origins>>();

  constructor(options: {
    readonly blobs: ReadableBlobs;
    readonly blocks: OriginBlocks;
    readonly pieces: OriginPieces;
    readonly database: Database;
    readonly logger: Logger;
  }) {
    this.#blobs = options.blobs;
    this.#pieces = options.pieces;
    this.#blocks = options.blocks;
    this.#database = options.database;
    this.#logger = options.logger;
  }

  /** Origins of versions 1..version at least. The version exists. */
  async upTo(room: Room, version: number): Promise<Origins> {
    const { blobId } = room.state;
    for (;;) {
      const running = this.#running.get(blobId);
      if (running) {
        await running.catch(() => undefined);
        continue;
      }
      const known = this.#known.get(blobId);
      if (known && known.version >= version) return known;
      const reading = this.#read(room, known ?? new Origins(), version).finally(() => this.#running.delete(blobId));
      this.#running.set(blobId, reading);
      return reading;
    }
  }

  async #read(room: Room, origins: Origins, version: number): Promise<Origins> {
    const { blobId } = room.state;
    // What fails half way is begun anew the next time.
    this.#known.delete(blobId);
    let stored = new Map<number, StoredBlock>();
    let asked = 0;
    while (origins.version < version) {
      const after = blockOf(origins.version + 1);
      const isWhole = after + ORIGINS_BLOCK_VERSIONS <= version;
      if (isWhole && after >= asked) {
        asked = after + ORIGINS_BLOCK_VERSIONS * ORIGINS_PAGE_BLOCKS;
        const page = await this.#blocks.range(blobId, after, Math.min(asked, version) - 1);
        stored = new Map(page.map((block) => [block.after, block]));
      }
      const bytes = stored.get(after)?.bytes;
      const last = Math.min(after + ORIGINS_BLOCK_VERSIONS, version);
      const block = decode(bytes, after) ?? (await this.#make(room, after, last));
      origins.addBlock(block, last);
    }
    this.#known.set(blobId, origins, origins.version);
    return origins;
  }

  /** Facts of versions below and up to `last`, ascending: those of its block that are above `floor`. */
  async factsBelow(room: Room, last: number, floor: number): Promise<readonly VersionFact[]> {
    const after = blockOf(last);
    const first = Math.max(after, floor) + 1;
    const recent = room.state.recent(first, last);
    if (recent) return OriginBlock.of(after, recent, firstOfCommit).facts;
    const end = after + ORIGINS_BLOCK_VERSIONS;
    const bytes = end <= room.state.version ? await this.#blocks.get(room.state.blobId, after) : undefined;
    const block = decode(bytes, after) ?? (await this.#make(room, after, Math.min(end, room.state.version)));
    return block.facts.filter(({ toVersion }) => toVersion >= first && toVersion <= last);
  }

  /** Takes in what the room has up to that version. */
  keep({ state }: Room, upTo: number): void {
    this.#pieces.keep(state, upTo);
  }

  /** Makes the block above version `after` and stores it, if its deltas are all there. */
  async store(room: Room, after: number): Promise<void> {
    if (after + ORIGINS_BLOCK_VERSIONS > room.state.version) return;
    const bytes = this.#pieces.take(room.state.blobId, after);
    if (bytes) await this.#put(room.state.blobId, { after, bytes });
    else await this.#make(room, after, after + ORIGINS_BLOCK_VERSIONS);
  }

  async #make(room: Room, after: number, last: number): Promise<OriginBlock> {
    const parts: OriginBlock[] = [];
    for await (const deltas of this.#blobs.deltas(room, after + 1, last))
      parts.push(OriginBlock.of(after, deltas, firstOfCommit));
    const block = OriginBlock.follow(after, parts);
    // One that lacks what retention dropped must not pass for whole: it might have been stored whole before.
    if (block.facts.length === ORIGINS_BLOCK_VERSIONS)
      await this.#put(room.state.blobId, { after, bytes: block.encode() });
    return block;
  }

  async #put(blobId: string, block: StoredBlock): Promise<void> {
    try {
      // G1: a delta that was read is not yet a durable one, and a block must not outlive deltas that never were.
      await this.#database.fence();
      await this.#blocks.put(blobId, block);
    } catch (error) {
      // It costs only time: the block is made again.
      this.#logger.warn({ err: error, blobId, after: block.after }, 'origins not stored');
    }
  }
}

function decode(bytes: Uint8Array | undefined, after: number): OriginBlock | undefined {
  const block = bytes && OriginBlock.decode(bytes);
  return block?.after === after ? block : undefined;
}

/** The version before the block that `version` is in. */
export function blockOf(version: number): number {
  return version - 1 - ((version - 1) % ORIGINS_BLOCK_VERSIONS);
}
