/** Providers of users, and runs on demand. */
import type { AccessControl } from '../access/contract.ts';
import { blobDeleted } from '../domain/access/access.ts';
import type { Blob } from '../domain/blob.ts';
import type { Caller } from '../domain/access/caller.ts';
import { derivedBlobId, keyOfRun, runRequestKey } from '../domain/derivation/execution-key.ts';
import { requireId } from '../domain/ids.ts';
import { decodePageToken, effectivePageSize, encodePageToken } from '../domain/page-token.ts';
import type { Page, PageRequest } from '../domain/page.ts';
import type { Execution, Provider } from '../domain/derivation/provider.ts';
import type { Run, RunClaim } from '../domain/derivation/run.ts';
import { providerMayRead, takesInput } from '../domain/derivation/trigger.ts';
import type { Documents } from '../documents/contract.ts';
import { StudioError } from '../errors.ts';
import { EXECUTION_LEASE_MS, LINEAGE_DEPTH_MAX, PROVIDERS_PER_USER_MAX, REQUEST_ID_CHARACTERS_MAX } from '../limits.ts';
import type { ProcessBlob, Providers, RegisterProvider } from './contract.ts';
import type { RegistrationRules } from './registration.ts';
import type { ExecutionStarter, Registrations, Runs } from './stores.ts';

export interface RegistryParts {
  readonly providers: Registrations;
  readonly runs: Runs;
  readonly documents: Pick<Documents, 'getBlob'>;
  readonly access: Pick<AccessControl, 'authorize'>;
  readonly starter: ExecutionStarter;
  /** Asked for at each registration: a studio at rest has neither schema compiler nor built-ins loaded. */
  readonly rules: () => Promise<RegistrationRules>;
  readonly now: () => Date;
}

export class Registry implements Providers {
  readonly #parts: RegistryParts;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
  }

  async register(caller: Caller, request: RegisterProvider): Promise<Provider> {
    // First, as what follows compiles. Registrations that race may exceed the bound by as many as race; it guards against
    // growth, not against one more.
    if ((await this.#parts.providers.countOfUser(caller.userId)) >= PROVIDERS_PER_USER_MAX) {
      throw new StudioError('LIMIT_EXCEEDED', `A user may have ${PROVIDERS_PER_USER_MAX} providers.`, {
        limit: 'PROVIDERS_PER_USER_MAX',
      });
    }
    // The schema compiler is large and seldom needed: a studio at rest does without it.
    const { checkRegistration } = await import('./registration.ts');
    const provider = checkRegistration(caller, request, await this.#parts.rules(), this.#parts.now());
    await this.#parts.providers.insert(provider);
    return provider;
  }

  async get(caller: Caller, id: string): Promise<Provider> {
    requireId(id, 'id');
    const provider = await this.#parts.providers.get(id);
    if (provider && (provider.scope === 'all' || provider.userId === caller.userId)) return provider;
    throw new StudioError('PROVIDER_NOT_FOUND', `There is no provider "${id}", or it is not yours.`, {
      provider_id: id,
    });
  }

  async list(caller: Caller, page: PageRequest): Promise<Page<Provider>> {
    const query = ['providers', caller.userId];
    const position = decodePageToken(query, page.pageToken);
    const size = effectivePageSize(page.pageSize);
    const after = typeof position === 'string' ? position : undefined;
    const found = await this.#parts.providers.list(caller.userId, after, size + 1);
    const items = found.slice(0, size);
    const last = items.at(-1);
    return {
      items: items.map((item) => item.provider),
      nextPageToken: found.length > size && last ? encodePageToken(query, last.orderKey) : '',
    };
  }

  async process(caller: Caller, request: ProcessBlob): Promise<Execution> {
    if ((request.requestId ?? '').length > REQUEST_ID_CHARACTERS_MAX) {
      throw new StudioError('FIELD_INVALID', `request_id has more than ${REQUEST_ID_CHARACTERS_MAX} characters.`, {
        field: 'request_id',
      });
    }
    const provider = await this.get(caller, request.providerId);
    const { requestId } = request;
    const asked = requestId === undefined ? undefined : runRequestKey({ ...caller, ...request, requestId });
    const first = asked === undefined ? undefined : await this.#parts.runs.request(asked);
    const answered = first && (await this.#answered(caller, first.key));
    if (answered) return executionOf(answered);
    const options = { version: first?.version ?? request.version, withContent: false };
    const source = await this.#parts.documents.getBlob(caller, request.blobId, options);
    // What it makes goes into the graph of the blob's owner, for all who read the blob.
    await this.#parts.access.authorize(caller, 'write', source.id);
    await this.#requireSuitable(caller, provider, source);
    const claim = claimOf(provider, source, request);
    if (asked !== undefined && !first) {
      // Before the claim: whatever becomes of this call, a repeat asks for this very run.
      const recorded = await this.#parts.runs.recordRequest(asked, { key: claim.key, version: source.version });
      if (recorded.key !== claim.key) return this.process(caller, request);
    }
    const { run, fresh } = await this.#claim(claim, request.requestId);
    if (!fresh) return executionOf(run);
    try {
      await this.#parts.starter.startOver({
        ...claim,
        sourceId: source.id,
        sourceVersion: source.version,
        type: provider.type,
      });
    } catch (error) {
      // Whether it started is unknown. Cancelled, it is started over by whatever comes first: a workflow that did start,
      // the next plan that wants it, or the next try. One that had begun before goes on, and what it commits counts.
      await this.#parts.runs.finish(run.key, { status: 'cancelled', error: notStarted(error) }, this.#parts.now());
      throw error;
    }
    return executionOf(run);
  }

  /** G4: what the first call of a request id began, if it did. One that could not be started is tried again. */
  async #answered(caller: Caller, key: string): Promise<Run | undefined> {
    const run = await this.#parts.runs.get(key);
    return run && run.status !== 'cancelled' && (await this.#mayRead(caller, run)) ? run : undefined;
  }

  async getExecution(caller: Caller, id: string): Promise<Execution> {
    const run = /^[0-9a-f]{64}$/.test(id) ? await this.#parts.runs.get(id) : undefined;
    if (run && (await this.#mayRead(caller, run))) return executionOf(run);
    throw new StudioError('EXECUTION_NOT_FOUND', `There is no execution "${id}", or it is not yours.`, {
      execution_id: id,
    });
  }

  /**
   * The run as it is now. One that goes on or has succeeded is answered as it is: the same provider over the same inputs
   * runs once (G9). One that ended otherwise is replayed, except for a repeat of the very request that started it (G4):
   * executions from before requests were recorded apart say that themselves.
   */
  async #claim(claim: RunClaim, requestId: string | undefined): Promise<{ run: Run; fresh: boolean }> {
    const now = this.#parts.now();
    const known = await this.#parts.runs.get(claim.key);
    let fresh: boolean;
    if (known) {
      const repeated = requestId !== undefined && known.requestId === requestId && known.status !== 'cancelled';
      const over = known.status !== 'running' && known.status !== 'succeeded';
      fresh = over && !repeated && (await this.#parts.runs.restart(claim, known.status, now));
    } else {
      fresh = (await this.#parts.runs.claim(claim, now)).state === 'claimed';
    }
    const run = await this.#parts.runs.get(claim.key);
    if (!run) throw new StudioError('INTERNAL', 'The execution just claimed is gone.', { execution_id: claim.key });
    return { run, fresh };
  }

  /** G8: an execution tells of its input, so it is for those who may read that. */
  async #mayRead(caller: Caller, run: Run): Promise<boolean> {
    try {
      for (const { blobId } of run.inputs) await this.#parts.access.authorize(caller, 'read', blobId);
      return true;
    } catch (error) {
      if (error instanceof StudioError && error.reason === 'BLOB_NOT_FOUND') return false;
      throw error;
    }
  }

  async #requireSuitable(caller: Caller, provider: Provider, source: Blob): Promise<void> {
    if (source.deletedAt) throw blobDeleted(source.id);
    if (!providerMayRead(provider, source)) {
      throw new StudioError(
        'PROVIDER_INPUT_UNSUPPORTED',
        `Provider "${provider.id}" runs on its owner's blobs alone; blob "${source.id}" is another user's.`,
        { provider_id: provider.id, blob_id: source.id },
      );
    }
    if (!takesInput(provider, source)) {
      throw new StudioError(
        'PROVIDER_INPUT_UNSUPPORTED',
        `Provider "${provider.id}" takes ${provider.supportedTypes.join(', ') || 'any content'} of at most ` +
          `${provider.maxInputSize} bytes; this is ${source.contentType} of ${source.size} bytes.`,
        { provider_id: provider.id, blob_id: source.id },
      );
    }
    if (source.depth + 1 > LINEAGE_DEPTH_MAX)
      throw lineageLimit(`Blob "${source.id}" is ${LINEAGE_DEPTH_MAX} steps from its root.`);
    // G9: by hand, too, a provider occurs once in a lineage.
    const seen = new Set<string>();
    const open: Blob[] = [source];
    for (let member = open.pop(); member; member = open.pop()) {
      if (member.createdBy === provider.id) {
        throw lineageLimit(`Blob "${source.id}" is already made with provider "${provider.id}".`);
      }
      if (member.createdBy === 'user') continue;
      for (const parentId of member.parentIds) {
        if (seen.has(parentId)) continue;
        seen.add(parentId);
        open.push(await this.#parts.documents.getBlob(caller, parentId, { withContent: false }));
      }
    }
  }
}

function claimOf(provider: Provider, source: Blob, request: ProcessBlob): RunClaim {
  const derivedId = derivedBlobId(source.id, provider.id);
  const inputs = [{ blobId: source.id, version: source.version }];
  const key = keyOfRun(provider, source);
  const workflowId = `studio-run-${key}`;
  return {
    key,
    userId: source.userId,
    providerId: provider.id,
    providerVersion: provider.version,
    inputs,
    derivedId,
    rootId: source.rootId,
    owner: source.userId,
    holder: workflowId,
    leaseMs: provider.timeoutMs + EXECUTION_LEASE_MS,
    workflowId,
    requestId: request.requestId,
  };
}

/** What of a run its owner is shown. */
function executionOf(run: Run): Execution {
  const {
    derivedId: _d,
    rootId: _r,
    owner: _o,
    holder: _h,
    leaseUntil: _l,
    retryAt: _a,
    requestId: _q,
    ...execution
  } = run;
  return execution;
}

function lineageLimit(message: string): StudioError {
  return new StudioError('LINEAGE_LIMIT', message, { limit: 'LINEAGE_DEPTH_MAX' });
}

function notStarted(error: unknown): { reason: string; message: string } {
  return { reason: StudioError.from(error).reason, message: 'The run could not be started.' };
}
