/** One WebSocket of an editor: when it is read, when it is found dead, how it ends. What its messages mean is for others. */
import { SYNC_PENDING_BYTES_MAX, SYNC_PENDING_UPDATES_MAX } from '../../limits.ts';
import { StudioError } from '../../errors.ts';
import { CLOSE_SLOW_READER, closeCode, closeReason } from './close-codes.ts';
import { Outlet, type Drained } from './outlet.ts';
import { Rate } from './rate.ts';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { EditorHub } from './editor-hub.ts';

/** Why a socket is not read. */
const OVER_RATE = 1;
const TOO_MUCH_PENDING = 2;
const NOT_READING = 4;
const OPENING = 8;
const DRAINING = 16;

export abstract class EditorSocket implements Drained {
  readonly hub: EditorHub;
  readonly outlet: Outlet;
  readonly #socket: WebSocket;
  readonly #rate: Rate;
  #pauses = 0;
  #pendingUpdates = 0;
  #pendingBytes = 0;
  #answeredPing = true;
  #isEnding = false;

  constructor(hub: EditorHub, socket: WebSocket, raw: Duplex) {
    this.hub = hub;
    this.outlet = new Outlet(socket, raw);
    this.#socket = socket;
    this.#rate = new Rate(hub.limits.connectionRate);
  }

  /** From here on its messages are handled. */
  listen(): void {
    const socket = this.#socket;
    // A broken peer, or one that sends more than it may, is closed by ws itself; unheard, its error would end the process.
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    socket.on('pong', () => (this.#answeredPing = true));
    socket.once('close', () => this.#onClosed());
    this.hub.add(this);
  }

  get isOpen(): boolean {
    return this.outlet.isOpen;
  }

  /** Throws a StudioError, with which the socket ends. */
  protected abstract handle(message: Buffer): void;
  /** Nothing of it may be sent any more. */
  protected abstract closed(): void;
  /** Called in a fixed rhythm, while the socket is open and takes what it is sent: it takes a silent studio for dead. */
  protected abstract keepAlive(): void;
  /** Called in that rhythm while it is read, too: whether what was asked of it has been answered. */
  protected abstract checkAnswers(nowMs: number): void;
  /** Resolves once everything the editor handed in is durable, or refused. */
  protected abstract settled(): Promise<void>;

  /** Counts a message against one more rate; over it, the socket is not read until the rate has gone down. */
  charge(rate: Rate, bytes: number): void {
    const { tick } = this.hub;
    rate.take(bytes, tick);
    if (!rate.isOver(tick)) return;
    this.#pause(OVER_RATE);
    this.hub.throttle(this, rate);
  }

  unthrottle(): void {
    this.#resume(OVER_RATE);
  }

  /** An update is under way to the engine, or (negative) has arrived. */
  pending(updates: 1 | -1, bytes: number): void {
    this.#pendingUpdates += updates;
    this.#pendingBytes += updates * bytes;
    const isFull = this.#pendingUpdates >= SYNC_PENDING_UPDATES_MAX || this.#pendingBytes >= SYNC_PENDING_BYTES_MAX;
    if (isFull) this.#pause(TOO_MUCH_PENDING);
    else this.#resume(TOO_MUCH_PENDING);
  }

  /** Whether the documents its messages are for can take them. */
  holdBack(isHeld: boolean): void {
    if (isHeld) this.#pause(OPENING);
    else this.#resume(OPENING);
  }

  /** G7: one that does not read its answers is not listened to. */
  checkReader(): void {
    if (!this.outlet.isOver) return;
    this.#pause(NOT_READING);
    this.outlet.whenDrained(this);
  }

  onDrained(): void {
    this.#resume(NOT_READING);
  }

  /** A peer that vanished is found by asking, one that never reads by what waits for it. */
  beat(nowMs: number): void {
    if (!this.isOpen) {
      // A peer that does not say that it, too, is done is not waited for.
      if (this.#isEnding) this.#socket.terminate();
      this.#isEnding = true;
      return;
    }
    if (this.outlet.isStalled(nowMs)) {
      this.close(CLOSE_SLOW_READER, 'LIMIT_EXCEEDED: the reader takes nothing');
      return;
    }
    // A reader with much before it is sent something as it is, and answers late.
    if (this.outlet.isBusy) {
      this.#answeredPing = true;
      return;
    }
    this.keepAlive();
    // While its socket is not read its pong can't be either.
    if (this.#pauses !== 0) {
      this.#answeredPing = true;
      return;
    }
    if (!this.#answeredPing) {
      this.#socket.terminate();
      return;
    }
    this.#answeredPing = false;
    this.#socket.ping();
    this.checkAnswers(nowMs);
  }

  /** Logs what should not happen. */
  end(error: unknown): void {
    if (!this.isOpen) return;
    const failure = this.hub.explain(error);
    this.close(closeCode(failure), closeReason(failure));
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    // What was sent in this tick goes before the close frame.
    this.outlet.uncork();
    this.#socket.close(code, reason);
    this.outlet.close();
    // Unread, the peer's answer to the close frame would never come.
    this.#socket.resume();
  }

  /** Ends once what the editor already handed in is durable, or refused. */
  async drain(error: StudioError): Promise<void> {
    this.#pause(DRAINING);
    await this.settled();
    this.end(error);
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (!this.isOpen) return;
    try {
      if (!isBinary || !Buffer.isBuffer(data)) throw new StudioError('UPDATE_MALFORMED', 'Messages must be binary.');
      this.charge(this.#rate, data.byteLength);
      this.handle(data);
      this.checkReader();
    } catch (error) {
      this.end(error);
    }
  }

  #onClosed(): void {
    this.hub.remove(this);
    this.outlet.close();
    this.closed();
  }

  #pause(why: number): void {
    if (this.#pauses === 0 && this.isOpen) this.#socket.pause();
    this.#pauses |= why;
  }

  #resume(why: number): void {
    if ((this.#pauses & why) === 0) return;
    this.#pauses &= ~why;
    if (this.#pauses === 0 && this.isOpen) this.#socket.resume();
  }
}
