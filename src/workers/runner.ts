/** One run of one provider: claim, read and check its input, and after it check and commit its output. */
import { createHash } from 'node:crypto';
import type { BlobWithContent, Derivation } from '../domain/blob.ts';
import type { Caller } from '../domain/access/caller.ts';
import { keyOfRun } from '../domain/derivation/execution-key.ts';
import type { Provider } from '../domain/derivation/provider.ts';
import type { RunClaim } from '../domain/derivation/run.ts';
import { isJsonType, isTextType, takesInput } from '../domain/derivation/trigger.ts';
import type { CommitTransform, Documents, TransformOutcome } from '../documents/contract.ts';
import { StudioError } from '../errors.ts';
import type { Failpoints } from '../failpoints.ts';
import { EXECUTION_LEASE_MS } from '../limits.ts';
import type { Registrations, Runs } from '../providers/stores.ts';
import type { ContentChecks, Misfit } from './content-checks.ts';
import type { ClaimedRun, RunOutcome, RunRef } from './names.ts';
import type { OwnedGraphParts } from './owned-graph.ts';
import { decodeOutput, type OutputContent } from './provider-io.ts';
import { isBroken, verdictOn } from './refused-commits.ts';
import type { RunLedger } from './run-ledger.ts';

export interface RunnerParts {
  readonly documents: Pick<Documents, 'getBlob' | 'commitTransform'>;
  readonly heads: Pick<OwnedGraphParts['heads'], 'getMany'>;
  readonly providers: Pick<Registrations, 'get'>;
  readonly runs: Pick<Runs, 'claim'>;
  readonly ledger: RunLedger;
  readonly checks: Pick<ContentChecks, 'check' | 'match'>;
  readonly failpoints: Failpoints;
  readonly now: () => Date;
}

type Source = BlobWithContent & { readonly content: Uint8Array };

/** A claimed run with its input at hand. */
export interface BegunRun {
  readonly claimed: ClaimedRun;
  readonly provider: Provider;
  readonly source: Source;
}

/** Each step may be repeated after a crash: what it did before stands, and it goes on from there (G9). */
export class Runner {
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Claims the run over the source as it is now (or as was asked for), and checks the input. */
  async begin(ref: RunRef, workflowId: string): Promise<{ begun: BegunRun } | { outcome: RunOutcome }> {
    const { ledger } = this.#parts;
    const provider = await this.#parts.providers.get(ref.providerId);
    let source: Source | undefined;
    try {
      source = await this.#read(ref);
    } catch (error) {
      if (!provider || !isBroken(error)) throw error;
      return { outcome: await this.#putOff(ref, provider, workflowId, error) };
    }
    const found = source && { sourceId: source.id, version: source.version };
    if (!provider || !source || !takesInput(provider, source))
      return { outcome: { ...(await ledger.giveUp(ref)), found } };
    // The provider changed since this run was asked for: what was promised can't be made any more.
    if (ref.asked && ref.asked.providerVersion !== provider.version) return { outcome: await ledger.giveUp(ref) };
    const claim = claimOf(ref, provider, source, workflowId);
    const answer = await this.#parts.runs.claim(claim, this.#parts.now());
    if (answer.state !== 'claimed') {
      const retryAtMs = answer.state === 'waiting' ? answer.until.getTime() : undefined;
      return { outcome: { derivedId: ref.derivedId, state: answer.state, found, retryAtMs } };
    }
    const claimed: ClaimedRun = {
      ref,
      key: claim.key,
      attempt: answer.attempts,
      sourceVersion: source.version,
      providerVersion: provider.version,
    };
    let known: RunOutcome | undefined;
    try {
      known = await this.#checkDerived(claimed);
    } catch (error) {
      if (!isBroken(error)) throw error;
      known = await ledger.putOff(claimed, error);
    }
    if (known) return { outcome: known };
    const misfit = ref.asked ? undefined : await this.#matchPatterns(provider, source);
    if (misfit) {
      const error = { reason: 'PATTERN_UNMATCHED', message: `The content is not matched: ${misfit.why}.` };
      return { outcome: await ledger.settle(claimed, misfit.isGivenUp ? 'failed' : 'skipped', { error }) };
    }
    const { content, contentType } = source;
    const schema = provider.inputSchema;
    const wrong = await this.#parts.checks.check({ schema, field: 'input_schema', content, contentType });
    if (wrong !== undefined) {
      const error = { reason: 'INPUT_SCHEMA_MISMATCH', message: `The input does not fit input_schema: ${wrong}.` };
      return { outcome: await ledger.settle(claimed, 'failed', { error }) };
    }
    if (provider.type !== 'builtin') await ledger.note(claimed, 'running');
    return { begun: { claimed, provider, source } };
  }

  /**
   * Checks and commits what the provider returned, for the `tries`-th time from 1. Throws only the studio's own trouble,
   * to be tried again.
   */
  async complete(claimed: ClaimedRun, returned: unknown, tries: number): Promise<RunOutcome> {
    const { ledger, failpoints, providers } = this.#parts;
    const schema = (await providers.get(claimed.ref.providerId))?.outputSchema ?? '';
    let output: OutputContent;
    try {
      output = decodeOutput(returned);
    } catch (error) {
      return ledger.settle(claimed, 'failed', { error: { reason: 'OUTPUT_INVALID', message: messageOf(error) } });
    }
    const wrong = await this.#parts.checks.check({ schema, field: 'output_schema', ...output });
    if (wrong !== undefined) {
      const error = { reason: 'OUTPUT_SCHEMA_MISMATCH', message: `The output does not fit output_schema: ${wrong}.` };
      return ledger.settle(claimed, 'failed', { error });
    }
    failpoints.pass('worker.before_commit');
    let result: TransformOutcome;
    try {
      result = await this.#commit(claimed, output);
    } catch (error) {
      return this.#onRefused(claimed, error, tries);
    }
    return this.#onCommitted(claimed, result);
  }

  async #onRefused(claimed: ClaimedRun, thrown: unknown, tries: number): Promise<RunOutcome> {
    const error = StudioError.from(thrown);
    switch (verdictOn(error, tries)) {
      case 'again':
        throw thrown;
      case 'put_off':
        return this.#parts.ledger.putOff(claimed, error);
      case 'failed':
        return error.code === 'internal'
          ? // Tries count other trouble too: the studio's own fault gets as many attempts as a provider's.
            this.#parts.ledger.fail(claimed, { reason: error.reason, message: error.message })
          : this.#parts.ledger.settle(claimed, 'failed', { error: { reason: error.reason, message: error.message } });
    }
  }

  async #matchPatterns({ triggerPatterns: patterns }: Provider, source: Source): Promise<Misfit | undefined> {
    const { content, contentType } = source;
    if (patterns.length > 0 && !isTextType(contentType) && !isJsonType(contentType))
      return { why: 'it is neither text nor JSON', isGivenUp: false };
    return this.#parts.checks.match({ patterns, field: 'trigger_patterns', content });
  }

  /** Over a source that can't be loaded now: its stored head says what the run is. */
  async #putOff(ref: RunRef, provider: Provider, workflowId: string, error: StudioError): Promise<RunOutcome> {
    const [head] = await this.#parts.heads.getMany([ref.sourceId]);
    if (!head || head.deletedAt) throw error;
    const source = ref.asked ? { ...head, version: ref.asked.sourceVersion } : head;
    const claim = claimOf(ref, provider, source, workflowId);
    const answer = await this.#parts.runs.claim(claim, this.#parts.now());
    if (answer.state === 'waiting')
      return { derivedId: ref.derivedId, state: 'waiting', retryAtMs: answer.until.getTime() };
    if (answer.state === 'settled') return { derivedId: ref.derivedId, state: 'settled' };
    const { key } = claim;
    const versions = { sourceVersion: source.version, providerVersion: provider.version };
    return this.#parts.ledger.putOff({ ref, key, attempt: answer.attempts, ...versions }, error);
  }

  async #commit(claimed: ClaimedRun, output: OutputContent): Promise<TransformOutcome> {
    const { ref } = claimed;
    const derivation: Derivation = {
      providerId: ref.providerId,
      providerVersion: claimed.providerVersion,
      inputs: [{ blobId: ref.sourceId, version: claimed.sourceVersion }],
      executionKey: claimed.key,
      outputHash: createHash('sha256').update(output.content).digest('hex'),
    };
    return this.#commitOverRaces({
      blobId: ref.derivedId,
      ownerId: ref.owner,
      parentIds: [ref.sourceId],
      contentType: output.contentType,
      content: output.content,
      derivation,
      ...(ref.causedBy === undefined ? {} : { causedBy: ref.causedBy }),
    });
  }

  async #onCommitted(claimed: ClaimedRun, result: TransformOutcome): Promise<RunOutcome> {
    this.#parts.failpoints.pass('worker.after_commit');
    if (result.outcome === 'stale') {
      const error = { reason: 'STALE', message: 'A newer version of the input was processed already.' };
      return this.#parts.ledger.settle(claimed, 'skipped', { error });
    }
    const version = result.delta.toVersion;
    const outcome = await this.#parts.ledger.settle(claimed, 'succeeded', {
      output: { blobId: claimed.ref.derivedId, version },
    });
    return { ...outcome, state: 'committed', made: { version, causedBy: result.delta.id } };
  }

  /** Two runs over different versions may both find the derived blob missing; the one that comes second adds to it. */
  async #commitOverRaces(request: CommitTransform): Promise<TransformOutcome> {
    try {
      return await this.#parts.documents.commitTransform(request);
    } catch (error) {
      if (!(error instanceof StudioError && error.reason === 'BLOB_ALREADY_EXISTS')) throw error;
      return this.#parts.documents.commitTransform(request);
    }
  }

  /**
   * Undefined when the derived blob may be written. G9: a crash between the commit and the end of the run leaves a
   * claim over work that is done; it is not done again.
   */
  async #checkDerived(claimed: ClaimedRun): Promise<RunOutcome | undefined> {
    const { ledger, documents } = this.#parts;
    const { ref } = claimed;
    const derived = await absentAsUndefined(documents.getBlob(callerOf(ref), ref.derivedId, { withContent: false }));
    if (!derived) return undefined;
    if (derived === 'deleted' || derived.deletedAt) {
      const error = { reason: 'BLOB_DELETED', message: `The derived blob "${ref.derivedId}" was deleted.` };
      return ledger.settle(claimed, 'skipped', { error });
    }
    if (derived.createdBy !== ref.providerId || !derived.parentIds.includes(ref.sourceId)) {
      const error = { reason: 'BLOB_ALREADY_EXISTS', message: `Blob "${ref.derivedId}" is not this provider's.` };
      return ledger.settle(claimed, 'failed', { error });
    }
    if (derived.derivedFrom?.executionKey !== claimed.key) return undefined;
    const output = { blobId: derived.id, version: derived.version };
    const outcome = await ledger.settle(claimed, 'succeeded', { output });
    return { ...outcome, state: 'committed', made: { version: derived.version } };
  }

  async #read(ref: RunRef): Promise<Source | undefined> {
    const options = { withContent: true, ...(ref.asked ? { version: ref.asked.sourceVersion } : {}) };
    const source = await absentAsUndefined(this.#parts.documents.getBlob(callerOf(ref), ref.sourceId, options));
    return source && source !== 'deleted' ? { ...source, content: source.content ?? new Uint8Array() } : undefined;
  }
}

function claimOf(ref: RunRef, provider: Provider, source: BlobWithContent, workflowId: string): RunClaim {
  return {
    key: ref.asked?.key ?? keyOfRun(provider, source),
    userId: source.userId,
    providerId: provider.id,
    providerVersion: provider.version,
    inputs: [{ blobId: source.id, version: source.version }],
    derivedId: ref.derivedId,
    rootId: ref.rootId,
    owner: ref.owner,
    holder: workflowId,
    leaseMs: provider.timeoutMs + EXECUTION_LEASE_MS,
    workflowId,
    ...(ref.causedBy === undefined ? {} : { causedBy: ref.causedBy }),
  };
}

/** G8: blobs are read in their owner's name; that the provider may run on them was decided from both. */
function callerOf(ref: RunRef): Caller {
  return { userId: ref.owner, administrator: false, providerId: ref.providerId };
}

const ABSENT: ReadonlySet<string> = new Set(['BLOB_NOT_FOUND', 'VERSION_NOT_FOUND', 'VERSION_THINNED']);

async function absentAsUndefined(reading: Promise<BlobWithContent>): Promise<BlobWithContent | 'deleted' | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof StudioError)) throw error;
    if (error.reason === 'BLOB_DELETED') return 'deleted';
    if (ABSENT.has(error.reason)) return undefined;
    throw error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
