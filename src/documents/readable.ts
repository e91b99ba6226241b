/** A blob as the calls that read it get at it: known to exist, to be the caller's to see, and up to date. */
import type { Action } from '../domain/access.ts';
import type { Caller } from '../domain/caller.ts';
import type { Delta } from '../domain/delta.ts';
import { StudioError } from '../errors.ts';
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
