/** A blob as the calls that read it get at it: known to exist, to be the caller's to see, and up to date. */
import { versionNotFound, type Action } from '../../domain/access/access.ts';
import type { Caller } from '../../domain/access/caller.ts';
import type { Delta } from '../../domain/delta.ts';
import { RETENTION_AFTER_MS_MIN } from '../../limits.ts';
import type { DeltaPage } from '../history/delta-reads.ts';
import type { History } from '../history/history.ts';
import type { Room } from './room.ts';
import type { Rooms } from './rooms.ts';

const NO_DELTAS: DeltaPage = { deltas: [], isCut: false };

export class ReadableBlobs {
  readonly #rooms: Rooms;
  readonly #history: History;

  constructor(options: { readonly rooms: Rooms; readonly history: History }) {
    this.#rooms = options.rooms;
    this.#history = options.history;
  }

  /** The room holds all that the log holds when `read` begins. */
  async with<T>(caller: Caller, blobId: string, read: (room: Room) => Promise<T>, action: Action = 'read'): Promise<T> {
    return this.#rooms.withFor(caller, blobId, async (room) => {
      await room.refresh();
      await room.authorize(caller, action);
      return read(room);
    });
  }

  async delta(room: Room, version: number): Promise<Delta | undefined> {
    return room.state.recent(version, version)?.[0] ?? this.#history.deltas.at(room.state.blobId, version);
  }

  /** Deltas first..last, ascending, a page at a time. What retention dropped is left out. */
  async *deltas(room: Room, first: number, last: number): AsyncGenerator<readonly Delta[]> {
    if (first > last) return;
    const recent = room.state.recent(first, last);
    if (recent) yield recent;
    else yield* this.#history.deltas.pages(room.state.blobId, first, last);
  }

  /** At most `limit` deltas beyond `after`, ascending: what retention dropped is left out, what follows it fills up. */
  async deltasAfter(room: Room, after: number, limit: number): Promise<DeltaPage> {
    const last = Math.min(room.state.version, after + limit);
    if (last <= after) return NO_DELTAS;
    const recent = recentOf(room, after + 1, last);
    if (recent) return { deltas: recent, isCut: false };
    const { deltas, isCut } = await this.#history.deltas.after(room.state.blobId, after, limit);
    return { deltas: deltas.filter((delta) => delta.toVersion <= room.state.version), isCut };
  }

  /** At most `limit` deltas below `before` and above `downTo`, ascending, in the same way. */
  async deltasBefore(room: Room, before: number, downTo: number, limit: number): Promise<DeltaPage> {
    const first = Math.max(downTo, before - 1 - limit) + 1;
    if (first >= before) return NO_DELTAS;
    const recent = recentOf(room, first, before - 1);
    if (recent) return { deltas: recent, isCut: false };
    return this.#history.deltas.before(room.state.blobId, before, downTo, limit);
  }
}

/** Throws VERSION_NOT_FOUND unless the blob has that version. */
export function requireVersion(room: Room, version: number): void {
  if (version >= 1 && version <= room.state.version) return;
  const { blobId, version: head } = room.state;
  throw versionNotFound(blobId, version, head);
}

/** What is in memory, unless it is so old that another process may have dropped it from the log meanwhile. */
function recentOf(room: Room, first: number, last: number): readonly Delta[] | undefined {
  const recent = room.state.recent(first, last);
  const oldest = recent?.[0]?.appliedAt.getTime() ?? 0;
  return Date.now() - oldest < RETENTION_AFTER_MS_MIN ? recent : undefined;
}
