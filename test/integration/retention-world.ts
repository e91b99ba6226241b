/** Retention on real parts, put together as engine.ts does: it asks for the named versions, and keeps origins beforehand. */
import type { HistoryLimits, HistoryParts } from '../../src/documents/history/history-parts.ts';
import { OriginIndex } from '../../src/documents/origins/origin-index.ts';
import { OriginPieces } from '../../src/documents/origins/origin-pieces.ts';
import { Thinning } from '../../src/documents/retention/thinning.ts';
import { ReadableBlobs } from '../../src/documents/rooms/readable.ts';
import { Failpoints } from '../../src/failpoints.ts';
import type { Database } from '../../src/storage/database.ts';
import { NamedVersions } from '../../src/storage/named-versions.ts';
import { OriginBlocks } from '../../src/storage/origin-blocks.ts';
import type { TestParts } from '../harness/parts.ts';
import { closedInTheEnd, logger } from './past-world.ts';
import { openRooms } from './rooms-world.ts';

export interface RetentionWorld {
  readonly thinning: Thinning;
  readonly past: HistoryParts;
  readonly origins: OriginIndex;
  close(): Promise<void>;
}

export async function openRetention(
  parts: Pick<TestParts, 'url'>,
  options: { readonly database: string; readonly failpoints?: Failpoints; readonly limits?: HistoryLimits },
): Promise<RetentionWorld> {
  const world = await openRooms(parts, { ...options, memoryBytesMax: 64 * 1024 * 1024 });
  const { rooms, archive, database, log } = world;
  const names = new NamedVersions(database.db);
  const origins = new OriginIndex({
    blobs: new ReadableBlobs({ rooms, history: archive.history }),
    blocks: new OriginBlocks(database.db),
    pieces: new OriginPieces(),
    database,
    logger,
  });
  const thinning = new Thinning({
    ...archive,
    log,
    names,
    prepare: (blobId) => rooms.with(blobId, async (room) => void (await origins.upTo(room, room.state.version))),
    failpoints: options.failpoints ?? new Failpoints(),
  });
  return closedInTheEnd({ thinning, past: archive, origins, close: () => world.close() });
}

export async function nameVersion(database: Database, blobId: string, version: number): Promise<void> {
  const named = { blobId, version, name: 'as sent', userId: 'ann', namedAt: new Date() };
  if (!(await new NamedVersions(database.db).put(named))) throw new Error('not named');
}
