/**
 * What a process knows of one blob: its document, holding committed deltas only, and the facts that ride along the
 * log. Changed by whole commits, in seq order, and by nothing else.
 */
import * as Y from 'yjs';
import { lineageOf, type Lineage } from '../../domain/access/blob-access.ts';
import { createDocument, rootOf } from '../../domain/content/document.ts';
import { shapeOf, type Shape } from '../../domain/content/shape.ts';
import { transactSparsely } from '../../domain/content/sparse-transaction.ts';
import { updateBytes, type Commit, type Delta, type Genesis } from '../../domain/delta.ts';
import { StudioError } from '../../errors.ts';
import {
  CONTENT_BYTES_MAX,
  ROOM_TAIL_BYTES_MAX,
  ROOM_TAIL_BYTES_MIN,
  ROOM_TAIL_DOCUMENT_FRACTION_MAX,
} from '../../limits.ts';
import type { DerivedHead } from '../../storage/blobs.ts';
import { factsAfterRun, type StoredRun, type StoredState } from '../log/checkpoint-codec.ts';
import { contentBytes } from './content-bytes.ts';
import { authorOf, factsAfter, NO_FACTS, originOf, type Facts, type Origin } from '../log/log-facts.ts';
import { RecentDeltas } from './recent-deltas.ts';
import { RecentRequests } from './recent-requests.ts';
import { StructMemory } from './struct-memory.ts';
import { trackTextSize } from './text-size.ts';

/** Origin of the transactions that put commits into a live document. */
export const COMMITTED = Symbol('committed');

/** Measured: what a state takes beside its document. */
const STATE_BYTES = 16 * 1024;
const REQUEST_BYTES = 256;
const OWNER_BYTES = 64;

export class RoomState {
  readonly blobId: string;
  readonly #doc: Y.Doc;
  #version = 0;
  #genesis: Genesis | undefined;
  #shape: Shape | undefined;
  #owner = '';
  #lineage: Lineage | undefined;
  #createdAt = new Date(0);
  #facts: Facts = NO_FACTS;
  readonly #owners = new Map<number, string>();
  readonly #ownerNames = new Map<string, string>();
  readonly #recent = new RecentDeltas();
  readonly #requests: RecentRequests;
  #size: { readonly version: number; readonly bytes: number } | undefined;
  /** Bytes of updates beyond the stored state it began with. */
  takenBytes = 0;
  /** As they were when #size was taken: by no more than what has come since has the content grown. */
  #sizedAt = 0;
  #textSize: (() => number) | undefined;
  readonly #structMemory: StructMemory;

  constructor(blobId: string) {
    this.blobId = blobId;
    this.#requests = new RecentRequests(blobId);
    this.#doc = createDocument({ gc: true });
    this.#structMemory = new StructMemory(this.#doc);
  }

  /** The live document. Only `apply` may change it. */
  get doc(): Y.Doc {
    return this.#doc;
  }

  /** 0: the blob was never created. */
  get version(): number {
    return this.#version;
  }

  get owner(): string {
    return this.#owner;
  }

  get owners(): ReadonlyMap<number, string> {
    return this.#owners;
  }

  get facts(): Facts {
    return this.#facts;
  }

  get requestsComplete(): boolean {
    return this.#requests.isComplete;
  }

  get genesis(): Genesis {
    if (!this.#genesis)
      throw new StudioError('INTERNAL', `Blob "${this.blobId}" has no first delta.`, { blob_id: this.blobId });
    return this.#genesis;
  }

  /** What decides who may do what with it. Throws INTERNAL for a blob that was never created. */
  get lineage(): Lineage {
    const { createdBy, parentIds } = this.genesis;
    this.#lineage ??= lineageOf({
      id: this.blobId,
      owner: this.#owner,
      createdAt: this.#createdAt,
      createdBy,
      parentIds,
    });
    return this.#lineage;
  }

  get newestDelta(): Delta | undefined {
    return this.#recent.newest;
  }

  requestedBefore(userId: string, requestId: string): Delta | undefined {
    return this.#requests.find(userId, requestId);
  }

  /** Deltas first..last if all of them are still in memory. */
  recent(first: number, last: number): readonly Delta[] | undefined {
    return this.#recent.range(first, last);
  }

  recentById(id: string): Delta | undefined {
    return this.#recent.byId(id);
  }

  /** Starts from a stored state instead of from nothing. */
  restore(version: number, stored: StoredState): void {
    this.#adoptOrigin(stored.origin);
    Y.transact(this.#doc, () => Y.applyUpdateV2(this.#doc, stored.update, COMMITTED), COMMITTED, false);
    this.#requireNothingPending();
    this.#version = version;
    this.#facts = stored.facts;
    for (const [client, owner] of stored.owners) this.#own(client, owner);
    this.#sizedAt -= stored.update.byteLength;
    this.#requests.beginLater();
  }

  /** Puts the deltas of a run in, which follows directly: without what is kept of each for a while. */
  skip(run: StoredRun, origin?: Origin): void {
    if (origin) this.#adoptOrigin(origin);
    this.#integrate(run.updates.flat());
    this.#version += run.updates.length;
    this.#recent.clear();
    this.#facts = factsAfterRun(this.#facts, run);
    for (const [client, owner] of run.owners) if (!this.#owners.has(client)) this.#own(client, owner);
    for (const updates of run.updates) this.takenBytes += updateBytes({ updates });
    this.#requests.beginLater();
  }

  /**
   * Puts the next commits in, all in one transaction. With `asOne` returns one update that brings the same to others, or
   * undefined if the content did not change. G2: a commit that does not follow directly is an error; G6: so is one that
   * leaves anything pending.
   */
  apply(commits: readonly Commit[], { asOne = false } = {}): Uint8Array | undefined {
    const deltas: Delta[] = [];
    const updates: Uint8Array[] = [];
    for (const commit of commits) {
      if (commit.firstSeq !== this.#version + deltas.length + 1) {
        throw new StudioError('INTERNAL', `The log of blob "${this.blobId}" has a gap before ${commit.firstSeq}.`, {
          blob_id: this.blobId,
        });
      }
      if (commit.firstSeq === 1) this.#adoptOrigin(originOf(commit));
      for (const delta of commit.deltas) {
        deltas.push(delta);
        for (const update of delta.updates) updates.push(update);
      }
    }
    const update = asOne ? this.#integrateAsOne(updates) : this.#integrate(updates);
    for (const delta of deltas) this.#record(delta);
    this.#facts = factsAfter(this.#facts, deltas);
    this.#recent.trim(
      Math.max(
        ROOM_TAIL_BYTES_MIN,
        Math.min(ROOM_TAIL_BYTES_MAX, this.#bytesOfDocument() * ROOM_TAIL_DOCUMENT_FRACTION_MAX),
      ),
    );
    return update;
  }

  #integrateAsOne(updates: readonly Uint8Array[]): Uint8Array | undefined {
    if (updates.length === 0) return undefined;
    // If it is one already, its very bytes: to encode them anew would take as long as to integrate them.
    let one = updates.length === 1 ? updates[0] : undefined;
    const collect = (update: Uint8Array): void => void (one = update);
    if (updates.length > 1) this.#doc.on('update', collect);
    try {
      this.#integrate(updates);
    } finally {
      if (updates.length > 1) this.#doc.off('update', collect);
    }
    return one;
  }

  #integrate(updates: readonly Uint8Array[]): undefined {
    transactSparsely(
      this.#doc,
      () => {
        for (const update of updates) Y.applyUpdate(this.#doc, update, COMMITTED);
      },
      COMMITTED,
      false,
    );
    this.#requireNothingPending();
  }

  #requireNothingPending(): void {
    if (this.#doc.store.pendingStructs === null && this.#doc.store.pendingDs === null) return;
    throw new StudioError('INTERNAL', `The log of blob "${this.blobId}" lacks something a delta depends on.`, {
      blob_id: this.blobId,
    });
  }

  #record(delta: Delta): void {
    this.#version = delta.toVersion;
    const author = authorOf(delta);
    for (const client of delta.newClients) if (!this.#owners.has(client)) this.#own(client, author);
    this.#requests.remember(delta);
    this.takenBytes += updateBytes(delta);
    this.#recent.push(delta);
  }

  /** One string for all ids of an owner, as the log gives each its own. */
  #own(client: number, owner: string): void {
    let known = this.#ownerNames.get(owner);
    if (known === undefined) this.#ownerNames.set(owner, (known = owner));
    this.#owners.set(client, known);
  }

  #adoptOrigin({ genesis, owner, createdAt }: Origin): void {
    this.#genesis = genesis;
    this.#owner = owner;
    this.#createdAt = createdAt;
    this.#shape = shapeOf(genesis.contentType);
    rootOf(this.#doc, this.#shape);
  }

  /** Bytes of the canonical content. Text keeps a running count, since reading it out at each keystroke would be linear. */
  size(): number {
    if (this.#version === 0) return 0;
    if (this.#shape === 'text') {
      this.#textSize ??= trackTextSize(this.#doc);
      return this.#textSize();
    }
    if (this.#size?.version !== this.#version) {
      this.#size = { version: this.#version, bytes: contentBytes(this.#doc, this.genesis.contentType) };
      this.#sizedAt = this.takenBytes;
    }
    return this.#size.bytes;
  }

  /** Whether the content could hold `bytes` more. Reads it out only when the cheap bound says no. */
  hasRoomFor(bytes: number): boolean {
    const known =
      this.#size && this.#shape !== 'text' ? this.#size.bytes + this.takenBytes - this.#sizedAt : this.size();
    return known + bytes <= CONTENT_BYTES_MAX || this.size() + bytes <= CONTENT_BYTES_MAX;
  }

  head(): DerivedHead {
    return {
      id: this.blobId,
      owner: this.#owner,
      genesis: this.genesis,
      version: this.#version,
      size: this.size(),
      createdAt: this.#createdAt,
      ...this.#facts,
    };
  }

  /** About what it takes in memory. */
  get memoryBytes(): number {
    return (
      STATE_BYTES +
      this.#bytesOfDocument() +
      this.#recent.bytes +
      this.#requests.size * REQUEST_BYTES +
      this.#owners.size * OWNER_BYTES
    );
  }

  #bytesOfDocument(): number {
    if (this.#version === 0) return 0;
    const content = this.#shape === 'text' ? this.size() : (this.#size?.bytes ?? 0) + this.takenBytes - this.#sizedAt;
    return content + this.#structMemory.bytesAt(this.#version);
  }

  /** Nobody writes at the moment: what only speeds up writing goes. `keep` is called before. */
  relax(keep: (state: RoomState) => void): void {
    this.#recent.relax(() => keep(this));
  }

  /** What was asked to write its head may still do so. */
  destroy(): void {
    this.#doc.destroy();
  }
}
