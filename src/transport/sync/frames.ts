/**
 * Messages as a server's WebSocket frames: unmasked, binary, in one buffer that is made once however many get it. So
 * an update that goes to a hundred editors costs one encoding and a hundred writes.
 */
import { SYNC_FRAGMENT_BYTES } from '../../limits.ts';

const FINAL = 0x80;
const CONTINUATION = 0x0;
const BINARY = 0x2;
const SHORT_BYTES_MAX = 125;
const MEDIUM_BYTES_MAX = 0xffff;
const NOTHING = new Uint8Array(0);

/** One message: `head`, then `body`, which many messages may share. */
export class Message {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
  #frame: Buffer | undefined;

  constructor(head: Uint8Array, body: Uint8Array = NOTHING) {
    this.head = head;
    this.body = body;
  }

  get byteLength(): number {
    return this.head.byteLength + this.body.byteLength;
  }

  /** Too large to be one frame: it would keep everything behind it, and nobody could see it move. */
  get isLarge(): boolean {
    return this.byteLength > SYNC_FRAGMENT_BYTES;
  }

  get frame(): Buffer {
    this.#frame ??= this.#makeFrame();
    return this.#frame;
  }

  /** The message without its frame. */
  toBytes(): Uint8Array {
    return Buffer.concat([this.head, this.body]);
  }

  #makeFrame(): Buffer {
    const length = this.byteLength;
    const start = headerBytes(length);
    const frame = Buffer.allocUnsafe(start + length);
    writeHeader(frame, FINAL | BINARY, length);
    frame.set(this.head, start);
    frame.set(this.body, start + this.head.byteLength);
    return frame;
  }

  /** The fragment that starts at `offset` of the body, as buffers to be written in turn; the body is not copied. */
  fragment(offset: number): { readonly parts: readonly Uint8Array[]; readonly next: number } {
    const next = Math.min(offset + SYNC_FRAGMENT_BYTES, this.body.byteLength);
    const first = offset === 0 ? this.head : NOTHING;
    const length = first.byteLength + next - offset;
    const start = headerBytes(length);
    const opening = Buffer.allocUnsafe(start + first.byteLength);
    const last = next === this.body.byteLength ? FINAL : 0;
    writeHeader(opening, last | (offset === 0 ? BINARY : CONTINUATION), length);
    opening.set(first, start);
    return { parts: [opening, this.body.subarray(offset, next)], next };
  }
}

function headerBytes(length: number): number {
  if (length <= SHORT_BYTES_MAX) return 2;
  return length <= MEDIUM_BYTES_MAX ? 4 : 10;
}

function writeHeader(into: Buffer, first: number, length: number): void {
  into[0] = first;
  if (length <= SHORT_BYTES_MAX) into[1] = length;
  else if (length <= MEDIUM_BYTES_MAX) {
    into[1] = 126;
    into.writeUInt16BE(length, 2);
  } else {
    into[1] = 127;
    into.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    into.writeUInt32BE(length % 2 ** 32, 6);
  }
}

/** One payload hands its message to everyone at the same address in turn: it is made once for each. */
export class MessageCache {
  readonly #make: (address: Uint8Array, payload: Uint8Array) => Message;
  #payload: Uint8Array | undefined;
  readonly #made: { readonly address: Uint8Array; readonly message: Message }[] = [];

  constructor(make: (address: Uint8Array, payload: Uint8Array) => Message) {
    this.#make = make;
  }

  of(address: Uint8Array, payload: Uint8Array): Message {
    if (this.#payload === payload) {
      for (const made of this.#made) if (isSame(made.address, address)) return made.message;
    } else {
      this.#payload = payload;
      this.#made.length = 0;
    }
    const message = this.#make(address, payload);
    // Addresses that are one client's own are asked for once; only the few shared ones are worth finding again.
    if (this.#made.length < ADDRESSES_CACHED_MAX) this.#made.push({ address, message });
    return message;
  }

  clear(): void {
    this.#payload = undefined;
    this.#made.length = 0;
  }
}

const ADDRESSES_CACHED_MAX = 4;

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.byteLength === b.byteLength && Buffer.compare(a, b) === 0);
}
