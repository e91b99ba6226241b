/** One connection of one document to the studio, whichever calls carry it. */

export interface Opening {
  /** Of what this replica has. */
  readonly stateVector: Uint8Array;
  /** It has seen all up to this version; 0 when it does not know. */
  readonly afterVersion: bigint;
}

export type LinkEvent =
  | {
      readonly kind: 'opened';
      readonly version: bigint;
      readonly update: Uint8Array;
      /** The studio's. */
      readonly stateVector: Uint8Array;
      readonly readOnly: boolean;
    }
  | { readonly kind: 'update'; readonly update: Uint8Array; readonly version: bigint }
  /** All changes up to this version were sent, or are this client's own. */
  | { readonly kind: 'seen'; readonly version: bigint }
  | { readonly kind: 'awareness'; readonly update: Uint8Array }
  | { readonly kind: 'access'; readonly readOnly: boolean }
  | { readonly kind: 'keep_alive' };

/** Both may be absent, but not together. */
export interface Pushed {
  readonly update?: Uint8Array;
  readonly awareness?: Uint8Array;
}

export interface Link {
  /** What the studio says, the opening first. Throws what ended the session; just ends when it was aborted. Called once. */
  events(): AsyncIterable<LinkEvent>;
  /**
   * After `opened`, one call at a time. Resolves once the update is durable, with a version that holds it (0 when there
   * was only awareness); rejects with why it was refused, or that there is no answer, in which case it may be in.
   */
  push(pushed: Pushed): Promise<bigint>;
}

/** Aborting the signal ends the link. */
export type LinkMaker = (blobId: string, opening: Opening, signal: AbortSignal) => Link;
