/**
 * Runs that a workflow began and will not end: the worker died between the commit and the note of it, or the source
 * moved on between two attempts. By then nothing asks for them, so they are closed when the workflow has nothing left.
 */
import type { Documents } from '../documents/contract.ts';
import type { Run } from '../domain/run.ts';
import { StudioError } from '../errors.ts';
import { LEFTOVER_RUNS_MAX } from '../limits.ts';
import type { Runs } from '../providers/stores.ts';
import type { ClaimedRun } from './names.ts';
import type { RunLedger } from './run-ledger.ts';

export class Leftovers {
  readonly #documents: Pick<Documents, 'getBlob'>;
  readonly #runs: Pick<Runs, 'heldBy'>;
  readonly #ledger: RunLedger;

  constructor(documents: Pick<Documents, 'getBlob'>, runs: Pick<Runs, 'heldBy'>, ledger: RunLedger) {
    this.#documents = documents;
    this.#runs = runs;
    this.#ledger = ledger;
  }

  /** Only for a holder that runs nothing at the moment. */
  async close(holder: string): Promise<void> {
    for (const run of await this.#runs.heldBy(holder, LEFTOVER_RUNS_MAX)) {
      const version = await this.#committedVersion(run);
      if (version === undefined) await this.#ledger.supersede(run.key);
      else await this.#ledger.settle(claimedOf(run), 'succeeded', { output: { blobId: run.derivedId, version } });
    }
  }

  async #committedVersion(run: Run): Promise<number | undefined> {
    const caller = { userId: run.owner, administrator: false, providerId: run.providerId };
    try {
      const derived = await this.#documents.getBlob(caller, run.derivedId, { withContent: false });
      return derived.derivedFrom?.executionKey === run.key ? derived.version : undefined;
    } catch (error) {
      if (error instanceof StudioError && error.code === 'not_found') return undefined;
      throw error;
    }
  }
}

function claimedOf(run: Run): ClaimedRun {
  const [input] = run.inputs;
  return {
    ref: {
      rootId: run.rootId,
      owner: run.owner,
      sourceId: input?.blobId ?? run.rootId,
      providerId: run.providerId,
      derivedId: run.derivedId,
      type: 'builtin',
    },
    key: run.key,
    attempt: run.attempts,
    sourceVersion: input?.version ?? 0,
    providerVersion: run.providerVersion,
  };
}
