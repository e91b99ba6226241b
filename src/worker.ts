/** `studio worker`: the engine with Temporal behind it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { openEngine } from './engine.ts';
import { within } from './domain/within.ts';
import { SettingError } from './errors.ts';
import { DOORS_DRAIN_MS_MAX, DRAIN_MS_MAX, WORKER_READY_MS_MAX } from './limits.ts';
import { startPropagation } from './workers/assemble.ts';

export interface RunningWorker {
  /** Lets running steps end and hands the rest to other workers. Within DRAIN_MS_MAX, whatever waits. */
  stop(): Promise<void>;
}

/**
 * Resolves when the worker takes tasks, or after WORKER_READY_MS_MAX while Temporal does not answer: it then goes on
 * trying. Rejects when the database does not answer.
 */
export async function startWorker(config: Config, logger: Logger): Promise<RunningWorker> {
  if (!config.temporalAddress)
    throw new SettingError('STUDIO_TEMPORAL_ADDRESS is not set; `studio dev` starts Temporal itself.');
  const engine = await openEngine(config, logger);
  const propagation = startPropagation({
    documents: engine.documents,
    providers: engine.providers,
    runs: engine.executions,
    events: engine.consumer,
    access: engine.access,
    accessLists: engine.accessLists,
    heads: engine.heads,
    mark: engine.reconciled,
    failpoints: engine.failpoints,
    temporal: { address: config.temporalAddress, namespace: config.temporalNamespace },
    logger,
  });
  const waited = new AbortController();
  const late = sleep(WORKER_READY_MS_MAX, 'late', { signal: waited.signal, ref: false }).catch(() => undefined);
  const outcome = await Promise.race([propagation.ready, late]);
  waited.abort();
  if (outcome === 'late') logger.warn({ temporal: config.temporalAddress }, 'Temporal does not answer yet');
  return {
    stop: async () => {
      const untilMs = performance.now() + DRAIN_MS_MAX;
      await within(propagation.stop(), DOORS_DRAIN_MS_MAX, undefined);
      await engine.close(untilMs);
    },
  };
}
