import { readAwarenessUpdate, type AwarenessEntry } from './awareness-update.ts';
import { AwarenessRoom, type AwarenessMember } from './awareness-room.ts';

/** Relays awareness between processes. Lossy: states are renewed every 15 s by their clients. */
export interface AwarenessChannel {
  publish(blobId: string, update: Uint8Array): void;
  /** Messages of this process may be handed back too. */
  subscribe(blobId: string, onUpdate: (update: Uint8Array) => void): () => void;
}

/** An update without clients asks the other processes for what they know. */
const QUERY: Uint8Array = Uint8Array.of(0);

interface Entry {
  readonly room: AwarenessRoom;
  readonly unsubscribe: () => void;
}

/** The awareness of all blobs that have an editor connected to this process. */
export class AwarenessRooms {
  readonly #rooms = new Map<string, Entry>();
  readonly #channel: AwarenessChannel | undefined;

  constructor(channel?: AwarenessChannel) {
    this.#channel = channel;
  }

  join(blobId: string, member: AwarenessMember): void {
    let entry = this.#rooms.get(blobId);
    if (!entry) {
      const room = new AwarenessRoom();
      const unsubscribe =
        this.#channel?.subscribe(blobId, (update) => this.#onRemote(blobId, room, update)) ?? (() => {});
      entry = { room, unsubscribe };
      this.#rooms.set(blobId, entry);
      this.#channel?.publish(blobId, QUERY);
    }
    entry.room.join(member);
  }

  snapshot(blobId: string): Uint8Array | undefined {
    return this.#rooms.get(blobId)?.room.snapshot();
  }

  /** Throws UPDATE_MALFORMED or CONTENT_TOO_LARGE. */
  takeFrom(blobId: string, member: AwarenessMember, update: Uint8Array): void {
    const news = this.#rooms.get(blobId)?.room.takeFrom(member, readAwarenessUpdate(update), Date.now());
    if (news) this.#channel?.publish(blobId, news);
  }

  leave(blobId: string, member: AwarenessMember): void {
    const entry = this.#rooms.get(blobId);
    if (!entry) return;
    const news = entry.room.leave(member);
    if (news) this.#channel?.publish(blobId, news);
    if (entry.room.size > 0) return;
    entry.unsubscribe();
    this.#rooms.delete(blobId);
  }

  expireRemote(): void {
    const nowMs = Date.now();
    for (const { room } of this.#rooms.values()) room.expireRemote(nowMs);
  }

  #onRemote(blobId: string, room: AwarenessRoom, update: Uint8Array): void {
    let entries: AwarenessEntry[];
    try {
      entries = readAwarenessUpdate(update);
    } catch {
      // Presence is not worth an error: the next renewal mends it.
      return;
    }
    if (entries.length > 0) {
      room.takeRemote(entries, Date.now());
      return;
    }
    const own = room.snapshot(true);
    if (own) this.#channel?.publish(blobId, own);
  }
}
