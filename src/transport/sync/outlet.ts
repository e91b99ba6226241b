/**
 * What goes out on one editor's socket. G7: however slowly it is read, no more waits than the limits say: those who
 * send ask `isFull` first, leave out what they have when it is, and are told when everything has been read.
 */
import {
  AWARENESS_SEND_BUFFER_BYTES_MAX,
  SYNC_HELD_BYTES_MAX,
  SYNC_SEND_BUFFER_BYTES_MAX,
  SYNC_STALL_MS_MAX,
} from '../../limits.ts';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Message } from './frames.ts';

export interface Drained {
  onDrained(): void;
}

interface Large {
  readonly message: Message;
  /** Of the body: sent, or being sent. */
  offset: number;
  readonly done: (() => void) | undefined;
}

export class Outlet {
  readonly #socket: WebSocket;
  /** Written to directly: ws would frame each message anew for each reader. It sends control frames only. */
  readonly #raw: Duplex;
  #isCorked = false;
  #large: Large | undefined;
  /** Messages behind the large one. */
  #held: Message[] | undefined;
  #heldBytes = 0;
  #waiting: Set<Drained> | undefined;
  #isListening = false;
  /** When it was last seen to be read, while there is something to be read. */
  #readAtMs = 0;

  constructor(socket: WebSocket, raw: Duplex) {
    this.#socket = socket;
    this.#raw = raw;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** Updates are left out now. */
  get isFull(): boolean {
    return this.#large !== undefined || this.#raw.writableLength > SYNC_SEND_BUFFER_BYTES_MAX;
  }

  /** Presence is left out now. */
  get isBusy(): boolean {
    return this.#large !== undefined || this.#raw.writableLength > AWARENESS_SEND_BUFFER_BYTES_MAX;
  }

  /** Even answers pile up: whoever asks must not be listened to. */
  get isOver(): boolean {
    return this.#raw.writableLength > SYNC_SEND_BUFFER_BYTES_MAX || this.#heldBytes > SYNC_HELD_BYTES_MAX;
  }

  isStalled(nowMs: number): boolean {
    const isWaitedFor = this.#large !== undefined || this.#waiting !== undefined;
    return isWaitedFor && nowMs - this.#readAtMs > SYNC_STALL_MS_MAX;
  }

  /** `done` is called once, when a large message has left this process or never will; at once for a small one. */
  send(message: Message, done?: () => void): void {
    if (!this.isOpen) done?.();
    else if (this.#large) {
      this.#held ??= [];
      this.#held.push(message);
      this.#heldBytes += message.byteLength;
      done?.();
    } else if (message.isLarge) {
      this.#large = { message, offset: 0, done };
      this.#readAtMs = performance.now();
      this.#sendFragment();
    } else {
      this.#write(message.frame);
      done?.();
    }
  }

  /** Calls back once, when all that was sent has been taken. */
  whenDrained(who: Drained): void {
    if (!this.#waiting) {
      this.#waiting = new Set();
      this.#readAtMs = performance.now();
    }
    this.#waiting.add(who);
    this.#listen();
  }

  close(): void {
    const large = this.#large;
    this.#large = undefined;
    this.#held = undefined;
    this.#waiting = undefined;
    large?.done?.();
  }

  /** All that is written in one go leaves in one system call. */
  #write(frame: Uint8Array): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#raw.cork();
      process.nextTick(uncork, this);
    }
    this.#raw.write(frame);
  }

  uncork(): void {
    this.#isCorked = false;
    this.#raw.uncork();
  }

  #sendFragment(): void {
    const large = this.#large;
    if (!large) return;
    const { parts, next } = large.message.fragment(large.offset);
    large.offset = next;
    this.#raw.cork();
    for (const part of parts.slice(0, -1)) this.#raw.write(part);
    const last = parts.at(-1);
    if (last) this.#raw.write(last, () => this.#onFragmentTaken(large));
    this.#raw.uncork();
  }

  #onFragmentTaken(large: Large): void {
    if (this.#large !== large) return;
    this.#readAtMs = performance.now();
    if (!this.isOpen) this.close();
    else if (large.offset < large.message.body.byteLength) this.#sendFragment();
    else this.#finishLarge(large);
  }

  #finishLarge(large: Large): void {
    this.#large = undefined;
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#heldBytes = 0;
    large.done?.();
    for (const message of held) this.send(message);
    if (this.#waiting) this.#listen();
  }

  #listen(): void {
    if (this.#isListening || this.#large) return;
    this.#isListening = true;
    // What is corked only waits for the end of this tick; the stream says when that, too, is gone.
    if (this.#raw.writableNeedDrain) this.#raw.once('drain', () => this.#onDrain());
    else setImmediate(() => this.#onDrain());
  }

  #onDrain(): void {
    this.#isListening = false;
    const waiting = this.#waiting;
    if (!waiting) return;
    this.#readAtMs = performance.now();
    // The end of the large message listens again.
    if (this.#large) return;
    this.#waiting = undefined;
    for (const who of waiting) who.onDrained();
  }
}

function uncork(outlet: Outlet): void {
  outlet.uncork();
}
