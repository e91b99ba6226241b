/** Finds what of a DAG is out of date, by comparing versions, and what of that may run now (G5, G9). */
import type { Caller } from '../domain/caller.ts';
import { isFinal, type Run } from '../domain/run.ts';
import { frontier, wantedRuns, type WantedRun } from '../domain/waves.ts';
import type { Documents } from '../documents/contract.ts';
import { DAG_NODES_MAX, LINEAGE_DEPTH_MAX, PLAN_RUNS_MAX, START_OVER_MS } from '../limits.ts';
import type { Registrations, Runs } from '../providers/stores.ts';
import type { PropagationPlan, RunRef } from './names.ts';
import { OwnedGraphs, type GraphRequest, type OwnedGraphParts } from './owned-graph.ts';
import { rootWorkflowId } from './root-workflow.ts';

export interface PlannerParts extends OwnedGraphParts {
  readonly documents: Pick<Documents, 'getBlob' | 'listDeltas'>;
  readonly providers: Pick<Registrations, 'activeFor'>;
  readonly runs: Pick<Runs, 'getMany'>;
  readonly now: () => Date;
}

export interface PlanRequest extends GraphRequest {
  /** Derived blobs whose run is going on. */
  readonly running: readonly string[];
}

export class Planner {
  readonly #parts: PlannerParts;
  readonly #graphs: OwnedGraphs;

  constructor(parts: PlannerParts) {
    this.#parts = parts;
    this.#graphs = new OwnedGraphs(parts);
  }

  async plan(request: PlanRequest): Promise<PropagationPlan> {
    const caller: Caller = { userId: request.owner, administrator: false };
    const providers = await this.#parts.providers.activeFor(request.owner);
    if (providers.length === 0) return { ready: [], unconfirmed: {} };
    const { graph, unconfirmed } = await this.#graphs.load(request, providers);

    const limits = { depthMax: LINEAGE_DEPTH_MAX, nodesMax: DAG_NODES_MAX };
    const running = new Set(request.running);
    const wanted = wantedRuns(graph, providers, limits).filter(
      // G8: what is made of a blob is its owner's. Of others, there may be one that has the id of a derived blob.
      (run) => run.source.userId === request.owner && !running.has(run.derivedId),
    );
    const records = await this.#parts.runs.getMany(wanted.map((run) => run.key));
    const now = this.#parts.now();
    const holder = rootWorkflowId(request.rootId, request.owner);
    const due: WantedRun[] = [];
    let wakeAtMs = Infinity;
    for (const run of wanted) {
      const record = records.get(run.key);
      // Succeeded, or used up its attempts for these very inputs: only a change or a replay makes it run again.
      if (record && isFinal(record)) continue;
      const at = Math.max(claimableAt(record, holder, now), await this.#quietAt(caller, run));
      if (at <= now.getTime()) due.push(run);
      else wakeAtMs = Math.min(wakeAtMs, at);
    }
    const active = new Set([...running, ...due.map((run) => run.derivedId)]);
    return {
      ready: frontier(graph, due, active)
        .slice(0, PLAN_RUNS_MAX)
        .map((run) => refOf(run, request)),
      ...(wakeAtMs === Infinity ? {} : { wakeAtMs }),
      unconfirmed,
    };
  }

  /** When a debounced provider may run: after quiet since the last change, at most max_wait since the first it missed. */
  async #quietAt(caller: Caller, run: WantedRun): Promise<number> {
    const { debounce } = run.provider;
    if (!debounce) return 0;
    const seenVersion = run.derived?.derivedFrom?.inputs.find((receipt) => receipt.blobId === run.source.id)?.version;
    let missedSince = run.source.createdAt;
    if (seenVersion !== undefined) {
      const first = await this.#parts.documents.listDeltas(caller, {
        blobId: run.source.id,
        afterVersion: seenVersion,
        newestFirst: false,
        pageSize: 1,
        pageToken: '',
      });
      missedSince = first.items[0]?.appliedAt ?? run.source.updatedAt;
    }
    return Math.min(run.source.updatedAt.getTime() + debounce.quietMs, missedSince.getTime() + debounce.maxWaitMs);
  }
}

/** The next attempt of one that failed, the end of another's lease, a while after one that came to nothing, or now. */
function claimableAt(record: Run | undefined, holder: string, now: Date): number {
  if (!record) return 0;
  if (record.status !== 'running') return (record.finishedAt?.getTime() ?? 0) + START_OVER_MS;
  if (record.retryAt && record.retryAt > now) return record.retryAt.getTime();
  return record.holder === holder ? 0 : record.leaseUntil.getTime();
}

function refOf(run: WantedRun, request: PlanRequest): RunRef {
  const causedBy = request.seen[run.source.id]?.causedBy;
  return {
    rootId: request.rootId,
    owner: request.owner,
    sourceId: run.source.id,
    providerId: run.provider.id,
    derivedId: run.derivedId,
    type: run.provider.type,
    ...(causedBy === undefined ? {} : { causedBy }),
  };
}
