/**
 * Large messages go out in turns (G7): a thousand editors that open one large document at once are served one after
 * the other at full speed, rather than all at a thousandth of it with a thousand full send buffers in the kernel.
 */
import { LARGE_SEND_TURN_MS_MAX, LARGE_SENDS_BYTES_MAX, LARGE_SENDS_HELD_BYTES_MAX } from '../../limits.ts';

export interface Turn {
  /** The body that is being sent; it stays in memory until the turn ends. */
  hold(body: Uint8Array): void;
  end(): void;
}

export class LargeSends {
  readonly #queue: { readonly bytes: number; readonly go: (turn: Turn) => void }[] = [];
  readonly #active = new Set<ActiveTurn>();
  /** Bodies in memory for unfinished turns, with how many turns hold each. */
  readonly #held = new Map<Uint8Array, number>();
  #heldBytes = 0;
  #activeBytes = 0;
  #isAdmitting = false;

  get isIdle(): boolean {
    return this.#active.size === 0 && this.#queue.length === 0;
  }

  /** Calls `go` when it is the turn of a message of about so many bytes: at once, if nothing is before it. */
  enter(bytes: number, go: (turn: Turn) => void): void {
    this.#queue.push({ bytes, go });
    this.#admit();
  }

  /** Readers that take too long stop keeping others from their turns. Called in a fixed rhythm. */
  passOn(nowMs: number): void {
    for (const turn of this.#active) {
      if (nowMs - turn.sinceMs < LARGE_SEND_TURN_MS_MAX) break;
      this.#leave(turn);
    }
    this.#admit();
  }

  #admit(): void {
    // A turn that ends as it begins comes back here; the loop below goes on with the next then.
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    try {
      this.#admitAll();
    } finally {
      this.#isAdmitting = false;
    }
  }

  #admitAll(): void {
    for (;;) {
      const next = this.#queue[0];
      const isRoom = this.#active.size === 0 || this.#activeBytes + (next?.bytes ?? 0) <= LARGE_SENDS_BYTES_MAX;
      if (!next || !isRoom || (this.#heldBytes >= LARGE_SENDS_HELD_BYTES_MAX && this.#held.size > 0)) return;
      this.#queue.shift();
      const turn = new ActiveTurn(next.bytes, {
        hold: (body) => this.#hold(body),
        ended: (active, held) => this.#onEnded(active, held),
      });
      this.#active.add(turn);
      this.#activeBytes += next.bytes;
      next.go(turn);
    }
  }

  #hold(body: Uint8Array): void {
    const holders = this.#held.get(body) ?? 0;
    this.#held.set(body, holders + 1);
    if (holders === 0) this.#heldBytes += body.byteLength;
  }

  #onEnded(turn: ActiveTurn, held: Uint8Array | undefined): void {
    this.#leave(turn);
    if (held) {
      const holders = (this.#held.get(held) ?? 1) - 1;
      if (holders > 0) this.#held.set(held, holders);
      else if (this.#held.delete(held)) this.#heldBytes -= held.byteLength;
    }
    this.#admit();
  }

  #leave(turn: ActiveTurn): void {
    if (this.#active.delete(turn)) this.#activeBytes -= turn.bytes;
  }
}

interface TurnKeeper {
  hold(body: Uint8Array): void;
  ended(turn: ActiveTurn, held: Uint8Array | undefined): void;
}

class ActiveTurn implements Turn {
  readonly bytes: number;
  readonly sinceMs = performance.now();
  readonly #sends: TurnKeeper;
  #held: Uint8Array | undefined;
  #isOver = false;

  constructor(bytes: number, sends: TurnKeeper) {
    this.bytes = bytes;
    this.#sends = sends;
  }

  hold(body: Uint8Array): void {
    this.#held = body;
    this.#sends.hold(body);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sends.ended(this, this.#held);
  }
}
