/** Who else is in the document, and what others are told of who is here. */
import {
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
  type Awareness,
} from 'y-protocols/awareness';
import { AWARENESS_BYTES_MAX } from './limits.ts';

export interface PresenceOptions {
  /** Null: none is exchanged. */
  readonly awareness: Awareness | null;
  /** Named to the awareness as where its changes come from. */
  readonly origin: unknown;
  /** There may be something to tell. */
  readonly onNews: () => void;
  /** `isTooLarge` has changed. */
  readonly onSize: () => void;
}

export class Presence {
  readonly #options: PresenceOptions;
  #isNew = false;
  #isTooLarge = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    options.awareness?.on('update', this.#onUpdate);
  }

  apply(update: Uint8Array): void {
    const { awareness, origin } = this.#options;
    if (awareness) applyAwarenessUpdate(awareness, update, origin);
  }

  /** A new connection: it knows nothing of who is here. */
  startOver(): void {
    this.#isNew = this.#options.awareness?.getLocalState() != null;
  }

  /** The studio would refuse it, and with it whatever is pushed beside it: others are told of nothing newer. */
  get isTooLarge(): boolean {
    return this.#isTooLarge;
  }

  /** What is to be told; undefined when there is nothing. */
  take(): Uint8Array | undefined {
    const { awareness, onSize } = this.#options;
    if (!awareness || !this.#isNew) return undefined;
    this.#isNew = false;
    const update = encodeAwarenessUpdate(awareness, [awareness.clientID]);
    const isTooLarge = update.byteLength > AWARENESS_BYTES_MAX;
    if (isTooLarge !== this.#isTooLarge) {
      this.#isTooLarge = isTooLarge;
      onSize();
    }
    return isTooLarge ? undefined : update;
  }

  /** What was taken was not told. */
  putBack(): void {
    this.#isNew = true;
  }

  /** Whoever they were, nothing is known of them without a connection. */
  forgetOthers(): void {
    const { awareness, origin } = this.#options;
    if (!awareness) return;
    const others = [...awareness.meta.keys()].filter((client) => client !== awareness.clientID);
    removeAwarenessStates(awareness, others, origin);
    // Whoever is still there is shown by the next connection with the same clock, which counts as old news otherwise.
    for (const client of others) awareness.meta.delete(client);
  }

  stop(): void {
    this.#options.awareness?.off('update', this.#onUpdate);
  }

  /** Also when the studio believed this client gone: it is told of it, counts its clock on, and is to say so. */
  readonly #onUpdate = (changed: Record<'added' | 'updated' | 'removed', number[]>): void => {
    const own = this.#options.awareness?.clientID;
    if (![...changed.added, ...changed.updated, ...changed.removed].some((client) => client === own)) return;
    this.#isNew = true;
    this.#options.onNews();
  };
}
