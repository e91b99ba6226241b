/**
 * What this process knows of who may do what. It asks the counters each ACCESS_READ_EVERY_MS, reads again what may have
 * changed, and knows nothing at all once it could not ask them for ACCESS_UNKNOWN_MS_MAX: so a revocation counts in
 * every process within the sum of both, whatever messages get lost (G8).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { AccessList } from '../domain/access/access-list.ts';
import { allows, authorize, storageUnavailable, type Action } from '../domain/access/access.ts';
import { BlobAccess, type Lineage } from '../domain/access/blob-access.ts';
import type { Caller } from '../domain/access/caller.ts';
import { StudioError } from '../errors.ts';
import { ACCESS_RETRY_MS } from '../limits.ts';
import { accessBucket } from '../storage/access-epochs.ts';
import type { AccessControl, AccessHints, Named } from './contract.ts';
import { Entries } from './entries.ts';
import { AccessEpochs, type EpochReader } from './epochs.ts';
import { collectLineages, sourcesOf, type LineageReader } from './lineages.ts';

export interface AccessReader extends LineageReader {
  getMany(blobIds: readonly string[]): Promise<ReadonlyMap<string, AccessList>>;
}

interface Followers {
  readonly listeners: Set<() => void>;
  told: BlobAccess | undefined;
}

const NOBODY = new AccessList(0, []);

export class AccessKeeper implements AccessControl {
  readonly #store: AccessReader;
  readonly #logger: Logger;
  readonly #epochs: AccessEpochs;
  readonly #entries: Entries;
  readonly #reading = new Map<string, Promise<BlobAccess>>();
  readonly #followers = new Map<string, Followers>();
  #isRefreshing = false;
  #refreshAgain = false;
  #closed = false;

  constructor(options: {
    readonly store: AccessReader;
    readonly epochs: EpochReader;
    readonly hints: AccessHints;
    readonly logger: Logger;
  }) {
    this.#store = options.store;
    this.#logger = options.logger;
    this.#epochs = new AccessEpochs({
      store: options.epochs,
      logger: options.logger,
      onRead: () => void this.#refreshFollowed(),
    });
    this.#entries = new Entries({
      epochAt: (bucket) => this.#epochs.at(bucket),
      isPinned: (blobId) => this.#followers.has(blobId),
    });
    options.hints.onHint(() => void this.#epochs.read().catch(() => undefined));
  }

  /** Rejects when the database does not answer. */
  start(): Promise<void> {
    return this.#epochs.start();
  }

  /** What was counted until now is known in this process when it resolves. */
  catchUp(): Promise<void> {
    return this.#epochs.read();
  }

  known(blobId: string): BlobAccess | undefined {
    return this.#epochs.isFresh ? this.#entries.access(blobId) : undefined;
  }

  async of(blob: Named): Promise<BlobAccess> {
    const id = idOf(blob);
    const known = this.known(id);
    if (known) return known;
    await this.#epochs.ensureFresh();
    const nowKnown = this.known(id);
    if (nowKnown) return nowKnown;
    let reading = this.#reading.get(id);
    if (!reading) {
      reading = this.#readOne(blob).finally(() => this.#reading.delete(id));
      this.#reading.set(id, reading);
    }
    return reading;
  }

  async many(blobs: readonly Named[]): Promise<ReadonlyMap<string, BlobAccess>> {
    await this.#epochs.ensureFresh();
    const found = new Map<string, BlobAccess>();
    const unknown: Named[] = [];
    for (const blob of blobs) {
      const known = this.known(idOf(blob));
      if (known) found.set(idOf(blob), known);
      else unknown.push(blob);
    }
    if (unknown.length > 0) for (const [id, access] of await this.#read(unknown)) found.set(id, access);
    return found;
  }

  async settled(blob: Named, signal?: AbortSignal): Promise<BlobAccess> {
    for (;;) {
      try {
        return await this.of(blob);
      } catch (error) {
        if (this.#closed || signal?.aborted) throw error;
      }
      await sleep(ACCESS_RETRY_MS);
      signal?.throwIfAborted();
    }
  }

  async authorize(caller: Pick<Caller, 'userId'>, action: Action, blob: Named): Promise<BlobAccess> {
    const remembered = this.known(idOf(blob)) ?? (await this.of(blob));
    if (allows(remembered, caller, action)) return remembered;
    const stored = await this.#readOne(blob);
    authorize(caller, action, stored);
    return stored;
  }

  follow(blobId: string, onChange: () => void): () => void {
    const followers: Followers = this.#followers.get(blobId) ?? { listeners: new Set(), told: undefined };
    this.#followers.set(blobId, followers);
    followers.listeners.add(onChange);
    return () => {
      followers.listeners.delete(onChange);
      if (followers.listeners.size === 0 && this.#followers.get(blobId) === followers) this.#followers.delete(blobId);
    };
  }

  /** What is stored, read after the call was made. */
  readNow(blobId: string): Promise<BlobAccess> {
    return this.#readOne(blobId);
  }

  async #readOne(blob: Named): Promise<BlobAccess> {
    return (await this.#read([blob])).get(idOf(blob)) ?? new BlobAccess(idOf(blob), NOBODY, []);
  }

  async #read(blobs: readonly Named[]): Promise<Map<string, BlobAccess>> {
    try {
      const lineages = await collectLineages(blobs, (id) => this.#entries.lineage(id), this.#store);
      const wanted = new Map<string, readonly string[]>();
      for (const blob of blobs) {
        const lineage = lineages.get(idOf(blob));
        const sources = lineage && sourcesOf(lineage, lineages);
        if (!sources) continue;
        wanted.set(idOf(blob), sources);
        for (const source of sources) if (!wanted.has(source)) wanted.set(source, []);
      }
      const lists = await this.#readLists([...wanted.keys()], lineages, wanted);
      const found = new Map<string, BlobAccess>();
      for (const blob of blobs) {
        const access = lists.get(idOf(blob));
        if (access) found.set(idOf(blob), access);
      }
      return found;
    } catch (error) {
      throw error instanceof StudioError ? error : storageUnavailable(error);
    }
  }

  async #readLists(
    ids: readonly string[],
    lineages: ReadonlyMap<string, Lineage>,
    sourcesById: ReadonlyMap<string, readonly string[]>,
  ): Promise<Map<string, BlobAccess>> {
    // Before the lists: what is counted meanwhile makes them void.
    const readAtMs = performance.now();
    const epochs = ids.map((id) => this.#epochs.at(accessBucket(id)));
    const stored = await this.#store.getMany(ids);
    const listOf = (id: string): AccessList => {
      const lineage = lineages.get(id);
      return stored.get(id) ?? (lineage ? AccessList.ofCreator(lineage.owner, lineage.createdAt) : NOBODY);
    };
    const found = new Map<string, BlobAccess>();
    for (const [index, id] of ids.entries()) {
      const [lineage, sources] = [lineages.get(id), sourcesById.get(id)];
      if (!lineage || !sources) continue;
      const access = new BlobAccess(id, listOf(id), sources.map(listOf));
      found.set(id, access);
      const [bucket, epoch] = [accessBucket(id), epochs[index] ?? 0];
      this.#entries.set({ lineage, sources, bucket, epoch, readAtMs, access });
    }
    return found;
  }

  /** After each look at the counters: reads again what is followed and no longer known, or known for long. */
  async #refreshFollowed(): Promise<void> {
    if (this.#isRefreshing) {
      this.#refreshAgain = true;
      return;
    }
    this.#isRefreshing = true;
    try {
      do {
        this.#refreshAgain = false;
        const due = [...this.#followers.keys()].filter((id) => !this.known(id) || this.#entries.isAged(id));
        if (due.length > 0) await this.#read(due);
        this.#tellFollowers();
      } while (this.#refreshAgain && !this.#closed);
    } catch (error) {
      // What is not known is not shown, and the next look tries again.
      this.#logger.debug({ err: error }, 'access could not be read again');
    } finally {
      this.#isRefreshing = false;
    }
  }

  /** Somebody else may have read a change before: what counts is what the followers were told last. */
  #tellFollowers(): void {
    for (const [id, followers] of this.#followers) {
      const access = this.known(id);
      if (!access || access === followers.told) continue;
      followers.told = access;
      for (const onChange of followers.listeners) onChange();
    }
  }

  close(): void {
    this.#closed = true;
    this.#epochs.close();
  }
}

function idOf(blob: Named): string {
  return typeof blob === 'string' ? blob : blob.blobId;
}
