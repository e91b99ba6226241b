/** When a debounced provider may run: after quiet since the last change, at most max_wait since the first it missed. */
import type { Blob } from '../domain/blob.ts';
import type { Caller } from '../domain/access/caller.ts';
import type { WantedRun } from '../domain/derivation/waves.ts';
import type { Documents } from '../documents/contract.ts';
import type { Delta } from '../domain/delta.ts';
import { StudioError } from '../errors.ts';
import { CLOCKS_APART_MS_MAX } from '../limits.ts';

export class Debounce {
  readonly #documents: Pick<Documents, 'listDeltas'>;

  constructor(documents: Pick<Documents, 'listDeltas'>) {
    this.#documents = documents;
  }

  /** Milliseconds since 1970; 0 for a provider that is not debounced. */
  async quietAt(caller: Caller, run: WantedRun): Promise<number> {
    const { source, provider } = run;
    if (!provider.debounce) return 0;
    const { quietMs, maxWaitMs } = provider.debounce;
    try {
      const missedSince = await this.#missedSince(caller, run);
      return Math.min(source.updatedAt.getTime() + quietMs, missedSince.getTime() + maxWaitMs);
    } catch (error) {
      // The source can't be loaded. What runs on it finds that too and waits, and no other run does with it.
      if (error instanceof StudioError && error.code === 'data_loss') return 0;
      throw error;
    }
  }

  /**
   * The first change since the provider was last given the blob, whatever came of that: one that fails, or does not
   * match, is debounced too.
   */
  async #missedSince(caller: Caller, { source, provider, derived }: WantedRun): Promise<Date> {
    const inputs = [...(derived?.derivedFrom?.inputs ?? []), ...(source.processedBy[provider.id]?.inputs ?? [])];
    const given = inputs.filter((receipt) => receipt.blobId === source.id).map((receipt) => receipt.version);
    if (given.length > 0) {
      return (await this.#deltaAfter(caller, source, Math.max(...given)))?.appliedAt ?? source.updatedAt;
    }
    const sinceMs = provider.createdAt.getTime() - CLOCKS_APART_MS_MAX;
    const onCreated = provider.triggerEvents.includes('blob.created');
    if (onCreated && source.createdAt.getTime() >= sinceMs) return source.createdAt;
    return (await this.#firstSince(caller, source, sinceMs)) ?? source.updatedAt;
  }

  /** When the blob first changed after a moment. Times ascend with versions, so it is searched for by halves. */
  async #firstSince(caller: Caller, source: Blob, sinceMs: number): Promise<Date | undefined> {
    // That it was created is no change.
    let low = 1;
    let high = source.version;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const delta = await this.#deltaAfter(caller, source, middle);
      if (delta && delta.appliedAt.getTime() < sinceMs) low = delta.toVersion;
      else high = middle;
    }
    return (await this.#deltaAfter(caller, source, low))?.appliedAt;
  }

  async #deltaAfter(caller: Caller, { id: blobId }: Blob, afterVersion: number): Promise<Delta | undefined> {
    const query = { blobId, afterVersion, newestFirst: false, pageSize: 1, pageToken: '' };
    return (await this.#documents.listDeltas(caller, query)).items[0];
  }
}
