/**
 * Which blobs other processes have open, as each of them tells: so that a commit nobody else could show is announced to
 * nobody. Each tells a set of bits, one per hash of a blob id, which may say too much and never too little; it is told
 * whole every INTEREST_EVERY_MS, and what is opened in between at once.
 */
import { INTEREST_BITS, INTEREST_EVERY_MS, INTEREST_SILENT_MS_MAX } from '../limits.ts';
import type { EventConnection } from './connection.ts';
import { INTEREST_SUBJECT } from './subjects.ts';

const WHOLE = 0;
const MORE = 1;
const HASH_BYTES = 2;

interface Peer {
  readonly bits: Uint8Array;
  heardAt: number;
}

export class LiveInterest {
  readonly #connection: EventConnection;
  readonly #id: Buffer;
  readonly #openBlobs: () => Iterable<string>;
  readonly #onMore: (isNew: (blobId: string) => boolean) => void;
  readonly #peers = new Map<string, Peer>();
  readonly #telling: NodeJS.Timeout;
  #subscribed: unknown;
  #told = new Uint8Array(INTEREST_BITS / 8);
  #more: number[] = [];

  /** `openBlobs`: of this process. `onMore`: another process opened blobs, those for which it answers true among them. */
  constructor(options: {
    readonly connection: EventConnection;
    /** Of this process, unique. */
    readonly id: string;
    readonly openBlobs: () => Iterable<string>;
    readonly onMore: (isNew: (blobId: string) => boolean) => void;
  }) {
    this.#connection = options.connection;
    this.#id = Buffer.from(options.id, 'latin1');
    this.#openBlobs = options.openBlobs;
    this.#onMore = options.onMore;
    this.#telling = setInterval(() => this.#tellWhole(), INTEREST_EVERY_MS).unref();
    this.#connection.whenConnected(() => this.#connected());
  }

  /** Whether another process may have the blob open. */
  wants(blobId: string): boolean {
    if (this.#peers.size === 0) return false;
    const hash = hashOf(blobId);
    const since = performance.now() - INTEREST_SILENT_MS_MAX;
    for (const [id, { bits, heardAt }] of this.#peers) {
      if (heardAt < since) this.#peers.delete(id);
      else if (has(bits, hash)) return true;
    }
    return false;
  }

  /** To be called before the blob is read: whoever hears of it announces from then on. */
  opened(blobId: string): void {
    const hash = hashOf(blobId);
    if (has(this.#told, hash)) return;
    add(this.#told, hash);
    if (this.#more.length === 0) queueMicrotask(() => this.#tellMore());
    this.#more.push(hash);
  }

  close(): void {
    clearInterval(this.#telling);
    this.#tell(WHOLE, new Uint8Array(INTEREST_BITS / 8));
  }

  #connected(): void {
    const { core } = this.#connection;
    if (!core) return;
    // The client subscribes again by itself on a connection that comes back.
    if (core !== this.#subscribed) {
      this.#subscribed = core;
      core.subscribe(INTEREST_SUBJECT, {
        callback: (error, message) => {
          if (!error) this.#hear(Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength));
        },
      });
    }
    this.#tellWhole();
  }

  #tellWhole(): void {
    const bits = new Uint8Array(INTEREST_BITS / 8);
    for (const blobId of this.#openBlobs()) add(bits, hashOf(blobId));
    this.#told = bits;
    this.#tell(WHOLE, bits);
  }

  #tellMore(): void {
    const hashes = Buffer.alloc(this.#more.length * HASH_BYTES);
    for (const [index, hash] of this.#more.entries()) hashes.writeUInt16LE(hash, index * HASH_BYTES);
    this.#more = [];
    this.#tell(MORE, hashes);
  }

  #tell(kind: number, payload: Uint8Array): void {
    this.#connection.core?.publish(INTEREST_SUBJECT, Buffer.concat([this.#id, Buffer.of(kind), payload]));
  }

  #hear(message: Buffer): void {
    const end = this.#id.byteLength;
    const id = message.toString('latin1', 0, end);
    const known = this.#peers.get(id);
    const payload = message.subarray(end + 1);
    const bits = Uint8Array.from(known?.bits ?? new Uint8Array(INTEREST_BITS / 8));
    if (message[end] === WHOLE && payload.byteLength === bits.byteLength) bits.set(payload);
    else for (let at = 0; at + HASH_BYTES <= payload.byteLength; at += HASH_BYTES) add(bits, payload.readUInt16LE(at));
    this.#peers.set(id, { bits, heardAt: performance.now() });
    // Whoever is new here has not heard of this process's blobs either.
    if (!known) this.#tellWhole();
    this.#onMore((blobId) => has(bits, hashOf(blobId)) && !(known && has(known.bits, hashOf(blobId))));
  }
}

function has(bits: Uint8Array, hash: number): boolean {
  return ((bits[hash >>> 3] ?? 0) & (1 << (hash & 7))) !== 0;
}

function add(bits: Uint8Array, hash: number): void {
  bits[hash >>> 3] = (bits[hash >>> 3] ?? 0) | (1 << (hash & 7));
}

/** FNV-1a. */
function hashOf(blobId: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < blobId.length; at += 1) hash = Math.imul(hash ^ blobId.charCodeAt(at), 0x01000193);
  return ((hash >>> 16) ^ hash) & (INTEREST_BITS - 1);
}
