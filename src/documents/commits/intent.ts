/** A change somebody asked for, from the moment it is taken in until its outcome is known. */
import type { Derivation } from '../../domain/blob.ts';
import type { Base, Delta, Genesis, Patch } from '../../domain/delta.ts';
import { BATCHES_PER_FLUSH_MAX, FLUSH_BYTES_MAX, FLUSH_DELTAS_MAX } from '../../limits.ts';
import type { LiveSession, PushOutcome } from '../contract.ts';
import { asToldToCallers } from '../../storage/database-failures.ts';

export type Work =
  | {
      readonly kind: 'create';
      readonly genesis: Genesis;
      readonly content: Uint8Array;
      readonly derivation?: Derivation;
    }
  | { readonly kind: 'patch'; readonly patch: Patch; readonly fromVersion?: number; readonly previousDelta?: string }
  | {
      readonly kind: 'push';
      readonly update: Uint8Array;
      readonly session: LiveSession;
      /** Never joined with the push before it: it makes a delta of its own. */
      readonly separate: boolean;
    }
  | { readonly kind: 'transform'; readonly content: Uint8Array; readonly derivation: Derivation }
  /** All become deltas of one commit, each made on the result of the one before, or none does. */
  | {
      readonly kind: 'batch';
      readonly patches: readonly Patch[];
      readonly fromVersion?: number;
      readonly previousDelta?: string;
    }
  | { readonly kind: 'delete' }
  | { readonly kind: 'undelete' };

/** `delta` is absent when nothing new was brought; `version` then contains the change all the same. */
export interface Settled {
  readonly delta?: Delta;
  /** Of a batch: all it made. */
  readonly deltas?: readonly Delta[];
  readonly version: number;
  /** The request was seen before: this is its first answer. */
  readonly repeated: boolean;
}

/** An edit as made on its base. It stays valid as long as its client id has not moved on at the head. */
export interface Authored {
  readonly update: Uint8Array;
  readonly clientId: number;
  readonly base: Base;
  /** The id's clock in the base. */
  readonly clock: number;
}

export class Intent {
  readonly userId: string;
  readonly providerId: string | undefined;
  readonly work: Work;
  readonly causedBy: string | undefined;
  readonly requestId: string | undefined;
  /** Refused unless the head is at this version. */
  readonly ifVersion: number | undefined;
  /** Whose changes keep their order with it: a stream of them. */
  readonly line: object | undefined;
  readonly receivedAt = new Date();
  /** The same for what waits: not of the day, whose clock may step. */
  readonly waitsSinceMs = performance.now();
  /** Taken in when the blob was known to be deleted. An edit that merely races a deletion is not: it commits. */
  isLate = false;
  /** Held while it waits. */
  readonly bytes: number;
  /** What it may come to in its flush, at the most: a few bytes may restore a whole content. */
  readonly flushBytes: number;
  readonly flushDeltas: number;
  /** Of a raw update: whether it must be tried in a thread before it joins a flush, and whether it was. */
  trial: 'needed' | 'passed' | undefined;
  /** Kept across lost races when the edit named its base. */
  authored: Authored | undefined;
  /** Told in place of a promise. */
  readonly #outcome: PushOutcome | undefined;
  #settled: Promise<Settled> | undefined;
  #resolve: ((settled: Settled) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  #answer: Settled | undefined;
  #refusal: unknown;
  #isOpen = true;

  constructor(options: {
    readonly userId: string;
    readonly providerId?: string;
    readonly work: Work;
    readonly causedBy?: string;
    readonly requestId?: string;
    readonly ifVersion?: number;
    readonly line?: object;
    readonly bytes: number;
    readonly outcome?: PushOutcome;
  }) {
    this.userId = options.userId;
    this.providerId = options.providerId;
    this.work = options.work;
    this.causedBy = options.causedBy;
    this.requestId = options.requestId;
    this.ifVersion = options.ifVersion;
    this.line = options.line;
    this.bytes = options.bytes;
    this.flushBytes = isRevert(options.work) ? FLUSH_BYTES_MAX : options.bytes;
    // Few batches in one flush, since one that is refused has the rest of its flush prepared again.
    this.flushDeltas =
      options.work.kind === 'batch'
        ? Math.max(options.work.patches.length, FLUSH_DELTAS_MAX / BATCHES_PER_FLUSH_MAX)
        : 1;
    this.#outcome = options.outcome;
  }

  /** Made when it is first asked for: editors' updates are many, and nobody asks for theirs. */
  get settled(): Promise<Settled> {
    if (this.#settled) return this.#settled;
    if (this.#isOpen) {
      this.#settled = new Promise((resolve, reject) => {
        this.#resolve = resolve;
        this.#reject = reject;
      });
    } else this.#settled = this.#answer ? Promise.resolve(this.#answer) : Promise.reject(this.#refusal);
    // A caller that has gone does not wait any more.
    this.#settled.catch(() => undefined);
    return this.#settled;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  resolve(settled: Settled): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#answer = settled;
    this.#resolve?.(settled);
    this.#outcome?.committed(settled.version);
  }

  reject(error: unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const refusal = asToldToCallers(error);
    this.#refusal = refusal;
    this.#reject?.(refusal);
    const outcome = this.#outcome;
    // It may end its session, which is in the midst of handing this in.
    if (outcome) queueMicrotask(() => outcome.refused(refusal));
  }
}

function isRevert(work: Work): boolean {
  if (work.kind === 'batch') return work.patches.some(({ kind }) => kind === 'revert');
  return work.kind === 'patch' && work.patch.kind === 'revert';
}

/** What keeps its order: a session, a stream of changes; a unary call is on its own. */
export function lineOf(intent: Intent): object {
  return intent.work.kind === 'push' ? intent.work.session : (intent.line ?? intent);
}
