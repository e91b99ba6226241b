/** Compares the stored blocks of a blob's origins with the log as it is played again. */
import { OriginBlock, type BroughtClocks, type VersionFact } from '../../domain/attribution/origin-block.ts';
import type { Delta } from '../../domain/delta.ts';
import { ORIGINS_BLOCK_VERSIONS } from '../../limits.ts';
import { firstOfCommit } from '../../storage/log/commit-document.ts';
import type { OriginBlocks, StoredBlock } from '../../storage/origin-blocks.ts';
import { blockOf } from '../origins/origin-index.ts';
import { isSame } from './checkpoint-audit.ts';
import type { Report } from './difference.ts';

export class OriginAudit {
  readonly #blobId: string;
  readonly #blocks: OriginBlocks;
  readonly #report: Report;
  #after = 0;
  #facts: VersionFact[] = [];
  #clocks: BroughtClocks[] = [];
  /** What a repair puts in the place of wrong ones: those of which the log has all. */
  readonly remade: StoredBlock[] = [];

  constructor(blobId: string, blocks: OriginBlocks, report: Report) {
    this.#blobId = blobId;
    this.#blocks = blocks;
    this.#report = report;
  }

  async add(delta: Delta): Promise<void> {
    const after = blockOf(delta.toVersion);
    if (after !== this.#after) await this.finish();
    this.#after = after;
    const { facts, clocks } = OriginBlock.of(after, [delta], firstOfCommit);
    this.#facts.push(...facts);
    this.#clocks.push(...clocks);
  }

  /** The block ends here, or the log does. Of one that retention dropped parts of, what is left is compared. */
  async finish(): Promise<void> {
    const [after, facts, clocks] = [this.#after, this.#facts, this.#clocks];
    [this.#facts, this.#clocks] = [[], []];
    const stored = facts.length > 0 ? await this.#blocks.look(this.#blobId, after) : undefined;
    if (!stored) return;
    const versions = new Set(facts.map(({ toVersion }) => toVersion));
    const found = stored.bytes && OriginBlock.decode(stored.bytes);
    const isRight =
      found?.after === after &&
      isSame(
        found.facts.filter(({ toVersion }) => versions.has(toVersion)),
        facts,
      ) &&
      isSame(
        found.clocks.filter(({ version }) => versions.has(version)),
        clocks,
      );
    if (isRight) return;
    const problem = found ? 'are not those of the log' : "can't be read";
    this.#report('attribution', `the origins of versions ${after + 1}..${after + ORIGINS_BLOCK_VERSIONS} ${problem}`);
    if (facts.length === ORIGINS_BLOCK_VERSIONS)
      this.remade.push({ after, bytes: new OriginBlock(after, facts, clocks).encode() });
  }
}
