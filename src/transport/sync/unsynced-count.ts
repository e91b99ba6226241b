/**
 * What an editor of Hocuspocus's protocol counts as unsynced. Its provider counts every change, but begins anew at one
 * when it sends its step 1, and what was typed before that without a connection it sends afterwards: nothing of that is
 * counted, our step 1's answer, which holds all of it, is. G1: one of those acknowledged would be taken for another.
 */
import { clocksBeyond, firstClocks } from '../../domain/update-clocks.ts';
import { SYNC_AHEAD_CLIENTS_MAX, SYNC_AHEAD_UPDATE_BYTES_MAX } from '../../limits.ts';

export type Counted = 'yes' | 'no' | 'unknown';

/** An update of the editor. */
export interface Taken {
  /** Of its updates, how many are acknowledged with this one. */
  readonly owed: number;
  readonly counted: Counted;
  /** It came as the answer to a step 1 of ours. */
  readonly isAnswer: boolean;
}

export class UnsyncedCount {
  /** From a step 1 until the answer to ours: what was typed before comes in between. */
  #isBeginning = false;
  /** By client: what the editor had when it began anew, where the studio had less. Absent: too much to keep. */
  #ahead: ReadonlyMap<number, number> | undefined;
  /** Of updates of which it is not known whether they are counted. */
  #withheld = 0;

  restart(editorHas: Uint8Array, studioHas: Uint8Array): void {
    this.#isBeginning = true;
    this.#withheld = 0;
    this.#ahead = aheadOf(editorHas, studioHas);
  }

  answered(): void {
    this.#isBeginning = false;
    this.#ahead = undefined;
  }

  isCounted(update: Uint8Array): Counted {
    if (!this.#isBeginning) return 'yes';
    if (!this.#ahead || update.byteLength > SYNC_AHEAD_UPDATE_BYTES_MAX) return 'unknown';
    try {
      const from = firstClocks(update);
      for (const [client, clock] of from) if (clock < (this.#ahead.get(client) ?? 0)) return 'no';
      // Of what only deletes it can't be told when it was made.
      return from.size > 0 ? 'yes' : 'unknown';
    } catch {
      return 'unknown';
    }
  }

  withhold(acknowledgements: number): void {
    this.#withheld += acknowledgements;
  }

  /**
   * Called when nothing of the editor is pending: all it was in doubt about may be acknowledged, counted or not. Only of
   * what is on its way at that moment it is then told too early, if deletions made offline came before.
   */
  release(): number {
    if (this.#isBeginning) return 0;
    const released = this.#withheld;
    this.#withheld = 0;
    return released;
  }
}

function aheadOf(editorHas: Uint8Array, studioHas: Uint8Array): ReadonlyMap<number, number> | undefined {
  try {
    const beyond = clocksBeyond(editorHas, studioHas);
    return beyond.length <= SYNC_AHEAD_CLIENTS_MAX ? new Map(beyond) : undefined;
  } catch {
    // Whoever answers the step 1 finds that it is none.
    return undefined;
  }
}
