/**
 * The studio's side of Temporal: signals to root workflows, and runs on demand. The client library is loaded at the
 * first use, for a studio at rest does without it.
 */
import type { Client, Connection, WorkflowStartOptions } from '@temporalio/client';
import type { Logger } from 'pino';
import { StudioError } from '../errors.ts';
import { TEMPORAL_CALL_MS_MAX, WORKFLOW_TASK_MS_MAX } from '../limits.ts';
import type { ExecutionStarter, StartedRun } from '../providers/stores.ts';
import { AGAIN_SIGNAL, CHANGED_SIGNAL, PROPAGATION_QUEUE, type PropagateInput, type SeenVersions } from './names.ts';
import { rootWorkflowId } from './root-workflow.ts';
import type { SignalSender } from './signals.ts';
import type { propagate, runExecution } from './workflows/index.ts';

export interface TemporalOptions {
  /** `host:port`. */
  readonly address: string;
  readonly namespace: string;
}

/** gRPC's. */
const NOT_FOUND = 5;

export class TemporalClient implements ExecutionStarter, SignalSender {
  readonly #options: TemporalOptions;
  readonly #logger: Logger;
  #opened: Promise<{ client: Client; connection: Connection }> | undefined;

  constructor(options: TemporalOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
  }

  async send(rootId: string, owner: string, seen: SeenVersions): Promise<void> {
    const input: PropagateInput = { rootId, owner, seen: {}, resumed: false };
    await this.#call(async (client) => {
      await client.workflow.signalWithStart<typeof propagate, [{ seen: SeenVersions }]>('propagate', {
        workflowId: rootWorkflowId(rootId, owner),
        taskQueue: PROPAGATION_QUEUE,
        args: [input],
        workflowTaskTimeout: WORKFLOW_TASK_MS_MAX,
        signal: CHANGED_SIGNAL,
        signalArgs: [{ seen }],
      });
    });
  }

  async start(run: StartedRun): Promise<void> {
    await this.#call(async (client) => {
      await client.workflow.start<typeof runExecution>('runExecution', {
        ...executionOptions(run),
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
    });
  }

  async startOver(run: StartedRun): Promise<void> {
    await this.#call(async (client) => {
      await client.workflow.signalWithStart<typeof runExecution>('runExecution', {
        ...executionOptions(run),
        signal: AGAIN_SIGNAL,
      });
    });
  }

  /** Whether a worker took up the newest run of a workflow. Also true of one that Temporal does not know any more. */
  async wasBegun(workflowId: string): Promise<boolean> {
    let events: readonly { readonly workflowTaskStartedEventAttributes?: unknown }[] | undefined;
    await this.#call(async (client) => {
      const request = { namespace: this.#options.namespace, execution: { workflowId } };
      try {
        events = (await client.workflowService.getWorkflowExecutionHistory(request)).history?.events ?? undefined;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    });
    return events?.some((event) => event.workflowTaskStartedEventAttributes) ?? true;
  }

  /** Rejects when Temporal does not answer. */
  async ping(): Promise<void> {
    await this.#call(async (client) => {
      await client.workflowService.getSystemInfo({});
    });
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    this.#opened = undefined;
    await opened?.connection.close();
  }

  async #call(make: (client: Client) => Promise<void>): Promise<void> {
    try {
      const { client, connection } = await this.#open();
      await connection.withDeadline(Date.now() + TEMPORAL_CALL_MS_MAX, () => make(client));
    } catch (error) {
      this.#logger.warn({ err: error, temporal: this.#options.address }, 'a call to Temporal failed');
      throw new StudioError('WORKFLOWS_UNAVAILABLE', 'Temporal does not answer; try again.', {}, { cause: error });
    }
  }

  #open(): Promise<{ client: Client; connection: Connection }> {
    this.#opened ??= (async () => {
      const temporal = await import('@temporalio/client');
      // Lazy: connects with the first call and again whenever the connection broke.
      const connection = temporal.Connection.lazy({ address: this.#options.address });
      return { client: new temporal.Client({ connection, namespace: this.#options.namespace }), connection };
    })();
    return this.#opened;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === NOT_FOUND;
}

function executionOptions(run: StartedRun): WorkflowStartOptions<typeof runExecution> {
  const { workflowId, rootId, owner, sourceId, providerId, derivedId, type, key } = run;
  const asked = { key, sourceVersion: run.sourceVersion, providerVersion: run.providerVersion };
  return {
    workflowId,
    taskQueue: PROPAGATION_QUEUE,
    workflowTaskTimeout: WORKFLOW_TASK_MS_MAX,
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    args: [{ rootId, owner, sourceId, providerId, derivedId, type, asked }],
  };
}
