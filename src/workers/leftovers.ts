/**
 * Runs that a workflow began and will not end: the worker died between the commit and the note of it, or the source
 * moved on between two attempts. By then nothing asks for them, so they are closed when the workflow has nothing left.
 */
import type { Documents } from '../documents/contract.ts';
import type { Run } from '../domain/derivation/run.ts';
import { LEFTOVER_RUNS_MAX } from '../limits.ts';
import type { Runs } from '../providers/stores.ts';
import type { RunLedger } from './run-ledger.ts';

export class Leftovers {
  readonly #documents: Pick<Documents, 'findDelta'>;
  readonly #runs: Pick<Runs, 'heldBy'>;
  readonly #ledger: RunLedger;

  constructor(documents: Pick<Documents, 'findDelta'>, runs: Pick<Runs, 'heldBy'>, ledger: RunLedger) {
    this.#documents = documents;
    this.#runs = runs;
    this.#ledger = ledger;
  }

  /** Only for a holder that runs nothing at the moment. */
  async close(holder: string): Promise<void> {
    for (const run of await this.#runs.heldBy(holder, LEFTOVER_RUNS_MAX)) {
      const version = await this.#committedVersion(run);
      if (version === undefined) await this.#ledger.supersede(run.key);
      else await this.#ledger.conclude(run, { blobId: run.derivedId, version });
    }
  }

  /** By its own transform, wherever in the history that is: later runs may have committed on top of it. */
  async #committedVersion(run: Run): Promise<number | undefined> {
    const caller = { userId: run.owner, administrator: false, providerId: run.providerId };
    return (await this.#documents.findDelta(caller, run.derivedId, run.key))?.toVersion;
  }
}
