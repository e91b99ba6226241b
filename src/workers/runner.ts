/** One run of one provider: claim, read, check, and after it commit. Each step may be repeated after a crash (G9). */
import { createHash } from 'node:crypto';
import type { BlobWithContent, Derivation, Processed } from '../domain/blob.ts';
import type { Caller } from '../domain/caller.ts';
import { keyOfRun } from '../domain/execution-key.ts';
import { compilePatterns } from '../domain/pattern.ts';
import type { Provider } from '../domain/provider.ts';
import type { RunClaim, RunError } from '../domain/run.ts';
import { compileSchema, schemaValue, type SchemaCheck } from '../domain/schema.ts';
import { isJsonType, isTextType, takesInput } from '../domain/trigger.ts';
import type { Documents } from '../documents/contract.ts';
import { StudioError } from '../errors.ts';
import type { Failpoints } from '../failpoints.ts';
import {
  EXECUTION_LEASE_MS,
  PROVIDER_ATTEMPTS,
  PROVIDER_BACKOFF_COEFFICIENT,
  PROVIDER_BACKOFF_MS,
  PROVIDER_ERROR_CHARACTERS_MAX,
  SCHEMAS_COMPILED_MAX,
} from '../limits.ts';
import type { Registrations, Runs } from '../providers/stores.ts';
import type { ClaimedRun, RunOutcome, RunRef } from './names.ts';
import { decodeOutput, type OutputContent } from './provider-io.ts';

/** Notes on a blob what a provider last did with it. */
export interface ProcessedWriter {
  recordProcessed(blobId: string, providerId: string, processed: Processed): Promise<void>;
}

export interface RunnerParts {
  readonly documents: Pick<Documents, 'getBlob' | 'commitTransform'>;
  readonly providers: Pick<Registrations, 'get'>;
  readonly runs: Runs;
  readonly processed: ProcessedWriter;
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

export class Runner {
  readonly #parts: RunnerParts;
  readonly #schemas = new Map<string, SchemaCheck>();

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** Claims the run over the source as it is now (or as was asked for), and checks the input. */
  async begin(ref: RunRef, workflowId: string): Promise<{ begun: BegunRun } | { outcome: RunOutcome }> {
    const settled: RunOutcome = { derivedId: ref.derivedId, state: 'settled' };
    const provider = await this.#parts.providers.get(ref.providerId);
    const source = await this.#read(ref);
    if (!provider || !source || !takesInput(provider, source)) return { outcome: await this.#giveUp(ref, settled) };
    // The provider changed since this run was asked for: what was promised can't be made any more.
    if (ref.asked && ref.asked.providerVersion !== provider.version)
      return { outcome: await this.#giveUp(ref, settled) };
    const claim = claimOf(ref, provider, source, workflowId);
    const now = this.#parts.now();
    const answer = await this.#parts.runs.claim(claim, now);
    if (answer.state === 'waiting')
      return { outcome: { ...settled, state: 'waiting', retryAtMs: answer.until.getTime() } };
    if (answer.state === 'settled') return { outcome: settled };
    const claimed: ClaimedRun = {
      ref,
      key: claim.key,
      attempt: answer.attempts,
      sourceVersion: source.version,
      providerVersion: provider.version,
    };
    const made = await this.#alreadyMade(claimed);
    if (made) return { outcome: made };
    if (!ref.asked && !matches(provider, source)) {
      await this.#settle(claimed, 'skipped', {
        error: { reason: 'PATTERN_UNMATCHED', message: 'No trigger pattern matches.' },
      });
      return { outcome: settled };
    }
    const wrong = this.#check(provider.inputSchema, 'input_schema', source.content, source.contentType);
    if (wrong !== undefined) {
      await this.#settle(claimed, 'failed', {
        error: { reason: 'INPUT_SCHEMA_MISMATCH', message: `Input: ${wrong}.` },
      });
      return { outcome: settled };
    }
    if (provider.type === 'workflow') await this.#note(claimed, 'running');
    return { begun: { claimed, provider, source } };
  }

  /** Checks and commits what the provider returned. Throws only what is the studio's own trouble, to be tried again. */
  async complete(claimed: ClaimedRun, returned: unknown): Promise<RunOutcome> {
    const settled: RunOutcome = { derivedId: claimed.ref.derivedId, state: 'settled' };
    const provider = await this.#parts.providers.get(claimed.ref.providerId);
    let output: OutputContent;
    try {
      output = decodeOutput(returned);
      const wrong = this.#check(provider?.outputSchema ?? '', 'output_schema', output.content, output.contentType);
      if (wrong !== undefined) throw new Error(`Output: ${wrong}.`);
    } catch (error) {
      const message = clip(error instanceof Error ? error.message : String(error));
      await this.#settle(claimed, 'failed', { error: { reason: 'OUTPUT_SCHEMA_MISMATCH', message } });
      return settled;
    }
    this.#parts.failpoints.pass('worker.before_commit');
    try {
      return await this.#commit(claimed, output);
    } catch (error) {
      if (!(error instanceof StudioError) || isPassing(error)) throw error;
      await this.#settle(claimed, 'failed', { error: { reason: error.reason, message: clip(error.message) } });
      return settled;
    }
  }

  /** Counts an error the provider returned; after the last attempt the run has failed for these inputs. */
  async fail(claimed: ClaimedRun, error: RunError): Promise<RunOutcome> {
    const now = this.#parts.now();
    const clipped = { reason: error.reason, message: clip(error.message) };
    if (claimed.attempt + 1 >= PROVIDER_ATTEMPTS) {
      await this.#parts.runs.recordFailure(claimed.key, claimed.attempt, clipped, now);
      await this.#note(claimed, 'failed');
      return { derivedId: claimed.ref.derivedId, state: 'settled' };
    }
    const pauseMs = PROVIDER_BACKOFF_MS * PROVIDER_BACKOFF_COEFFICIENT ** claimed.attempt;
    const retryAt = new Date(now.getTime() + pauseMs);
    await this.#parts.runs.recordFailure(claimed.key, claimed.attempt, clipped, now, retryAt);
    return { derivedId: claimed.ref.derivedId, state: 'waiting', retryAtMs: retryAt.getTime() };
  }

  async #commit(claimed: ClaimedRun, output: OutputContent): Promise<RunOutcome> {
    const { ref } = claimed;
    const derivation: Derivation = {
      providerId: ref.providerId,
      providerVersion: claimed.providerVersion,
      inputs: [{ blobId: ref.sourceId, version: claimed.sourceVersion }],
      executionKey: claimed.key,
      outputHash: createHash('sha256').update(output.content).digest('hex'),
    };
    const result = await this.#parts.documents.commitTransform({
      blobId: ref.derivedId,
      ownerId: ref.owner,
      parentIds: [ref.sourceId],
      contentType: output.contentType,
      content: output.content,
      derivation,
      ...(ref.causedBy === undefined ? {} : { causedBy: ref.causedBy }),
    });
    this.#parts.failpoints.pass('worker.after_commit');
    if (result.outcome === 'stale') {
      const error = { reason: 'STALE', message: 'A newer version of the input was already processed.' };
      await this.#settle(claimed, 'skipped', { error });
      return { derivedId: ref.derivedId, state: 'settled' };
    }
    const version = result.delta.toVersion;
    await this.#settle(claimed, 'succeeded', { output: { blobId: ref.derivedId, version } });
    return { derivedId: ref.derivedId, state: 'committed', made: { version, causedBy: result.delta.id } };
  }

  /** A crash between commit and the end of the run leaves a claim over work that is done: it is not done again. */
  async #alreadyMade(claimed: ClaimedRun): Promise<RunOutcome | undefined> {
    const { ref } = claimed;
    let derived: BlobWithContent;
    try {
      derived = await this.#parts.documents.getBlob(callerOf(ref), ref.derivedId, { withContent: false });
    } catch (error) {
      if (error instanceof StudioError && error.reason === 'BLOB_NOT_FOUND') return undefined;
      if (!(error instanceof StudioError && error.reason === 'BLOB_DELETED')) throw error;
      await this.#settle(claimed, 'skipped', {
        error: { reason: 'BLOB_DELETED', message: 'The derived blob was deleted.' },
      });
      return { derivedId: ref.derivedId, state: 'settled' };
    }
    if (derived.deletedAt) {
      await this.#settle(claimed, 'skipped', {
        error: { reason: 'BLOB_DELETED', message: 'The derived blob was deleted.' },
      });
      return { derivedId: ref.derivedId, state: 'settled' };
    }
    if (derived.createdBy !== ref.providerId || !derived.parentIds.includes(ref.sourceId)) {
      const message = `Blob "${ref.derivedId}" is not this provider's.`;
      await this.#settle(claimed, 'failed', { error: { reason: 'BLOB_ALREADY_EXISTS', message } });
      return { derivedId: ref.derivedId, state: 'settled' };
    }
    if (derived.derivedFrom?.executionKey !== claimed.key) return undefined;
    await this.#settle(claimed, 'succeeded', { output: { blobId: derived.id, version: derived.version } });
    return { derivedId: ref.derivedId, state: 'committed', made: { version: derived.version } };
  }

  /** Compiling costs tens of milliseconds, so the schemas in use are kept. */
  #check(schema: string, field: string, content: Uint8Array, contentType: string): string | undefined {
    if (schema === '') return undefined;
    const known = this.#schemas.get(schema) ?? compileSchema(schema, field);
    this.#schemas.delete(schema);
    this.#schemas.set(schema, known);
    const [oldest] = this.#schemas.keys();
    if (this.#schemas.size > SCHEMAS_COMPILED_MAX && oldest !== undefined) this.#schemas.delete(oldest);
    return known(schemaValue(content, contentType));
  }

  async #read(ref: RunRef): Promise<Source | undefined> {
    const options = { withContent: true, ...(ref.asked ? { version: ref.asked.sourceVersion } : {}) };
    try {
      const source = await this.#parts.documents.getBlob(callerOf(ref), ref.sourceId, options);
      return { ...source, content: source.content ?? new Uint8Array() };
    } catch (error) {
      if (error instanceof StudioError && !isPassing(error)) return undefined;
      throw error;
    }
  }

  async #giveUp(ref: RunRef, settled: RunOutcome): Promise<RunOutcome> {
    if (ref.asked) {
      const error = { reason: 'PROVIDER_INPUT_UNSUPPORTED', message: 'The input or the provider is not what it was.' };
      await this.#parts.runs.finish(ref.asked.key, { status: 'skipped', error }, this.#parts.now());
    }
    return settled;
  }

  async #settle(
    claimed: ClaimedRun,
    status: 'succeeded' | 'failed' | 'skipped',
    end: { readonly output?: { readonly blobId: string; readonly version: number }; readonly error?: RunError },
  ): Promise<void> {
    await this.#parts.runs.finish(claimed.key, { status, ...end }, this.#parts.now());
    await this.#note(claimed, status);
  }

  async #note(claimed: ClaimedRun, status: Processed['status']): Promise<void> {
    const { sourceId, providerId } = claimed.ref;
    await this.#parts.processed.recordProcessed(sourceId, providerId, {
      executionId: claimed.key,
      inputs: [{ blobId: sourceId, version: claimed.sourceVersion }],
      at: this.#parts.now(),
      status,
    });
  }
}

function claimOf(ref: RunRef, provider: Provider, source: BlobWithContent, workflowId: string): RunClaim {
  const inputs = [{ blobId: source.id, version: source.version }];
  const { derivedId } = ref;
  return {
    key: ref.asked?.key ?? keyOfRun(provider, source),
    userId: source.userId,
    providerId: provider.id,
    providerVersion: provider.version,
    inputs,
    derivedId,
    rootId: ref.rootId,
    owner: ref.owner,
    holder: workflowId,
    leaseMs: provider.timeoutMs + EXECUTION_LEASE_MS,
    workflowId,
    ...(ref.causedBy === undefined ? {} : { causedBy: ref.causedBy }),
  };
}

function callerOf(ref: RunRef): Caller {
  return { userId: ref.owner, administrator: false, providerId: ref.providerId };
}

function matches(provider: Provider, source: Source): boolean {
  if (provider.triggerPatterns.length === 0) return true;
  if (!isTextType(source.contentType) && !isJsonType(source.contentType)) return false;
  return compilePatterns(provider.triggerPatterns, 'trigger_patterns')(Buffer.from(source.content).toString('utf8'));
}

/** The studio's own trouble, which may be over the next time; everything else is about this content. */
function isPassing(error: StudioError): boolean {
  return ['unavailable', 'aborted', 'internal', 'deadline_exceeded', 'canceled'].includes(error.code);
}

function clip(message: string): string {
  return message.slice(0, PROVIDER_ERROR_CHARACTERS_MAX);
}
