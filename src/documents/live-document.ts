/** One editor connection's view on a room. */
import * as Y from 'yjs';
import { authorize, blobNotFound } from '../domain/access.ts';
import type { Caller } from '../domain/caller.ts';
import { StudioError } from '../errors.ts';
import type { LiveDocument, LiveSession } from './contract.ts';
import { Intent } from './intent.ts';
import type { Room } from './room.ts';
import type { Rooms } from './rooms.ts';

export async function openLiveDocument(
  rooms: Rooms,
  caller: Caller,
  blobId: string,
  session: LiveSession,
): Promise<LiveDocument> {
  const room = await rooms.hold(blobId);
  try {
    if (room.state.version === 0) throw blobNotFound(blobId);
    authorize(caller, 'read', { id: blobId, owner: room.state.owner });
    // Another process may have written since this room was loaded; an editor must not start on less than the log.
    await room.refresh();
    if (room.state.facts.deletedAt)
      throw new StudioError('BLOB_DELETED', `Blob "${blobId}" is deleted.`, { blob_id: blobId });
  } catch (error) {
    rooms.release(room);
    throw error;
  }
  room.sessions.add(session);
  return new RoomView(rooms, room, caller, session);
}

class RoomView implements LiveDocument {
  readonly readOnly = false;
  readonly #rooms: Rooms;
  readonly #room: Room;
  readonly #caller: Caller;
  readonly #session: LiveSession;
  #isOpen = true;

  constructor(rooms: Rooms, room: Room, caller: Caller, session: LiveSession) {
    this.#rooms = rooms;
    this.#room = room;
    this.#caller = caller;
    this.#session = session;
  }

  get blobId(): string {
    return this.#room.state.blobId;
  }

  get version(): number {
    return this.#room.state.version;
  }

  stateVector(): Uint8Array {
    return Y.encodeStateVector(this.#room.state.doc);
  }

  stateAsUpdate(stateVector?: Uint8Array): Uint8Array {
    try {
      return Y.encodeStateAsUpdate(this.#room.state.doc, stateVector);
    } catch (cause) {
      throw new StudioError('UPDATE_MALFORMED', 'That is not a Yjs state vector.', {}, { cause });
    }
  }

  async push(update: Uint8Array): Promise<{ version: number }> {
    const { version } = await this.#room.submit(
      new Intent({
        userId: this.#caller.userId,
        work: { kind: 'push', update, session: this.#session },
        bytes: update.byteLength,
      }),
    );
    return { version };
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#room.sessions.delete(this.#session);
    this.#rooms.release(this.#room);
  }
}
