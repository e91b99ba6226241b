/** Finds what of a DAG is out of date, by comparing versions, and what of that may run now (G5, G9). */
import { setImmediate } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Caller } from '../domain/access/caller.ts';
import { isFinal, type Run } from '../domain/derivation/run.ts';
import { frontier, type WantedRun } from '../domain/derivation/waves.ts';
import type { Documents } from '../documents/contract.ts';
import {
  DAG_FULL_LOG_EVERY_MS,
  DAG_NODES_MAX,
  PLAN_MS_MAX,
  PLAN_PAIRS_MAX,
  PLAN_RUNS_MAX,
  START_OVER_MS,
} from '../limits.ts';
import type { Registrations, Runs } from '../providers/stores.ts';
import { Debounce } from './debounce.ts';
import type { PropagationPlan, RunRef, SeenVersions } from './names.ts';
import { pickRuns } from './plan-places.ts';
import { lookedAt, PlanRounds, stateOf } from './plan-rounds.ts';
import { OwnedGraphs, type GraphRequest, type OwnedGraphParts } from './owned-graph.ts';
import { rootWorkflowId } from './root-workflow.ts';

export interface PlannerParts extends OwnedGraphParts {
  readonly documents: Pick<Documents, 'getBlob' | 'listDeltas'>;
  readonly providers: Pick<Registrations, 'activeFor'>;
  readonly runs: Pick<Runs, 'getMany'>;
  readonly logger: Logger;
  readonly now: () => Date;
  /** PLAN_PAIRS_MAX and PLAN_MS_MAX unless said otherwise. */
  readonly pairsMax?: number;
  readonly msMax?: number;
}

export interface PlanRequest extends GraphRequest {
  /** Derived blobs whose run is going on. */
  readonly running: readonly string[];
}

/** What a plan has found so far. */
interface Found {
  readonly due: WantedRun[];
  /** Those that go on. */
  readonly going: WantedRun[];
  /** Sources for which something is to be done, or may be. */
  readonly open: Set<string>;
  wakeAtMs: number;
  /** Blobs that the runs found would make. */
  newNodes: number;
  /** Something is not derived for want of room: see DAG_NODES_MAX. */
  isCut: boolean;
}

export class Planner {
  readonly #parts: PlannerParts;
  readonly #graphs: OwnedGraphs;
  readonly #debounce: Debounce;
  readonly #rounds = new PlanRounds();
  #fullLoggedMs = -Infinity;

  constructor(parts: PlannerParts) {
    this.#parts = parts;
    this.#graphs = new OwnedGraphs(parts);
    this.#debounce = new Debounce(parts.documents);
  }

  async plan(request: PlanRequest): Promise<PropagationPlan> {
    const startedMs = performance.now();
    const providers = await this.#parts.providers.activeFor(request.owner);
    if (providers.length === 0) return { ready: [], unconfirmed: {} };
    const loaded = await this.#graphs.load(request);
    const { graph, sources } = loaded;

    const running = new Set(request.running);
    const roundId = rootWorkflowId(request.rootId, request.owner);
    const round = this.#rounds.get(roundId);
    const { wakeAtMs, newNodes } = round ?? { wakeAtMs: Infinity, newNodes: 0 };
    const found: Found = { due: [], going: [], open: new Set(), wakeAtMs, newNodes, isCut: loaded.isFull };
    let ready: readonly WantedRun[] = [];
    const perPart = Math.max(1, Math.floor((this.#parts.pairsMax ?? PLAN_PAIRS_MAX) / providers.length));
    const first = lookedAt(loaded, round);
    let at = first;
    let isLate = false;
    // From the top down. What is left when there is enough to start comes in the plan that is made when that has ended.
    for (; at < sources.length && ready.length < PLAN_RUNS_MAX && !isLate; at += perPart) {
      if (at > first) await setImmediate();
      const wanted = await this.#graphs.wantedOf(loaded, sources.slice(at, at + perPart), providers);
      await this.#sort(request, { wanted, alive: graph.alive }, running, found);
      const active = new Set([...running, ...found.due.map((run) => run.derivedId)]);
      if (found.due.length > 0) ready = pickRuns(frontier(graph, found.due, active), found.going);
      isLate = performance.now() - startedMs >= (this.#parts.msMax ?? PLAN_MS_MAX);
    }
    for (const source of [...sources.slice(0, first), ...sources.slice(at)]) found.open.add(source.id);
    if (found.isCut) this.#logFull(request);

    const nowMs = this.#parts.now().getTime();
    const state = round || isLate ? stateOf(loaded, providers, running) : '';
    const hasReady = ready.length > 0 || (round?.hasReady ?? false);
    const last = sources[at - 1];
    const goesOn = isLate && last !== undefined && at < sources.length && ready.length < PLAN_RUNS_MAX;
    let wakeMs = found.wakeAtMs;
    if (goesOn) {
      const { depth, id } = last;
      const soFar = { wakeAtMs: found.wakeAtMs, newNodes: found.newNodes, hasReady };
      this.#rounds.set(roundId, { state: round?.state ?? state, depth, id, ...soFar });
      wakeMs = nowMs;
    } else if (round) {
      this.#rounds.delete(roundId);
      if (hasReady || round.state !== state) wakeMs = Math.min(wakeMs, nowMs + START_OVER_MS);
    }
    return {
      ready: ready.map((run) => refOf(run, request)),
      ...(wakeMs === Infinity ? {} : { wakeAtMs: wakeMs }),
      unconfirmed: { ...loaded.unconfirmed, ...namedAgain(request, loaded.beyond, found.open) },
    };
  }

  /** What of these runs is due, and when the others are. */
  async #sort(
    request: PlanRequest,
    { wanted, alive }: { readonly wanted: readonly WantedRun[]; readonly alive: number },
    running: ReadonlySet<string>,
    found: Found,
  ): Promise<void> {
    const hasRoom = (): boolean => alive + found.newNodes < DAG_NODES_MAX;
    // Without room, what became of those that would make a blob need not be looked up.
    const possible = hasRoom() ? wanted : wanted.filter((run) => run.derived);
    if (possible.length < wanted.length) found.isCut = true;
    const caller: Caller = { userId: request.owner, administrator: false };
    const records = await this.#parts.runs.getMany(possible.map((run) => run.key));
    const now = this.#parts.now();
    const holder = rootWorkflowId(request.rootId, request.owner);
    for (const run of possible) {
      const record = records.get(run.key);
      const isRunning = running.has(run.derivedId);
      // Succeeded, or used up its attempts for these very inputs: only a change or a replay makes it run again. So it
      // takes no room, if it made nothing.
      if (!isRunning && record && isFinal(record)) continue;
      if (!run.derived && !hasRoom()) {
        found.isCut = true;
        continue;
      }
      if (!run.derived) found.newNodes += 1;
      found.open.add(run.source.id);
      if (isRunning) {
        found.going.push(run);
        continue;
      }
      const at = Math.max(claimableAt(record, holder, now), await this.#debounce.quietAt(caller, run));
      if (at <= now.getTime()) found.due.push(run);
      else found.wakeAtMs = Math.min(found.wakeAtMs, at);
    }
  }

  #logFull({ rootId, owner }: PlanRequest): void {
    const nowMs = this.#parts.now().getTime();
    if (nowMs - this.#fullLoggedMs < DAG_FULL_LOG_EVERY_MS) return;
    this.#fullLoggedMs = nowMs;
    const message = `a DAG has ${DAG_NODES_MAX} blobs of one owner or more: no more are derived in it`;
    this.#parts.logger.warn({ rootId, owner }, message);
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
