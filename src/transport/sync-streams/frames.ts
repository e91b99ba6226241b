/** What SyncService tells a client of one document, before it is put into Sync's or Subscribe's message. */
import type { StudioError } from '../../errors.ts';

export type Frame =
  | {
      readonly kind: 'opened';
      readonly version: number;
      readonly update: Uint8Array;
      readonly stateVector: Uint8Array;
      readonly readOnly: boolean;
    }
  | { readonly kind: 'update'; readonly update: Uint8Array; readonly version: number }
  | {
      readonly kind: 'committed';
      readonly reference: bigint;
      readonly version: number;
      /** All up to the version was sent, or is the reader's own. */
      readonly seen: boolean;
    }
  | { readonly kind: 'rejected'; readonly reference: bigint; readonly error: StudioError }
  | { readonly kind: 'awareness'; readonly update: Uint8Array }
  | { readonly kind: 'access'; readonly readOnly: boolean }
  | { readonly kind: 'closed'; readonly error: StudioError };

/** Where frames come from: one document of one stream. */
export interface FrameSource {
  readonly blobId: string;
  /** The answer to an opening, made when the reader is ready for it; from then on its updates are added. */
  opening(): Frame | undefined;
  /** One update with all that came after the last frame that was taken; made when the reader is ready for it. */
  missed(): Frame | undefined;
  /** The awareness as it is now, with those who left, for a reader that was not told of all. Undefined: not now. */
  presence(): Frame | undefined;
  /** The frame goes to the reader now. */
  taken(frame: Frame): void;
}

/** What its own payload weighs; the rest of a message is small and counted by the piece. */
export function bytesOf(frame: Frame): number {
  return frame.kind === 'update' || frame.kind === 'awareness' ? frame.update.byteLength : 0;
}
