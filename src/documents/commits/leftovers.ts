/** What of a flush will not be in its commit: of most flushes that is nothing, and nothing is made for it. */
import { type Intent, lineOf } from './intent.ts';

const NOBODY: readonly Intent[] = [];
const NOTHING: ReadonlyMap<Intent, unknown> = new Map();

export class Leftovers {
  /** Those that must be tried first, and what their lines sent after them. */
  #held: Set<Intent> | undefined;
  /** Whose intents are held. */
  #lines: Set<object> | undefined;
  #refused: Map<Intent, unknown> | undefined;

  get held(): readonly Intent[] {
    return this.#held ? [...this.#held] : NOBODY;
  }

  /** And why. */
  get refused(): ReadonlyMap<Intent, unknown> {
    return this.#refused ?? NOTHING;
  }

  /** The flush is gone through anew, from its first intent. */
  restart(): void {
    this.#lines = undefined;
  }

  refuse(intent: Intent, why: unknown): void {
    this.#refused ??= new Map();
    this.#refused.set(intent, why);
  }

  hold(intent: Intent): void {
    this.#held ??= new Set();
    this.#held.add(intent);
    this.#lines ??= new Set();
    this.#lines.add(lineOf(intent));
  }

  /** Whether it was left, or is now, because it or one before it of the same line is held. */
  leaves(intent: Intent): boolean {
    if (this.#refused?.has(intent)) return true;
    if (!this.#held?.has(intent) && !this.#lines?.has(lineOf(intent))) return false;
    this.hold(intent);
    return true;
  }

  /** It is asked anew in another flush. */
  forget(intent: Intent): void {
    this.#held?.delete(intent);
    this.#refused?.delete(intent);
  }
}
