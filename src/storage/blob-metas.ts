/** What of stored heads is not derived from the log, read by one query for all who ask at once. */
import { IN_LIST_IDS_MAX } from '../limits.ts';
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
    return (await round.found).get(blobId);
  }

  #round(): Round {
    const ids = new Set<string>();
    const found = this.#last.then(() => {
      if (this.#next?.ids === ids) this.#next = undefined;
      return this.#heads.getMetas([...ids]);
    });
    this.#last = found.catch(() => undefined);
    return { ids, found };
  }
}
