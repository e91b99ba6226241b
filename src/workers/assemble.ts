/** What a worker process is made of, on top of an engine. */
import type { Logger } from 'pino';
import type { Blob } from '../domain/blob.ts';
import type { Documents } from '../documents/contract.ts';
import type { EventConsumer } from '../events/contract.ts';
import type { Failpoints } from '../failpoints.ts';
import { DISPATCH_IN_FLIGHT_MAX } from '../limits.ts';
import type { Registrations, Runs } from '../providers/stores.ts';
import { createActivities } from './activities/index.ts';
import { TemporalClient, type TemporalOptions } from './client.ts';
import { ContentChecks } from './content-checks.ts';
import { Dispatcher } from './dispatcher.ts';
import { Leftovers } from './leftovers.ts';
import { Planner, type PlannerParts } from './planner.ts';
import { Reconciler, type ReconcilerParts } from './reconciler.ts';
import { RunLedger, type ProcessedWriter } from './run-ledger.ts';
import { Runner } from './runner.ts';
import { RootSignals } from './signals.ts';
import { PropagationWorker } from './worker.ts';

export interface WorkerParts {
  readonly documents: Documents;
  readonly providers: Registrations;
  readonly runs: Runs;
  readonly events: EventConsumer;
  readonly access: PlannerParts['access'];
  readonly accessLists: ReconcilerParts['accessLists'];
  readonly heads: PlannerParts['heads'] & {
    updatedSince(since: Date, limit: number): Promise<Blob[]>;
    readonly setProcessed: ProcessedWriter['recordProcessed'];
  };
  readonly mark: ReconcilerParts['mark'];
  readonly failpoints: Failpoints;
  readonly temporal: TemporalOptions;
  readonly logger: Logger;
}

export interface AssembledWorker {
  /** Resolves when the worker takes tasks; not before Temporal answers. */
  readonly ready: Promise<void>;
  /** Stops taking events and tasks, and lets what runs end. */
  stop(): Promise<void>;
}

const DURABLE = 'propagation';

export function startPropagation(parts: WorkerParts): AssembledWorker {
  const { documents, providers, runs, events, access, accessLists, heads, mark, failpoints, temporal, logger } = parts;
  const now = (): Date => new Date();
  const client = new TemporalClient(temporal, logger);
  const signals = new RootSignals(client);
  const planner = new Planner({ documents, heads, access, providers, runs, logger, now });
  const processed = { recordProcessed: heads.setProcessed.bind(heads) };
  const ledger = new RunLedger(runs, processed, now);
  const leftovers = new Leftovers(documents, runs, ledger);
  const checks = new ContentChecks();
  const runner = new Runner({ documents, heads, providers, runs, ledger, checks, failpoints, now });
  const dispatcher = new Dispatcher(providers, signals);
  const reconciler = new Reconciler({
    heads,
    accessLists,
    mark,
    planner,
    providers,
    runs,
    starter: client,
    signals,
    logger,
    now,
  });
  const worker = new PropagationWorker(
    temporal,
    createActivities({ planner, runner, ledger, leftovers, signals, children: client }),
    logger,
  );

  const stopping = new AbortController();
  worker.start();
  const consuming = events.run({
    durable: DURABLE,
    types: ['blob.created', 'blob.updated'],
    inFlightMax: DISPATCH_IN_FLIGHT_MAX,
    handle: (event) => dispatcher.handle(event),
    signal: stopping.signal,
  });
  const reconciling = reconciler.run(stopping.signal);
  consuming.catch((error: unknown) => {
    if (!stopping.signal.aborted) logger.error({ err: error }, 'events are no longer consumed; reconciling goes on');
  });
  return {
    ready: worker.ready,
    stop: async () => {
      stopping.abort();
      await Promise.allSettled([consuming, reconciling, worker.stop()]);
      checks.close();
      await client.close();
    },
  };
}
