/**
 * Stored objects found wrong, from then until they are gone. Several readers come upon one of them before it is out of
 * the index; it is reported and dropped once, so that a late drop can't take away what was made anew under the same hash.
 */
import type { Logger } from 'pino';
import { IRREPLACEABLE_REMEMBERED_MAX } from '../../limits.ts';
import { isState, type Entry } from '../../storage/checkpoints.ts';
import type { Tombstones } from '../../storage/log/tombstones.ts';
import type { CheckpointMaker } from './checkpoint-maker.ts';

export class WrongCheckpoints {
  readonly #maker: CheckpointMaker;
  readonly #tombstones: Tombstones;
  readonly #logger: Logger;
  /** By blob and hash. */
  readonly #dropping = new Map<string, Map<string, Promise<void>>>();
  /** Hashes of those that nothing can be made in place of: reported once. */
  readonly #irreplaceable = new Set<string>();
  #found = 0;

  constructor(options: { readonly maker: CheckpointMaker; readonly tombstones: Tombstones; readonly logger: Logger }) {
    this.#maker = options.maker;
    this.#tombstones = options.tombstones;
    this.#logger = options.logger;
  }

  /** How many there were. */
  get found(): number {
    return this.#found;
  }

  drop(blobId: string, entry: Entry, problem: string): void {
    const dropping = this.#dropping.get(blobId) ?? new Map<string, Promise<void>>();
    if (dropping.has(entry.hash) || this.#irreplaceable.has(entry.hash)) return;
    this.#found += 1;
    this.#logger.error({ blobId, entry, problem }, 'a stored checkpoint is wrong; it is left out and made anew');
    this.#dropping.set(blobId, dropping.set(entry.hash, this.#drop(blobId, entry)));
  }

  /** Resolves when those of the blob are gone: what is made anew before then would be taken for them. */
  async dropped(blobId: string): Promise<void> {
    const dropping = this.#dropping.get(blobId);
    if (dropping) await Promise.all(dropping.values());
  }

  /** Retention dropped the deltas that it would be made of. */
  async #isIrreplaceable(blobId: string, entry: Entry): Promise<boolean> {
    if (!isState(entry)) return false;
    const dropped = await this.#tombstones.list(blobId);
    return dropped.some(
      ({ last, stateHash }) => last === entry.version && (stateHash === entry.hash || entry.collected_to !== last),
    );
  }

  async #drop(blobId: string, entry: Entry): Promise<void> {
    try {
      if (await this.#isIrreplaceable(blobId, entry)) {
        if (this.#irreplaceable.size < IRREPLACEABLE_REMEMBERED_MAX) this.#irreplaceable.add(entry.hash);
        this.#logger.error(
          { blobId, entry },
          'the log below it was dropped: it is kept, so that it may be mended by hand',
        );
      } else await this.#maker.drop(blobId, [entry]);
    } catch (error) {
      this.#logger.warn({ err: error, blobId }, 'a wrong checkpoint is still listed');
    } finally {
      const dropping = this.#dropping.get(blobId);
      dropping?.delete(entry.hash);
      if (dropping?.size === 0) this.#dropping.delete(blobId);
    }
  }
}
