/** The live documents of this process: loaded once for all who ask at the same time, and let go when unused. */
import {
  DRAIN_MS_MAX,
  ROOM_IDLE_MS_MAX,
  ROOMS_LOADED_MAX,
  LIVE_RECHECK_DISCONNECTED_MS,
  LIVE_RECHECK_MS,
} from '../limits.ts';
import { storageUnavailable } from '../domain/access.ts';
import { StudioError } from '../errors.ts';
import type { LiveChannel } from './contract.ts';
import { Room } from './room.ts';
import type { RoomServices } from './room-services.ts';

interface Loaded {
  readonly room: Room;
  readonly unsubscribe: () => void;
}

const TIDY_EVERY_MS = 1_000;
const SETTLE_POLL_MS = 10;

export class Rooms {
  readonly #services: RoomServices;
  readonly #live: LiveChannel;
  readonly #rooms = new Map<string, Promise<Loaded>>();
  readonly #loaded = new Map<string, Loaded>();
  readonly #tidying: NodeJS.Timeout;
  #recheckedAt = Date.now();

  constructor(services: RoomServices, live: LiveChannel) {
    this.#services = services;
    this.#live = live;
    this.#tidying = setInterval(() => this.#tidy(), Math.min(TIDY_EVERY_MS, LIVE_RECHECK_DISCONNECTED_MS));
    this.#tidying.unref();
  }

  /** Runs `use` with the room of `blobId`, which stays loaded meanwhile. G6: a failed load rejects, and is tried anew next time. */
  async with<T>(blobId: string, use: (room: Room) => Promise<T>): Promise<T> {
    const room = await this.hold(blobId);
    try {
      return await use(room);
    } finally {
      this.release(room);
    }
  }

  /** As `with`, for holders that live longer than a call. Each hold is released once. */
  async hold(blobId: string): Promise<Room> {
    let loading = this.#rooms.get(blobId);
    if (!loading) {
      if (this.#rooms.size >= ROOMS_LOADED_MAX) this.#makeRoom();
      loading = this.#load(blobId);
      this.#rooms.set(blobId, loading);
    }
    let loaded: Loaded;
    try {
      loaded = await loading;
    } catch (error) {
      throw error instanceof StudioError ? error : storageUnavailable(error);
    }
    if (loaded.room.failure !== undefined) {
      this.#drop(blobId, loaded);
      return this.hold(blobId);
    }
    // Between its load and this line the room may have been let go again.
    if (this.#loaded.get(blobId) !== loaded) return this.hold(blobId);
    loaded.room.holders += 1;
    return loaded.room;
  }

  release(room: Room): void {
    room.holders -= 1;
    room.usedAt = Date.now();
    // A blob that does not exist leaves nothing behind.
    const loaded = this.#loaded.get(room.state.blobId);
    if (room.state.version === 0 && room.isQuiet && loaded?.room === room) this.#drop(room.state.blobId, loaded);
  }

  async #load(blobId: string): Promise<Loaded> {
    // Subscribed before the log is read: what is committed in between is then known twice rather than not at all.
    const early: Parameters<Room['onRemote']>[0][] = [];
    let room: Room | undefined;
    const unsubscribe = this.#live.subscribe(
      blobId,
      (commit) => {
        if (commit.committer === this.#services.committer.id) return;
        if (room) room.onRemote(commit);
        else early.push(commit);
      },
      () => void room?.refresh().catch(() => undefined),
    );
    try {
      const state = await this.#services.history.load(blobId);
      if (state.version > 0) await this.#services.database.fence();
      room = new Room(state, this.#services);
      for (const commit of early) room.onRemote(commit);
      const loaded = { room, unsubscribe };
      this.#loaded.set(blobId, loaded);
      return loaded;
    } catch (error) {
      unsubscribe();
      this.#rooms.delete(blobId);
      throw error;
    }
  }

  #drop(blobId: string, loaded: Loaded): void {
    if (this.#loaded.get(blobId) !== loaded) return;
    this.#loaded.delete(blobId);
    this.#rooms.delete(blobId);
    loaded.unsubscribe();
    loaded.room.destroy();
  }

  /** G7: the least recently used room that nobody holds makes place; with none, loading is refused. */
  #makeRoom(): void {
    let oldest: [string, Loaded] | undefined;
    for (const entry of this.#loaded) {
      if (entry[1].room.isQuiet && (!oldest || entry[1].room.usedAt < oldest[1].room.usedAt)) oldest = entry;
    }
    if (!oldest)
      throw new StudioError('LIMIT_EXCEEDED', 'This process has all the live documents it may have.', {
        limit: 'ROOMS_LOADED_MAX',
      });
    this.#drop(...oldest);
  }

  #tidy(): void {
    const now = Date.now();
    const recheckAfter = this.#live.healthy ? LIVE_RECHECK_MS : LIVE_RECHECK_DISCONNECTED_MS;
    const recheck = now - this.#recheckedAt >= recheckAfter;
    if (recheck) this.#recheckedAt = now;
    for (const [blobId, loaded] of this.#loaded) {
      const { room } = loaded;
      room.expire(now);
      room.tidy();
      if (room.isQuiet && now - room.usedAt > ROOM_IDLE_MS_MAX) this.#drop(blobId, loaded);
      // G5: a lost last message has no successor that would show the hole.
      else if (recheck && room.sessions.size > 0) room.refresh().catch(() => undefined);
    }
  }

  /** Tells every session to come back elsewhere. */
  closeSessions(error: StudioError): void {
    for (const { room } of this.#loaded.values()) room.closeSessions(error);
  }

  /** Resolves when no change is under way, or after DRAIN_MS_MAX. */
  async settle(): Promise<void> {
    const deadline = Date.now() + DRAIN_MS_MAX;
    while (Date.now() < deadline && [...this.#loaded.values()].some(({ room }) => room.isBusy)) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
    }
  }

  close(): void {
    clearInterval(this.#tidying);
    for (const [blobId, loaded] of this.#loaded) this.#drop(blobId, loaded);
  }
}
