import { awarenessMessage, updateMessage } from './messages.ts';

/** The engine and the awareness hand one and the same update to every session in turn: its message is made once. */
export class UpdateFrames {
  #update: { readonly of: Uint8Array; readonly message: Uint8Array } | undefined;
  #awareness: { readonly of: Uint8Array; readonly message: Uint8Array } | undefined;

  of(update: Uint8Array): Uint8Array {
    if (this.#update?.of !== update) this.#update = { of: update, message: updateMessage(update) };
    return this.#update.message;
  }

  ofAwareness(update: Uint8Array): Uint8Array {
    if (this.#awareness?.of !== update) this.#awareness = { of: update, message: awarenessMessage(update) };
    return this.#awareness.message;
  }
}
