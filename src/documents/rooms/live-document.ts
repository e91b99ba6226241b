/** One editor connection's view on a room. */
import * as Y from 'yjs';
import { blobDeleted, storageUnavailable } from '../../domain/access/access.ts';
import { shapeOf } from '../../domain/content/shape.ts';
import { Guard } from '../../domain/guard/guard.ts';
import { holdsDeletions, onlyDeletes } from '../../domain/guard/known-deletions.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { knownStateVector } from '../../domain/guard/state-vector.ts';
import { StudioError } from '../../errors.ts';
import { SYNC_RESUME_BYTES_MAX, SYNC_RESUME_DELTAS_MAX, TRIAL_FROM_BYTES } from '../../limits.ts';
import type { LiveDocument, LiveSession, PushOutcome } from '../contract.ts';
import { Intent } from '../commits/intent.ts';
import type { Room } from './room.ts';
import type { Rooms } from './rooms.ts';
import type { Member } from './sessions.ts';

/** The Yjs update that holds no structs and no deletions. */
const NOTHING = Uint8Array.of(0, 0);

export async function openLiveDocument(
  rooms: Rooms,
  caller: Caller,
  blobId: string,
  session: LiveSession,
): Promise<LiveDocument> {
  const room = await rooms.holdFor(caller.userId, blobId);
  try {
    await room.authorize(caller, 'read');
    // Another process may have written since this room was loaded; an editor must not start on less than the log.
    await room.refresh();
    // The last thing that is waited for: between it and the joining nothing can be revoked, or deleted, unheard.
    const access = await room.authorize(caller, 'read');
    if (room.state.facts.deletedAt) throw blobDeleted(blobId);
    return new RoomView(rooms, room, room.sessions.join(session, caller, access));
  } catch (error) {
    rooms.releaseFor(caller.userId, room);
    throw error;
  }
}

class RoomView implements LiveDocument {
  readonly #rooms: Rooms;
  readonly #room: Room;
  readonly #member: Member;
  #isOpen = true;

  constructor(rooms: Rooms, room: Room, member: Member) {
    this.#rooms = rooms;
    this.#room = room;
    this.#member = member;
  }

  get blobId(): string {
    return this.#room.state.blobId;
  }

  get version(): number {
    return this.#room.state.version;
  }

  get readOnly(): boolean {
    return this.#member.readOnly;
  }

  get isCurrent(): boolean {
    return this.#room.sessions.maySee();
  }

  stateVector(): Uint8Array {
    return Y.encodeStateVector(this.#room.state.doc);
  }

  stateAsUpdate(stateVector?: Uint8Array): Uint8Array {
    if (!this.isCurrent) throw storageUnavailable(undefined);
    try {
      const { doc } = this.#room.state;
      return Y.encodeStateAsUpdate(doc, stateVector && knownStateVector(stateVector, doc));
    } catch (cause) {
      if (cause instanceof StudioError) throw cause;
      throw new StudioError('UPDATE_MALFORMED', 'That is not a Yjs state vector.', {}, { cause });
    }
  }

  contains(update: Uint8Array): boolean {
    const { doc, owners, genesis } = this.#room.state;
    try {
      if (onlyDeletes(update)) return holdsDeletions(doc, update);
      // G7: of a writer it would be tried in a thread, which can be ended. One who only reads has nothing like it to say.
      if (update.byteLength >= TRIAL_FROM_BYTES) return false;
      return !new Guard({ doc, owners, shape: shapeOf(genesis.contentType) }).check(update, this.#member.caller.userId)
        .brings;
    } catch {
      return false;
    }
  }

  updateSince(version: number): Uint8Array | undefined {
    if (!this.isCurrent) throw storageUnavailable(undefined);
    const { state } = this.#room;
    if (version < 1 || version > state.version || state.version - version > SYNC_RESUME_DELTAS_MAX) return undefined;
    if (version === state.version) return NOTHING;
    const updates = state.recent(version + 1, state.version)?.flatMap((delta) => delta.updates);
    // One delta may hold many updates; merging them takes time that grows with the square of their number.
    if (!updates || updates.length > SYNC_RESUME_DELTAS_MAX) return undefined;
    if (updates.reduce((sum, update) => sum + update.byteLength, 0) > SYNC_RESUME_BYTES_MAX) return undefined;
    return Y.mergeUpdates(updates);
  }

  push(update: Uint8Array, { separate = false } = {}): Promise<{ version: number }> {
    return this.#room.submit(this.#intentOf(update, separate));
  }

  handIn(update: Uint8Array, { separate, outcome }: { separate: boolean; outcome: PushOutcome }): void {
    this.#room.take(this.#intentOf(update, separate, outcome));
  }

  #intentOf(update: Uint8Array, separate: boolean, outcome?: PushOutcome): Intent {
    const { session, caller } = this.#member;
    const work = { kind: 'push', update, session, separate } as const;
    return new Intent({ userId: caller.userId, work, bytes: update.byteLength, outcome });
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#room.sessions.leave(this.#member.session);
    this.#rooms.releaseFor(this.#member.caller.userId, this.#room);
  }
}
