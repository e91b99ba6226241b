/** How runs end: on the execution, and as a note on the blob they were over. Every call may be repeated. */
import type { Processed, Receipt } from '../domain/blob.ts';
import type { Run, RunError } from '../domain/derivation/run.ts';
import type { StudioError } from '../errors.ts';
import {
  PROVIDER_ATTEMPTS,
  PROVIDER_AWAY_MS_MAX,
  PROVIDER_BACKOFF_COEFFICIENT,
  PROVIDER_BACKOFF_MS,
  PROVIDER_ERROR_CHARACTERS_MAX,
} from '../limits.ts';
import type { Runs } from '../providers/stores.ts';
import type { ClaimedRun, RunOutcome, RunRef } from './names.ts';

/** Notes on a blob what a provider last did with it. */
export interface ProcessedWriter {
  /** `unlessNewer`: what is noted of a newer version of its input stays. */
  recordProcessed(
    blobId: string,
    providerId: string,
    processed: Processed,
    options?: { readonly unlessNewer?: boolean },
  ): Promise<void>;
}

export class RunLedger {
  readonly #runs: Pick<Runs, 'finish' | 'get' | 'putOff' | 'recordFailure'>;
  readonly #processed: ProcessedWriter;
  readonly #now: () => Date;

  constructor(
    runs: Pick<Runs, 'finish' | 'get' | 'putOff' | 'recordFailure'>,
    processed: ProcessedWriter,
    now: () => Date,
  ) {
    this.#runs = runs;
    this.#processed = processed;
    this.#now = now;
  }

  /** Ends a run that is over for these inputs. */
  async settle(
    claimed: ClaimedRun,
    status: 'succeeded' | 'failed' | 'skipped',
    end: { readonly output?: Receipt; readonly error?: RunError },
  ): Promise<RunOutcome> {
    const error = end.error && clip(end.error);
    await this.#runs.finish(claimed.key, { status, ...end, ...(error ? { error } : {}) }, this.#now());
    await this.note(claimed, status);
    return { derivedId: claimed.ref.derivedId, state: 'settled' };
  }

  /** Counts an error the provider returned; after the last attempt the run has failed for these inputs. */
  async fail(claimed: ClaimedRun, error: RunError): Promise<RunOutcome> {
    const now = this.#now();
    const clipped = clip(error);
    if (claimed.attempt + 1 >= PROVIDER_ATTEMPTS) {
      await this.#runs.recordFailure(claimed.key, claimed.attempt, clipped, now);
      await this.note(claimed, 'failed');
      return { derivedId: claimed.ref.derivedId, state: 'settled' };
    }
    const pauseMs = PROVIDER_BACKOFF_MS * PROVIDER_BACKOFF_COEFFICIENT ** claimed.attempt;
    const retryAt = new Date(now.getTime() + pauseMs);
    await this.#runs.recordFailure(claimed.key, claimed.attempt, clipped, now, retryAt);
    return { derivedId: claimed.ref.derivedId, state: 'waiting', retryAtMs: retryAt.getTime() };
  }

  /** Over a blob that can't be loaded: the run is taken up again when loading it is. */
  async putOff(claimed: ClaimedRun, error: StudioError): Promise<RunOutcome> {
    const now = this.#now();
    const told = Date.parse(error.metadata['retry_at'] ?? '');
    const atMs = Math.max(Number.isNaN(told) ? 0 : told, now.getTime() + PROVIDER_BACKOFF_MS);
    const { reason, message } = error;
    await this.#runs.putOff(claimed.key, claimed.attempt, clip({ reason, message }), new Date(atMs));
    return { derivedId: claimed.ref.derivedId, state: 'waiting', retryAtMs: atMs };
  }

  /** G9: of a run that no worker took, however often. It is none of the provider's attempts. */
  async await(claimed: ClaimedRun): Promise<RunOutcome> {
    const now = this.#now();
    const begunAt = (await this.#runs.get(claimed.key))?.startedAt ?? now;
    const pauseMs = Math.max(PROVIDER_BACKOFF_MS, (now.getTime() - begunAt.getTime()) / 4);
    const retryAt = new Date(now.getTime() + Math.min(pauseMs, PROVIDER_AWAY_MS_MAX));
    const error = { reason: 'PROVIDER_TIMEOUT', message: 'No worker of the provider took the run; it is tried again.' };
    await this.#runs.putOff(claimed.key, claimed.attempt, error, retryAt);
    return { derivedId: claimed.ref.derivedId, state: 'waiting', retryAtMs: retryAt.getTime() };
  }

  /** Ends a run that was found to have committed. Where its input moved on meanwhile the blob may have a newer run's note. */
  async conclude({ key, providerId, inputs }: Run, output: Receipt): Promise<void> {
    const at = this.#now();
    const status = 'succeeded';
    await this.#runs.finish(key, { status, output }, at);
    const [source] = inputs;
    if (!source) return;
    const note = { executionId: key, inputs: [source], at, status } as const;
    await this.#processed.recordProcessed(source.blobId, providerId, note, { unlessNewer: true });
  }

  /** Ends a run whose input moved on before it succeeded; what the blob notes is the newer one's. */
  async supersede(key: string): Promise<void> {
    const error = { reason: 'SUPERSEDED', message: 'The input changed before this run succeeded.' };
    await this.#runs.finish(key, { status: 'skipped', error }, this.#now());
  }

  /** Ends a run that was asked for and can't be made; one that nobody asked for leaves no trace. */
  async giveUp(ref: RunRef): Promise<RunOutcome> {
    if (ref.asked) {
      const error = { reason: 'PROVIDER_INPUT_UNSUPPORTED', message: 'The input or the provider is not what it was.' };
      await this.#runs.finish(ref.asked.key, { status: 'skipped', error }, this.#now());
    }
    return { derivedId: ref.derivedId, state: 'settled' };
  }

  async note(claimed: ClaimedRun, status: Processed['status']): Promise<void> {
    const { sourceId, providerId } = claimed.ref;
    await this.#processed.recordProcessed(sourceId, providerId, {
      executionId: claimed.key,
      inputs: [{ blobId: sourceId, version: claimed.sourceVersion }],
      at: this.#now(),
      status,
    });
  }
}

function clip(error: RunError): RunError {
  return { reason: error.reason, message: error.message.slice(0, PROVIDER_ERROR_CHARACTERS_MAX) };
}
