/** Finds what of a DAG is out of date, by comparing versions, and what of that may run now (G5, G9). */
import type { Logger } from 'pino';
import type { Caller } from '../domain/caller.ts';
import { isFinal, type Run } from '../domain/run.ts';
import { frontier, wantedRuns, type WantedRun } from '../domain/waves.ts';
import type { Documents } from '../documents/contract.ts';
import { DAG_FULL_LOG_EVERY_MS, DAG_NODES_MAX, LINEAGE_DEPTH_MAX, PLAN_RUNS_MAX, START_OVER_MS } from '../limits.ts';
import type { Registrations, Runs } from '../providers/stores.ts';
import type { PropagationPlan, RunRef, SeenVersions } from './names.ts';
import { OwnedGraphs, type GraphRequest, type OwnedGraphParts } from './owned-graph.ts';
import { rootWorkflowId } from './root-workflow.ts';

export interface PlannerParts extends OwnedGraphParts {
  readonly documents: Pick<Documents, 'getBlob' | 'listDeltas'>;
  readonly providers: Pick<Registrations, 'activeFor'>;
  readonly runs: Pick<Runs, 'getMany'>;
  readonly logger: Logger;
  readonly now: () => Date;
}

export interface PlanRequest extends GraphRequest {
  /** Derived blobs whose run is going on. */
  readonly running: readonly string[];
}

export class Planner {
  readonly #parts: PlannerParts;
  readonly #graphs: OwnedGraphs;
  #fullLoggedMs = -Infinity;

  constructor(parts: PlannerParts) {
    this.#parts = parts;
    this.#graphs = new OwnedGraphs(parts);
  }

  async plan(request: PlanRequest): Promise<PropagationPlan> {
    const caller: Caller = { userId: request.owner, administrator: false };
    const providers = await this.#parts.providers.activeFor(request.owner);
    if (providers.length === 0) return { ready: [], unconfirmed: {} };
    const loaded = await this.#graphs.load(request, providers);
    const { graph } = loaded;
    if (loaded.isFull) this.#logFull(request);

    const limits = { depthMax: LINEAGE_DEPTH_MAX, nodesMax: DAG_NODES_MAX };
    const running = new Set(request.running);
    // G8: what is made of a blob is its owner's. Of others, there may be one that has the id of a derived blob.
    const own = wantedRuns(graph, providers, limits).filter((run) => run.source.userId === request.owner);
    const wanted = own.filter((run) => !running.has(run.derivedId));
    const records = await this.#parts.runs.getMany(wanted.map((run) => run.key));
    const now = this.#parts.now();
    const holder = rootWorkflowId(request.rootId, request.owner);
    const due: WantedRun[] = [];
    const open = new Set(own.flatMap((run) => (running.has(run.derivedId) ? [run.source.id] : [])));
    let wakeAtMs = Infinity;
    for (const run of wanted) {
      const record = records.get(run.key);
      // Succeeded, or used up its attempts for these very inputs: only a change or a replay makes it run again.
      if (record && isFinal(record)) continue;
      open.add(run.source.id);
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
      unconfirmed: { ...loaded.unconfirmed, ...namedAgain(request, loaded.beyond, open) },
    };
  }

  #logFull({ rootId, owner }: PlanRequest): void {
    const nowMs = this.#parts.now().getTime();
    if (nowMs - this.#fullLoggedMs < DAG_FULL_LOG_EVERY_MS) return;
    this.#fullLoggedMs = nowMs;
    const message = `a DAG has ${DAG_NODES_MAX} blobs of one owner or more: no more are derived in it`;
    this.#parts.logger.warn({ rootId, owner }, message);
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

/** What the next plan would not find by itself, as long as there is something to do for it: `open` are such sources. */
function namedAgain(request: PlanRequest, beyond: ReadonlySet<string>, open: ReadonlySet<string>): SeenVersions {
  return Object.fromEntries(Object.entries(request.seen).filter(([id]) => beyond.has(id) && open.has(id)));
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
