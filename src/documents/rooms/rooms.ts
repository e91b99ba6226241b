/**
 * The live documents of this process: loaded once for all who ask at the same time, and let go when unused, or when
 * others need their place: the cache is bounded in number and in memory (G7).
 */
import {
  ROOM_IDLE_MS_MAX,
  ROOM_LOADING_BYTES,
  ROOMS_LOADED_MAX,
  SETTLE_MS_MAX,
  LIVE_LOOK_DISCONNECTED_MS,
} from '../../limits.ts';
import { storageUnavailable } from '../../domain/access/access.ts';
import type { Caller } from '../../domain/access/caller.ts';
import { StudioError } from '../../errors.ts';
import type { BlobHeads } from '../../storage/blobs.ts';
import type { LiveChannel } from '../contract.ts';
import { HeldShares, type HeldShareLimits } from './held-shares.ts';
import { LogLooks, type Followed } from './log-looks.ts';
import { Room } from './room.ts';
import type { RoomServices } from './room-services.ts';

interface Loaded extends Followed {
  readonly room: Room;
  readonly unsubscribe: () => void;
  /** As counted last; part of the total. */
  bytes: number;
}

const SETTLE_POLL_MS = 10;

export class Rooms {
  readonly #services: RoomServices;
  readonly #live: LiveChannel;
  readonly #rooms = new Map<string, Promise<Loaded>>();
  readonly #loaded = new Map<string, Loaded>();
  readonly #looks: LogLooks;
  readonly #tidying: NodeJS.Timeout;
  readonly #memoryBytesMax: number;
  readonly #shares: HeldShares;
  #bytes = 0;

  constructor(services: RoomServices, live: LiveChannel, options: { readonly stored: BlobHeads } & HeldShareLimits) {
    this.#shares = new HeldShares(options, (blobId) => this.#loaded.get(blobId)?.bytes);
    this.#memoryBytesMax = options.memoryBytesMax;
    this.#looks = new LogLooks({ heads: options.stored, live });
    this.#services = services;
    this.#live = live;
    this.#tidying = setInterval(() => this.#tidy(), LIVE_LOOK_DISCONNECTED_MS);
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

  /** As `with`, for what a caller asks: throws BLOB_NOT_FOUND before anything is loaded. `use` authorizes once more. */
  async withFor<T>(caller: Caller, blobId: string, use: (room: Room) => Promise<T>): Promise<T> {
    await this.#requireReadable(caller.userId, blobId);
    return this.with(blobId, use);
  }

  /**
   * G8: a blob that isn't the caller's to see takes no longer to be answered than one that does not exist, and is loaded
   * for nobody (G7).
   */
  async #requireReadable(userId: string, blobId: string): Promise<void> {
    const { access } = this.#services;
    // A room that is loaded waits for the database itself, where a change may.
    if (this.#loaded.has(blobId) && !access.known(blobId)) return;
    await access.authorize({ userId }, 'read', blobId);
  }

  /** As `hold`, for a session of that user, to whose share it counts until it is released by `releaseFor`. */
  async holdFor(userId: string, blobId: string): Promise<Room> {
    await this.#requireReadable(userId, blobId);
    this.#shares.enter(userId, blobId);
    let room: Room | undefined;
    try {
      room = await this.hold(blobId);
      this.#shares.requireWithin(userId, blobId);
      return room;
    } catch (error) {
      this.#shares.leave(userId, blobId);
      if (room) this.release(room);
      throw error;
    }
  }

  releaseFor(userId: string, room: Room): void {
    this.#shares.leave(userId, room.state.blobId);
    this.release(room);
  }

  /** As `with`, for holders that live longer than a call. Each hold is released once. */
  async hold(blobId: string): Promise<Room> {
    let loading = this.#rooms.get(blobId);
    if (!loading) {
      this.#makeRoom();
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
    room.usedAt = performance.now();
    // A blob that does not exist leaves nothing behind.
    const loaded = this.#loaded.get(room.state.blobId);
    if (loaded?.room !== room) return;
    if (room.state.version === 0 && isQuiet(room)) this.#drop(room.state.blobId, loaded);
    else {
      this.#count(loaded);
      this.#keepWithin();
    }
  }

  async #load(blobId: string): Promise<Loaded> {
    // Subscribed before the log is read: where it is told of something in between, the log is looked at once more.
    let room: Room | undefined;
    let isHinted = false;
    const unsubscribe = this.#live.subscribe(
      blobId,
      (commit) => {
        if (commit.committer === this.#services.committer.id) return;
        if (room) room.onRemote(commit);
        else isHinted = true;
      },
      () => {
        if (room) room.refresh().catch(() => undefined);
        else isHinted = true;
      },
    );
    try {
      const state = await this.#services.history.load(blobId);
      if (state.version > 0) await this.#services.database.fence();
      room = new Room(state, this.#services);
      if (isHinted) room.refresh().catch(() => undefined);
      const now = performance.now();
      const loaded = { room, unsubscribe, bytes: 0, lookedAt: now, comparedAt: now };
      this.#loaded.set(blobId, loaded);
      this.#count(loaded);
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
    this.#bytes -= loaded.bytes;
    loaded.unsubscribe();
    // A room that failed may hold what the log does not.
    if (loaded.room.failure === undefined) {
      this.#services.keep(loaded.room.state);
      this.#services.history.leave(loaded.room.state);
    }
    loaded.room.destroy();
  }

  /** About what the live documents take, those included that are loading, and those at past bases. */
  get memoryBytes(): number {
    const { memoryBytes } = this.#services.bases;
    return this.#bytes + memoryBytes + (this.#rooms.size - this.#loaded.size) * ROOM_LOADING_BYTES;
  }

  /**
   * G7: the least recently used rooms that nobody holds make place for one more; with none, loading is refused. Those
   * that are held count all the same.
   */
  #makeRoom(): void {
    while (this.#rooms.size >= ROOMS_LOADED_MAX) if (!this.#dropOldest()) throw full('ROOMS_LOADED_MAX');
    while (this.memoryBytes + ROOM_LOADING_BYTES > this.#memoryBytesMax) {
      if (!this.#dropLeastUsed()) throw full('STUDIO_DOCUMENTS_MEMORY_MB');
    }
  }

  /** Documents grow while they are held. */
  #keepWithin(): void {
    while (this.memoryBytes > this.#memoryBytesMax) if (!this.#dropLeastUsed()) return;
  }

  #dropLeastUsed(): boolean {
    const { bases } = this.#services;
    if (this.#dropOldest(bases.oldestUsedAt)) return true;
    if (bases.oldestUsedAt === undefined) return false;
    bases.dropOldest();
    return true;
  }

  /** One that was used before that moment. */
  #dropOldest(before = Infinity): boolean {
    let oldest: [string, Loaded] | undefined;
    for (const entry of this.#loaded) {
      const { usedAt } = entry[1].room;
      if (isQuiet(entry[1].room) && usedAt < (oldest?.[1].room.usedAt ?? before)) oldest = entry;
    }
    if (oldest) this.#drop(...oldest);
    return oldest !== undefined;
  }

  #count(loaded: Loaded): void {
    const bytes = loaded.room.memoryBytes;
    this.#bytes += bytes - loaded.bytes;
    loaded.bytes = bytes;
  }

  #tidy(): void {
    const now = performance.now();
    const followed: Loaded[] = [];
    for (const [blobId, loaded] of this.#loaded) {
      const { room } = loaded;
      room.tidy(now);
      this.#count(loaded);
      if (isQuiet(room) && now - room.usedAt > ROOM_IDLE_MS_MAX) this.#drop(blobId, loaded);
      else if (room.sessions.size > 0) followed.push(loaded);
    }
    this.#services.bases.dropIdle(now);
    this.#looks.round(followed, now);
    this.#keepWithin();
  }

  /** Tells every session to come back elsewhere. */
  closeSessions(error: StudioError): void {
    for (const { room } of this.#loaded.values()) room.sessions.close(error);
  }

  /** Resolves when no change is under way, or after SETTLE_MS_MAX. */
  async settle(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS_MAX;
    while (performance.now() < deadline && [...this.#loaded.values()].some(({ room }) => room.isBusy)) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
    }
  }

  close(): void {
    clearInterval(this.#tidying);
    for (const [blobId, loaded] of this.#loaded) this.#drop(blobId, loaded);
  }
}

function full(limit: string): StudioError {
  return new StudioError('LIMIT_EXCEEDED', 'The documents that are open here take all the room there is; try again.', {
    limit,
  });
}

function isQuiet({ isBusy, holders }: Room): boolean {
  return !isBusy && holders === 0;
}
