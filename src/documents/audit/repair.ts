/** Puts right what is derived from the log: heads, checkpoints and origins. Never touches the log. */
import type { BlobHeads } from '../../storage/blobs.ts';
import type { OriginBlocks } from '../../storage/origin-blocks.ts';
import type { HistoryParts } from '../history/history-parts.ts';
import type { BlobOutcome } from './blob-audit.ts';
import type { Report } from './difference.ts';

export class Repair {
  readonly #past: HistoryParts;
  readonly #heads: BlobHeads;
  readonly #origins: OriginBlocks;

  constructor(options: { readonly past: HistoryParts; readonly heads: BlobHeads; readonly origins: OriginBlocks }) {
    this.#origins = options.origins;
    this.#past = options.past;
    this.#heads = options.heads;
  }

  async blob(blobId: string, outcome: BlobOutcome, report: Report): Promise<void> {
    if (!outcome.isLogWhole || !outcome.head) return;
    const { checkpoints, maker, compaction, history } = this.#past;
    if (outcome.findings.some(({ kind, level }) => kind === 'head' && level === 'difference')) {
      const { head, storedVersion } = outcome;
      if (await this.#heads.restore(head, storedVersion))
        report('head', `the head was written anew from the log, at version ${head.version}`, 'repaired');
      else report('head', 'a studio wrote the head meanwhile; it was left alone', 'note');
    }
    if ((await checkpoints.index(blobId)).isDamaged) {
      await checkpoints.mendIndex(blobId);
      report('checkpoint', 'the index of checkpoints was cut to what can be read of it', 'repaired');
    }
    if (outcome.wrongEntries.length > 0) {
      await maker.drop(blobId, outcome.wrongEntries);
      report('checkpoint', `${outcome.wrongEntries.length} wrong checkpoints were removed`, 'repaired');
    }
    for (const block of outcome.remadeOrigins) await this.#origins.put(blobId, block);
    if (outcome.remadeOrigins.length > 0)
      report(
        'attribution',
        `${outcome.remadeOrigins.length} blocks of origins were made anew from the log`,
        'repaired',
      );
    const now = new Date();
    const strays = await checkpoints.strays(blobId, now);
    if (strays.length > 0) {
      await checkpoints.removeObjects(strays, now);
      report('checkpoint', `${strays.length} left-over objects were removed`, 'repaired');
    }
    if (outcome.wrongEntries.length === 0) return;
    const before = await checkpoints.index(blobId);
    const state = await history.load(blobId);
    await compaction.rebuild(state);
    state.destroy();
    const after = await checkpoints.index(blobId);
    const made = after.states.length + after.runs.length - before.states.length - before.runs.length;
    report('checkpoint', `${Math.max(0, made)} checkpoints were made anew from the log`, 'repaired');
  }
}
