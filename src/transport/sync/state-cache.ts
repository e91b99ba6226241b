/** Encoded states of one document at its present version: everyone who lacks the same is sent the same bytes. */
import { createHash } from 'node:crypto';
import { STATES_CACHED_BYTES_MAX, STATES_CACHED_MS_MAX, STATES_CACHED_PER_DOCUMENT_MAX } from '../../limits.ts';
import { vectorBefore } from '../../domain/update-clocks.ts';
import type { LiveDocument } from '../../documents/contract.ts';

/** Longer state vectors are known by their hash. */
const KEY_BYTES_MAX = 256;

/** What all caches of a process hold together. */
export class StateBudget {
  bytes = 0;
}

export class StateCache {
  readonly #budget: StateBudget;
  #version = -1;
  #vector: Uint8Array | undefined;
  readonly #states = new Map<string, Uint8Array>();
  #bytes = 0;
  #usedAtMs = 0;
  #before: { readonly update: Uint8Array; readonly vector: Uint8Array } | undefined;

  constructor(budget: StateBudget) {
    this.#budget = budget;
  }

  stateVector(live: LiveDocument): Uint8Array {
    this.#follow(live);
    this.#vector ??= live.stateVector();
    return this.#vector;
  }

  /** The state vector from before `update`, which the document was the last to change by. */
  vectorBefore(live: LiveDocument, update: Uint8Array): Uint8Array {
    if (this.#before?.update !== update)
      this.#before = { update, vector: vectorBefore(this.stateVector(live), update) };
    return this.#before.vector;
  }

  /** The committed state beyond `vector`. Throws UPDATE_MALFORMED for what is no state vector. */
  since(live: LiveDocument, vector: Uint8Array): Uint8Array {
    this.#follow(live);
    const key = keyOf(vector);
    const known = this.#states.get(key);
    if (known) return known;
    const state = live.stateAsUpdate(vector);
    const isRoom =
      this.#states.size < STATES_CACHED_PER_DOCUMENT_MAX &&
      this.#budget.bytes + state.byteLength <= STATES_CACHED_BYTES_MAX;
    if (isRoom) {
      this.#states.set(key, state);
      this.#bytes += state.byteLength;
      this.#budget.bytes += state.byteLength;
    }
    return state;
  }

  /** Lets go of what has not been asked for in a while. */
  tidy(nowMs: number): void {
    if (nowMs - this.#usedAtMs > STATES_CACHED_MS_MAX) this.clear();
  }

  clear(): void {
    this.#budget.bytes -= this.#bytes;
    this.#bytes = 0;
    this.#states.clear();
    this.#vector = undefined;
    this.#before = undefined;
  }

  #follow(live: LiveDocument): void {
    this.#usedAtMs = performance.now();
    if (live.version === this.#version) return;
    this.clear();
    this.#version = live.version;
  }
}

function keyOf(vector: Uint8Array): string {
  if (vector.byteLength <= KEY_BYTES_MAX) return Buffer.from(vector).toString('latin1');
  return createHash('sha256').update(vector).digest('base64');
}
