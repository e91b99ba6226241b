/** A blob as the calls that read it get at it: known to exist, to be the caller's to see, and up to date. */
import type { Action } from '../domain/access.ts';
import type { Caller } from '../domain/caller.ts';
import type { Delta, SeqRange } from '../domain/delta.ts';
import { StudioError } from '../errors.ts';
import { RETENTION_AFTER_MS_MIN } from '../limits.ts';
import type { History } from './history.ts';
import type { Room } from './room.ts';
import type { Rooms } from './rooms.ts';

export class ReadableBlobs {
  readonly #rooms: Rooms;
  readonly #history: History;

  constructor(options: { readonly rooms: Rooms; readonly history: History }) {
    this.#rooms = options.rooms;
    this.#history = options.history;
  }

  /** The room holds all that the log holds when `read` begins. */
  async with<T>(caller: Caller, blobId: string, read: (room: Room) => Promise<T>, action: Action = 'read'): Promise<T> {
    return this.#rooms.with(blobId, async (room) => {
      await room.refresh();
      await room.authorize(caller, action);
      return read(room);
    });
  }

  /** Deltas first..last, ascending. For ranges whose size the caller bounds. */
  async deltas(room: Room, first: number, last: number): Promise<readonly Delta[]> {
    if (first > last) return [];
    return room.state.recent(first, last) ?? this.#history.deltas(room.state.blobId, first, last);
  }

  /** At most `limit` deltas beyond `after`, ascending: what retention dropped is left out, what follows it fills up. */
  async deltasAfter(room: Room, after: number, limit: number): Promise<readonly Delta[]> {
    const last = Math.min(room.state.version, after + limit);
    if (last <= after) return [];
    const recent = recentOf(room, after + 1, last);
    if (recent) return recent;
    const deltas = await this.#history.deltasAfter(room.state.blobId, after, limit);
    return deltas.filter((delta) => delta.toVersion <= room.state.version);
  }

  /** At most `limit` deltas below `before` and above `downTo`, ascending, in the same way. */
  async deltasBefore(room: Room, before: number, downTo: number, limit: number): Promise<readonly Delta[]> {
    const first = Math.max(downTo, before - 1 - limit) + 1;
    if (first >= before) return [];
    const recent = recentOf(room, first, before - 1);
    return recent ?? this.#history.deltasBefore(room.state.blobId, before, downTo, limit);
  }
}

/** Throws VERSION_NOT_FOUND unless the blob has that version. */
export function requireVersion(room: Room, version: number): void {
  if (version >= 1 && version <= room.state.version) return;
  const { blobId, version: head } = room.state;
  throw new StudioError('VERSION_NOT_FOUND', `Blob "${blobId}" has versions 1 to ${head}.`, {
    blob_id: blobId,
    version: String(version),
  });
}

/** The last version of a dropped range can be read, from the state that is left there. */
export function isThinned(dropped: SeqRange, version: number): boolean {
  return dropped.first <= version && version < dropped.last;
}

export function versionThinned(blobId: string, version: number, dropped: SeqRange): StudioError {
  return new StudioError('VERSION_THINNED', `Version ${version} of blob "${blobId}" was thinned by retention.`, {
    blob_id: blobId,
    version: String(version),
    kept_before: String(dropped.first - 1),
    kept_after: String(dropped.last),
  });
}

/** What is in memory, unless it is so old that another process may have dropped it from the log meanwhile. */
function recentOf(room: Room, first: number, last: number): readonly Delta[] | undefined {
  const recent = room.state.recent(first, last);
  const oldest = recent?.[0]?.appliedAt.getTime() ?? 0;
  return Date.now() - oldest < RETENTION_AFTER_MS_MIN ? recent : undefined;
}
