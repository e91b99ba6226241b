/**
 * Raw updates of one blob that are tried in a thread before they join a flush, and behind each what its session or
 * stream sent after it: those follow on each other. Everyone else's changes go on meanwhile.
 */
import * as Y from 'yjs';
import {
  ROOM_PENDING_BYTES_MAX,
  ROOM_PENDING_EDITS_MAX,
  TRIAL_DELETIONS_BYTES,
  TRIAL_FROM_BYTES,
} from '../../limits.ts';
import { updateOf } from '../../domain/content/opaque-document.ts';
import type { Patch } from '../../domain/delta.ts';
import { StudioError } from '../../errors.ts';
import { lineOf, type Intent } from '../commits/intent.ts';
import { tooManyWait } from '../commits/pending-intents.ts';
import type { RoomState } from '../memory/room-state.ts';
import type { UpdateTrials } from './update-trials.ts';

interface Line {
  readonly intents: Intent[];
  /** Ends the wait of its first intent for one that has come back to the line before it. */
  wake: () => void;
}

export class HeldUpdates {
  readonly #state: RoomState;
  readonly #trials: UpdateTrials;
  readonly #refresh: () => Promise<void>;
  readonly #release: (intent: Intent) => void;
  readonly #lastOf: (line: object) => Intent | undefined;
  readonly #lines = new Map<object, Line>();
  #count = 0;
  #bytes = 0;

  /**
   * `refresh` brings the state up to the log. `release` takes the intents that may join a flush, in their line's order.
   * `lastOf` tells what of a line was sent last and is in a flush, or waits for one.
   */
  constructor(options: {
    readonly state: RoomState;
    readonly trials: UpdateTrials;
    readonly refresh: () => Promise<void>;
    readonly release: (intent: Intent) => void;
    readonly lastOf: (line: object) => Intent | undefined;
  }) {
    this.#state = options.state;
    this.#trials = options.trials;
    this.#refresh = options.refresh;
    this.#release = options.release;
    this.#lastOf = options.lastOf;
  }

  get size(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True, and taken, if the intent must be tried first or comes behind one that must. Refused over the limits (G7). */
  takes(intent: Intent): boolean {
    const line = this.#lines.get(lineOf(intent));
    if (!line && !this.#needsTrial(intent)) return false;
    if (this.#count >= ROOM_PENDING_EDITS_MAX || this.#bytes + intent.bytes > ROOM_PENDING_BYTES_MAX) {
      intent.reject(tooManyWait());
    } else this.#enter(intent);
    return true;
  }

  /**
   * Those of a flush, and of what waited for the next, that turned out to need a trial, and those behind them. What their
   * lines hold already was sent after them, and may be waiting for them.
   */
  hold(intents: readonly Intent[]): void {
    const byLine = new Map<object, Intent[]>();
    for (const intent of intents) {
      this.#count += 1;
      this.#bytes += intent.bytes;
      const key = lineOf(intent);
      const ofLine = byLine.get(key);
      if (ofLine) ofLine.push(intent);
      else byLine.set(key, [intent]);
    }
    for (const [key, ofLine] of byLine) {
      const line = this.#lines.get(key);
      if (!line) this.#begin(key, ofLine);
      else {
        line.intents.unshift(...ofLine);
        line.wake();
      }
    }
  }

  takeAll(): Intent[] {
    const all = [...this];
    this.#lines.clear();
    this.#count = 0;
    this.#bytes = 0;
    return all;
  }

  *[Symbol.iterator](): IterableIterator<Intent> {
    for (const line of this.#lines.values()) yield* line.intents;
  }

  #enter(intent: Intent): void {
    this.#count += 1;
    this.#bytes += intent.bytes;
    const key = lineOf(intent);
    const line = this.#lines.get(key);
    if (line) line.intents.push(intent);
    else this.#begin(key, [intent]);
  }

  #begin(key: object, intents: Intent[]): void {
    const line = { intents, wake: () => undefined };
    this.#lines.set(key, line);
    void this.#run(key, line);
  }

  async #run(key: object, line: Line): Promise<void> {
    for (let intent = line.intents[0]; intent; intent = line.intents[0]) {
      if (this.#needsTrial(intent)) {
        // It builds on what its line sent before, so that must be in the document it is tried on.
        await this.#earlierSettled(key, line);
        if (this.#lines.get(key) === line && line.intents[0] !== intent) continue;
        await this.#try(intent);
      }
      // All were taken away meanwhile: the room has failed.
      if (this.#lines.get(key) !== line) return;
      line.intents.shift();
      this.#count -= 1;
      this.#bytes -= intent.bytes;
      if (line.intents.length === 0) this.#lines.delete(key);
      if (intent.isOpen) this.#release(intent);
    }
  }

  /** Resolves when nothing of the line is in a flush, or waits for one, any more: it has its outcome, or is held as well. */
  #earlierSettled(key: object, line: Line): Promise<void> {
    const last = this.#lastOf(key);
    if (!last) return Promise.resolve();
    return new Promise((resolve) => {
      line.wake = resolve;
      void last.settled.then(
        () => resolve(),
        () => resolve(),
      );
    });
  }

  #needsTrial(intent: Intent): boolean {
    return intent.trial !== 'passed' && (intent.trial === 'needed' || this.#rawUpdatesOf(intent).some(isLarge));
  }

  /** What of it a client made: whole content of an opaque document is such an update too. */
  #rawUpdatesOf(intent: Intent): Uint8Array[] {
    const { work } = intent;
    if (work.kind === 'push') return [work.update];
    const contentType = this.#contentTypeOf(intent);
    if (contentType === undefined) return [];
    const created: Patch[] = work.kind === 'create' ? [{ kind: 'content', content: work.content }] : [];
    const patches = work.kind === 'patch' ? [work.patch] : work.kind === 'batch' ? work.patches : created;
    return patches.flatMap((patch) => updateOf(this.#state.doc, contentType, patch) ?? []);
  }

  /** Undefined: there is no such blob. */
  #contentTypeOf({ work }: Intent): string | undefined {
    if (work.kind === 'create') return work.genesis.contentType;
    return this.#state.version === 0 ? undefined : this.#state.genesis.contentType;
  }

  async #try(intent: Intent): Promise<void> {
    if (!intent.isOpen) return;
    const triedOn = this.#state.version;
    try {
      await this.#integrate(intent).catch(async (refusal: unknown) => {
        // What it costs does not depend on the head.
        if (StudioError.from(refusal).reason === 'UPDATE_TOO_COMPLEX') throw refusal;
        // Another process may have committed what it builds on. All that was acknowledged before it came is there after this.
        await this.#refresh();
        if (this.#state.version === triedOn) throw refusal;
        await this.#integrate(intent);
      });
      intent.trial = 'passed';
    } catch (error) {
      intent.reject(error);
    }
  }

  #integrate(intent: Intent): Promise<void> {
    return this.#trials.try({
      userId: intent.userId,
      // An editor refused for others' sake would come back with the same update, and be refused again.
      isPatient: intent.work.kind === 'push',
      state: () => Y.encodeStateAsUpdate(this.#state.doc),
      updates: this.#rawUpdatesOf(intent),
      contentType: this.#contentTypeOf(intent) ?? '',
    });
  }
}

/** A client that comes back sends all it ever deleted, most of it known: that is soon seen, and not tried each time. */
function isLarge(update: Uint8Array): boolean {
  const bringsStructs = update[0] !== 0;
  return update.byteLength >= (bringsStructs ? TRIAL_FROM_BYTES : TRIAL_DELETIONS_BYTES);
}
