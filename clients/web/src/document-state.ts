import type { StudioError } from './studio-error.ts';

/** A new object at each change. */
export interface DocumentState {
  /**
   * `connecting`: there is no answer yet; `connected`; `waiting`: it was lost and is tried again soon, `problem` says why;
   * `offline`: by `disconnect`, or not connected yet; `closed`: for good, by `destroy` or because of `problem`.
   */
  readonly status: 'offline' | 'connecting' | 'connected' | 'waiting' | 'closed';
  /** Connected, and everything the studio had by then is here. */
  readonly synced: boolean;
  /** Every edit made here is stored in the studio. False from the first edit on until its acknowledgement. */
  readonly saved: boolean;
  /** The caller may not change the document; edits made here all the same stay here, and unsaved. */
  readonly readOnly: boolean;
  /** Everything up to this version is here; 0 when it is not known. */
  readonly version: bigint;
  /** A version that holds all edits acknowledged so far; 0 before the first. */
  readonly savedVersion: bigint;
  /** Why it is not connected, why edits are not saved yet, or why presence is not sent. */
  readonly problem: StudioError | undefined;
}
