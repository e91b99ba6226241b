/** What of stored heads is not derived from the log, read by one query for all who ask at once. */
import { within } from '../domain/within.ts';
import { IN_LIST_IDS_MAX, META_READ_SLOW_MS } from '../limits.ts';
import type { BlobHeads, BlobMeta } from './blobs.ts';

/** With the version that the stored head is of. */
export type StoredMeta = BlobMeta & { readonly version: number };

interface Round {
  readonly ids: Set<string>;
  readonly found: Promise<ReadonlyMap<string, StoredMeta>>;
}

export class BlobMetas {
  readonly #heads: Pick<BlobHeads, 'getMetas'>;
  /** Not on its way yet. */
  #next: Round | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(heads: Pick<BlobHeads, 'getMetas'>) {
    this.#heads = heads;
  }

  /** As stored at some moment after the call. */
  async read(blobId: string): Promise<StoredMeta | undefined> {
    let round = this.#next;
    if (!round || round.ids.size >= IN_LIST_IDS_MAX) this.#next = round = this.#round();
    round.ids.add(blobId);
    try {
      return (await round.found).get(blobId);
    } catch (error) {
      // One of the others may be of a shard that does not answer.
      if (round.ids.size === 1) throw error;
      return (await this.#heads.getMetas([blobId])).get(blobId);
    }
  }

  #round(): Round {
    const ids = new Set<string>();
    const found = this.#last.then(() => {
      if (this.#next?.ids === ids) this.#next = undefined;
      return this.#heads.getMetas([...ids]);
    });
    const settled = found.then(
      () => undefined,
      () => undefined,
    );
    this.#last = this.#last.then(() => within(settled, META_READ_SLOW_MS, undefined));
    return { ids, found };
  }
}
