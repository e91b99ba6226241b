/** What all editors of one blob have in common in this process, whichever protocol they speak. */
import { AWARENESS_FLUSH_MS, AWARENESS_RELAY_BYTES_MAX } from '../../limits.ts';
import { AwarenessRoom, type AwarenessMember } from './awareness-room.ts';
import {
  readAwarenessUpdate,
  readRelayedUpdate,
  writeRelayedUpdates,
  type AwarenessEntry,
} from './awareness-update.ts';
import { MessageCache } from './frames.ts';
import { awarenessMessage, isLikeSavedNotice, step2Message, updateMessage } from './messages.ts';
import { Rate, type RateLimit } from './rate.ts';
import { StateCache, type StateBudget } from './state-cache.ts';

/** Between processes: lossy, and messages of this process may be handed back. */
export interface RelayChannel {
  publish(blobId: string, message: Uint8Array): void;
  subscribe(blobId: string, onMessage: (message: Uint8Array) => void, onReconnected: () => void): () => void;
}

export interface Member extends AwarenessMember {
  /** Another client says it. `isLikeNotice`: it looks like the studio's own word on what is saved. */
  sendStateless(payload: Uint8Array, isLikeNotice: boolean): void;
}

/** An update without clients asks the other processes for what they know. */
const QUERY: Uint8Array = Uint8Array.of(0);

export interface SharedDocumentOptions {
  readonly blobId: string;
  readonly budget: StateBudget;
  readonly rate: RateLimit;
  readonly awareness: RelayChannel | undefined;
  readonly stateless: RelayChannel | undefined;
}

export class SharedDocument {
  readonly blobId: string;
  readonly states: StateCache;
  readonly rate: Rate;
  readonly updates = new MessageCache(updateMessage);
  readonly answers = new MessageCache(step2Message);
  readonly presence = new MessageCache(awarenessMessage);
  readonly #awareness = new AwarenessRoom();
  readonly #members = new Set<Member>();
  readonly #options: SharedDocumentOptions;
  readonly #unsubscribe: (() => void)[];
  #flushedAtMs = 0;
  #flushing: NodeJS.Timeout | undefined;

  constructor(options: SharedDocumentOptions) {
    const { blobId, awareness, stateless } = options;
    this.blobId = blobId;
    this.#options = options;
    this.states = new StateCache(options.budget);
    this.rate = new Rate(options.rate);
    const ask = (): void => this.#exchange();
    this.#unsubscribe = [
      awareness?.subscribe(blobId, (message) => this.#onRemoteAwareness(message), ask) ?? (() => {}),
      stateless?.subscribe(
        blobId,
        (message) => this.#deliver(message),
        () => {},
      ) ?? (() => {}),
    ];
    awareness?.publish(blobId, QUERY);
  }

  get size(): number {
    return this.#members.size;
  }

  join(member: Member): void {
    this.#members.add(member);
    this.#awareness.join(member);
  }

  /** Shows newcomers who is here, once they are ready to be told. */
  welcome(): void {
    this.#flushSoon();
  }

  leave(member: Member): void {
    this.#members.delete(member);
    this.#awareness.leave(member);
    // The last one's going is told at once: nobody is here to do it later.
    if (this.#members.size === 0) this.#flush();
    else this.#flushSoon();
  }

  /** Throws UPDATE_MALFORMED or CONTENT_TOO_LARGE. */
  takeAwareness(member: Member, update: Uint8Array): void {
    if (this.#awareness.isEcho(update)) return;
    this.#awareness.takeFrom(member, readAwarenessUpdate(update), performance.now());
    this.#flushSoon();
  }

  awareness(): AwarenessEntry[] {
    return this.#awareness.entries();
  }

  awarenessWithDeparted(): AwarenessEntry[] {
    return this.#awareness.entriesWithDeparted();
  }

  awarenessOf(clientIds: Iterable<number>): AwarenessEntry[] {
    return this.#awareness.entriesOf(clientIds);
  }

  /** To everyone else in the document, on every process. Lossy, like presence. Returns how many are here. */
  relayStateless(from: Member, payload: Uint8Array): number {
    this.#deliver(payload, from);
    this.#options.stateless?.publish(this.blobId, payload);
    return this.#members.size - 1;
  }

  tidy(nowMs: number): void {
    this.#awareness.expireRemote(nowMs);
    this.#flushSoon();
    this.states.tidy(nowMs);
    this.answers.clear();
  }

  close(): void {
    clearTimeout(this.#flushing);
    this.states.clear();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #deliver(payload: Uint8Array, except?: Member): void {
    // Asked here, where it is delivered, so that it holds whichever process relayed it.
    const isLikeNotice = isLikeSavedNotice(Buffer.from(payload).toString());
    for (const member of this.#members) if (member !== except) member.sendStateless(payload, isLikeNotice);
  }

  /** What comes alone goes at once; what comes while others move is gathered with theirs. */
  #flushSoon(): void {
    if (this.#flushing !== undefined || !this.#awareness.hasNews) return;
    const sinceMs = performance.now() - this.#flushedAtMs;
    if (sinceMs >= AWARENESS_FLUSH_MS) this.#flush();
    else this.#flushing = setTimeout(() => this.#flush(), AWARENESS_FLUSH_MS - sinceMs);
  }

  #flush(): void {
    clearTimeout(this.#flushing);
    this.#flushing = undefined;
    this.#flushedAtMs = performance.now();
    this.#publish(this.#awareness.flush());
  }

  #publish(entries: readonly AwarenessEntry[]): void {
    for (const update of writeRelayedUpdates(entries, AWARENESS_RELAY_BYTES_MAX))
      this.#options.awareness?.publish(this.blobId, update);
  }

  /** After messages may have been lost, both ways. */
  #exchange(): void {
    this.#publish(this.#awareness.entries(true));
    this.#options.awareness?.publish(this.blobId, QUERY);
  }

  #onRemoteAwareness(update: Uint8Array): void {
    let entries: AwarenessEntry[];
    try {
      entries = readRelayedUpdate(update);
    } catch {
      // Presence is not worth an error: the next renewal mends it.
      return;
    }
    if (entries.length === 0) this.#publish(this.#awareness.entries(true));
    else {
      this.#publish(this.#awareness.takeRemote(entries, performance.now()));
      this.#flushSoon();
    }
  }
}
