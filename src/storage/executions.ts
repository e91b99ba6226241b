/**
 * Executions as stored. The document's `_id` is the execution key, so that its insert is the claim: of any number of
 * workers that want the same run, one gets it (G9). A lease lets another take over from a holder that is gone for good.
 */
import type { Collection, Db } from 'mongodb';
import type { Receipt } from '../domain/blob.ts';
import type { ExecutionStatus } from '../domain/derivation/provider.ts';
import {
  isFinal,
  type ClaimOutcome,
  type Run,
  type RunClaim,
  type RunError,
  type RunRequest,
} from '../domain/derivation/run.ts';
import { CLAIM_RACES_MAX, IN_LIST_IDS_MAX } from '../limits.ts';
import { inserted } from './database-error.ts';

interface ExecutionDocument {
  _id: string;
  user_id: string;
  provider_id: string;
  provider_version: number;
  inputs: { blob_id: string; version: number }[];
  derived_id: string;
  root_id: string;
  owner: string;
  output?: { blob_id: string; version: number };
  status: ExecutionStatus;
  attempts: number;
  error?: { reason: string; message: string };
  holder: string;
  lease_until: Date;
  retry_at?: Date;
  request_id?: string;
  workflow_id: string;
  caused_by?: string;
  started_at: Date;
  finished_at?: Date;
}

/** `_id`: see runRequestKey. */
interface RequestDocument {
  _id: string;
  execution: string;
  version: number;
}

export class ExecutionStore {
  readonly #executions: Collection<ExecutionDocument>;
  /** Beside them, for several requests may ask for one run. */
  readonly #requests: Collection<RequestDocument>;

  constructor(db: Db) {
    this.#executions = db.collection('executions');
    this.#requests = db.collection('execution_requests');
  }

  async createIndexes(): Promise<void> {
    await this.#executions.createIndex({ provider_id: 1, started_at: -1 });
    await this.#executions.createIndex({ user_id: 1, started_at: -1 });
    await this.#executions.createIndex({ status: 1, lease_until: 1 });
    await this.#executions.createIndex({ holder: 1, status: 1 });
  }

  async get(key: string): Promise<Run | undefined> {
    const document = await this.#executions.findOne({ _id: key });
    return document ? fromDocument(document) : undefined;
  }

  async getMany(keys: readonly string[]): Promise<Map<string, Run>> {
    const found = new Map<string, Run>();
    for (let at = 0; at < keys.length; at += IN_LIST_IDS_MAX) {
      const slice = keys.slice(at, at + IN_LIST_IDS_MAX);
      const documents = await this.#executions.find({ _id: { $in: slice } }).toArray();
      for (const document of documents) found.set(document._id, fromDocument(document));
    }
    return found;
  }

  /** Runs whose lease ran out before `before`: their holder is gone, or its workflow was lost. */
  async abandoned(before: Date, limit: number): Promise<Run[]> {
    const filter = { status: 'running' as const, lease_until: { $lt: before } };
    return (await this.#executions.find(filter).limit(limit).toArray()).map(fromDocument);
  }

  /** Runs this holder has begun and not ended. */
  async heldBy(holder: string, limit: number): Promise<Run[]> {
    return (await this.#executions.find({ holder, status: 'running' }).limit(limit).toArray()).map(fromDocument);
  }

  /**
   * The same holder gets its claim again, so that a step repeated after a crash goes on where it was. One that ended for
   * a reason that may be over by now is started over, with all its attempts.
   */
  async claim(claim: RunClaim, now: Date): Promise<ClaimOutcome> {
    for (let race = 0; race < CLAIM_RACES_MAX; race++) {
      const known = await this.#executions.findOne({ _id: claim.key });
      if (!known) {
        if (await this.#insert(claim, now)) return { state: 'claimed', attempts: 0 };
        continue;
      }
      if (known.status !== 'running') {
        const run = fromDocument(known);
        if (isFinal(run)) return { state: 'settled', run };
        if (await this.#startOver(claim, known, now)) return { state: 'claimed', attempts: 0 };
        continue;
      }
      if (known.retry_at && known.retry_at > now) return { state: 'waiting', until: known.retry_at };
      if (known.holder !== claim.holder && known.lease_until > now)
        return { state: 'waiting', until: known.lease_until };
      // Two may find the lease lapsed at once: only the one that still sees the old lease gets the new one.
      const taken = await this.#executions.updateOne(
        { _id: claim.key, status: 'running', holder: known.holder, lease_until: known.lease_until },
        { $set: { holder: claim.holder, lease_until: new Date(now.getTime() + claim.leaseMs) } },
      );
      if (taken.matchedCount === 1) return { state: 'claimed', attempts: known.attempts };
    }
    return { state: 'waiting', until: new Date(now.getTime() + claim.leaseMs) };
  }

  /** Starts a run that ended without success over again, with all its attempts. False when it is in another state by now. */
  async restart(claim: RunClaim, from: ExecutionStatus, now: Date): Promise<boolean> {
    const result = await this.#executions.replaceOne({ _id: claim.key, status: from }, bodyOf(claim, now));
    return result.matchedCount === 1;
  }

  /** Keeps the id of the request that asked for it: a repeat of that must find it (G4). False if another was quicker. */
  async #startOver(claim: RunClaim, ended: ExecutionDocument, now: Date): Promise<boolean> {
    const requestId = claim.requestId ?? ended.request_id;
    const body = bodyOf({ ...claim, ...(requestId === undefined ? {} : { requestId }) }, now);
    const filter = { _id: ended._id, status: ended.status, started_at: ended.started_at };
    return (await this.#executions.replaceOne(filter, body)).matchedCount === 1;
  }

  /**
   * Counts one failed attempt, the `attempt`-th from 0; a repeat of the call changes nothing. With `retryAt` there will
   * be another, without it the run has failed for these inputs.
   */
  async recordFailure(key: string, attempt: number, error: RunError, now: Date, retryAt?: Date): Promise<void> {
    const next = retryAt
      ? { retry_at: retryAt, lease_until: retryAt }
      : { status: 'failed' as const, finished_at: now };
    await this.#executions.updateOne(
      { _id: key, status: 'running', attempts: attempt },
      { $set: { attempts: attempt + 1, error: { ...error }, ...next } },
    );
  }

  /** Not now, for what is none of the provider's doing: it keeps its attempts. `attempts`: how many have failed so far. */
  async putOff(key: string, attempts: number, error: RunError, retryAt: Date): Promise<void> {
    await this.#executions.updateOne(
      { _id: key, status: 'running', attempts },
      { $set: { error: { ...error }, retry_at: retryAt, lease_until: retryAt } },
    );
  }

  /**
   * Ends a running execution; one that ended already stays as it is. Except for one that was cancelled because nobody
   * knew whether it had started: what it has committed by now, it has.
   */
  async finish(
    key: string,
    end: { readonly status: Exclude<ExecutionStatus, 'running'>; readonly output?: Receipt; readonly error?: RunError },
    now: Date,
  ): Promise<void> {
    const from: ExecutionStatus[] = end.status === 'succeeded' ? ['running', 'cancelled'] : ['running'];
    await this.#executions.updateOne(
      { _id: key, status: { $in: from } },
      {
        $set: {
          status: end.status,
          finished_at: now,
          ...(end.output ? { output: { blob_id: end.output.blobId, version: end.output.version } } : {}),
          ...(end.error ? { error: { ...end.error } } : {}),
        },
        // What went wrong in earlier attempts is no error of one that succeeded.
        $unset: { retry_at: '', ...(end.status === 'succeeded' ? { error: '' } : {}) },
        ...(end.status === 'succeeded' ? { $inc: { attempts: 1 } } : {}),
      },
    );
  }

  async request(requestKey: string): Promise<RunRequest | undefined> {
    const document = await this.#requests.findOne({ _id: requestKey });
    return document ? { key: document.execution, version: document.version } : undefined;
  }

  /** Of any number that come at once, all get the one that was first. */
  async recordRequest(requestKey: string, { key, version }: RunRequest): Promise<RunRequest> {
    const isFirst = await inserted(this.#requests.insertOne({ _id: requestKey, execution: key, version }));
    return (isFirst ? undefined : await this.request(requestKey)) ?? { key, version };
  }

  #insert(claim: RunClaim, now: Date): Promise<boolean> {
    return inserted(this.#executions.insertOne({ _id: claim.key, ...bodyOf(claim, now) }));
  }
}

function bodyOf(claim: RunClaim, now: Date): Omit<ExecutionDocument, '_id'> {
  return {
    user_id: claim.userId,
    provider_id: claim.providerId,
    provider_version: claim.providerVersion,
    inputs: claim.inputs.map((input) => ({ blob_id: input.blobId, version: input.version })),
    derived_id: claim.derivedId,
    root_id: claim.rootId,
    owner: claim.owner,
    status: 'running',
    attempts: 0,
    holder: claim.holder,
    lease_until: new Date(now.getTime() + claim.leaseMs),
    workflow_id: claim.workflowId,
    ...(claim.causedBy === undefined ? {} : { caused_by: claim.causedBy }),
    ...(claim.requestId === undefined ? {} : { request_id: claim.requestId }),
    started_at: now,
  };
}

function fromDocument(document: ExecutionDocument): Run {
  return {
    id: document._id,
    key: document._id,
    userId: document.user_id,
    providerId: document.provider_id,
    providerVersion: document.provider_version,
    inputs: document.inputs.map((input) => ({ blobId: input.blob_id, version: input.version })),
    derivedId: document.derived_id,
    rootId: document.root_id,
    owner: document.owner,
    ...(document.output ? { output: { blobId: document.output.blob_id, version: document.output.version } } : {}),
    status: document.status,
    attempts: document.attempts,
    ...(document.error ? { error: document.error } : {}),
    holder: document.holder,
    leaseUntil: document.lease_until,
    retryAt: document.retry_at,
    requestId: document.request_id,
    workflowId: document.workflow_id,
    causedBy: document.caused_by,
    startedAt: document.started_at,
    finishedAt: document.finished_at,
  };
}
