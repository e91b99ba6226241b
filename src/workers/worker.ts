/** The process's Temporal worker: runs the studio's workflows and their steps. */
import { IllegalStateError, NativeConnection, Runtime, Worker, type LogLevel } from '@temporalio/worker';
import type { Logger } from 'pino';
import {
  DOORS_DRAIN_MS_MAX,
  LOCAL_STEPS_IN_FLIGHT_MAX,
  TEMPORAL_RETRY_MS_MAX,
  TEMPORAL_RETRY_MS_MIN,
  WORKFLOW_TASKS_IN_FLIGHT_MAX,
  WORKFLOWS_CACHED_MAX,
} from '../limits.ts';
import type { Activities } from './activities/index.ts';
import { workflowBundle } from './bundle.ts';
import type { TemporalOptions } from './client.ts';
import { PROPAGATION_QUEUE } from './names.ts';

export class PropagationWorker {
  readonly #options: TemporalOptions;
  readonly #activities: Activities;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #worker: Worker | undefined;
  #running: Promise<void> | undefined;
  #onReady: () => void = () => undefined;
  /** Resolves when the worker takes its first tasks. */
  readonly ready: Promise<void>;

  constructor(options: TemporalOptions, activities: Activities, logger: Logger) {
    this.#options = options;
    this.#activities = activities;
    this.#logger = logger;
    this.ready = new Promise((resolve) => {
      this.#onReady = resolve;
    });
  }

  start(): void {
    installRuntime(this.#logger);
    this.#running ??= this.#keepRunning();
  }

  /** Lets running steps end, at most DOORS_DRAIN_MS_MAX; workflows go on in another worker. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#worker?.getState() === 'RUNNING') this.#worker.shutdown();
    await this.#running;
  }

  /** Temporal may come later than we do, and may go away: the worker is made again until it is stopped. */
  async #keepRunning(): Promise<void> {
    const bundle = await workflowBundle();
    let pauseMs = TEMPORAL_RETRY_MS_MIN;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#runOnce(bundle, () => {
          pauseMs = TEMPORAL_RETRY_MS_MIN;
        });
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#logger.warn({ err: error, temporal: this.#options.address }, 'Temporal does not answer; trying again');
        await pause(pauseMs, this.#stopping.signal);
        pauseMs = Math.min(pauseMs * 2, TEMPORAL_RETRY_MS_MAX);
      }
    }
  }

  async #runOnce(bundle: { codePath: string } | { code: string }, onRunning: () => void): Promise<void> {
    const connection = await NativeConnection.connect({ address: this.#options.address });
    try {
      const worker = await Worker.create({
        connection,
        namespace: this.#options.namespace,
        taskQueue: PROPAGATION_QUEUE,
        workflowBundle: bundle,
        activities: this.#activities,
        maxConcurrentWorkflowTaskExecutions: WORKFLOW_TASKS_IN_FLIGHT_MAX,
        maxConcurrentLocalActivityExecutions: LOCAL_STEPS_IN_FLIGHT_MAX,
        maxConcurrentActivityTaskExecutions: 1,
        maxCachedWorkflows: WORKFLOWS_CACHED_MAX,
        shutdownGraceTime: DOORS_DRAIN_MS_MAX / 2,
        shutdownForceTime: DOORS_DRAIN_MS_MAX,
      });
      this.#worker = worker;
      const running = worker.run();
      if (this.#stopping.signal.aborted) worker.shutdown();
      this.#onReady();
      onRunning();
      await running;
    } finally {
      this.#worker = undefined;
      await connection.close();
    }
  }
}

/** The SDK keeps one runtime per process. Ours leaves the process's signals alone and speaks through the process's log. */
function installRuntime(logger: Logger): void {
  const log = (level: LogLevel, message: string, meta?: object): void => {
    const fields = { ...meta, source: 'temporal' };
    if (level === 'ERROR') logger.error(fields, message);
    else if (level === 'WARN') logger.warn(fields, message);
    else logger.debug(fields, message);
  };
  try {
    Runtime.install({
      shutdownSignals: [],
      logger: {
        log,
        trace: (message, meta) => log('TRACE', message, meta),
        debug: (message, meta) => log('DEBUG', message, meta),
        info: (message, meta) => log('INFO', message, meta),
        warn: (message, meta) => log('WARN', message, meta),
        error: (message, meta) => log('ERROR', message, meta),
      },
      telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
    });
  } catch (error) {
    // A second worker in one process shares the first one's.
    if (!(error instanceof IllegalStateError)) throw error;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
