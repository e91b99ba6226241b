/** Real parts, a studio's engine and a worker of its own, in this process. */
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { readConfig, type Config } from '../../src/config.ts';
import type { Documents } from '../../src/documents/contract.ts';
import type { Execution } from '../../src/domain/derivation/provider.ts';
import { openEngine, type Engine } from '../../src/engine.ts';
import { Registry } from '../../src/providers/registry.ts';
import { startWorker } from '../../src/worker.ts';
import { BUILTINS } from '../../src/workers/builtins/index.ts';
import { TemporalClient } from '../../src/workers/client.ts';
import { rootWorkflowId } from '../../src/workers/root-workflow.ts';
import { eventually } from '../harness/eventually.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { isAllHandled, isNoneWaiting } from './providers-quiet.ts';

export interface World {
  readonly parts: TestParts;
  readonly config: Config;
  readonly engine: Engine;
  readonly documents: Documents;
  readonly registry: Registry;
  readonly temporalAddress: string;
  /** Executions as stored; the filter speaks of their fields in the database. */
  executions(filter: Readonly<Record<string, string>>): Promise<Execution[]>;
  countExecutions(filter: Readonly<Record<string, string>>): Promise<number>;
  /**
   * Resolves when the root's workflow has come to its end, also the one of events still on their way, unless these were
   * taken out of the stream: of the root's owner, or of the one named.
   */
  quiet(rootId: string, options?: { readonly owner?: string; readonly areEventsLost?: boolean }): Promise<void>;
  stop(): Promise<void>;
}

const FOR_EVER_MS = 60_000;

export async function startWorld(options: { readonly worker: boolean } = { worker: true }): Promise<World> {
  const parts = await startParts({ mongodb: true, nats: true, temporal: true });
  const config = readConfig({ ...parts.environment, STUDIO_LOG_LEVEL: 'silent' });
  const logger = pino({ level: config.logLevel });
  const engine = await openEngine(config, logger);
  const worker = options.worker ? await startWorker(config, logger) : undefined;
  const temporalAddress = parts.url('temporal');
  const temporal = new TemporalClient({ address: temporalAddress, namespace: config.temporalNamespace }, logger);
  const connection = await Connection.connect({ address: temporalAddress });
  const client = new Client({ connection });
  const { documents } = engine;
  const registry = new Registry({
    providers: engine.providers,
    runs: engine.executions,
    documents,
    access: engine.access,
    starter: temporal,
    rules: async () => ({ workflowPrefixes: config.workflowQueuePrefixes, builtins: BUILTINS }),
    now: () => new Date(),
  });
  const stored = engine.database.db.collection('executions');
  const lastEnd = async (workflowId: string): Promise<number | undefined> => {
    const { status, closeTime } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING' ? undefined : closeTime?.getTime();
  };
  return {
    parts,
    config,
    engine,
    documents,
    registry,
    temporalAddress,
    executions: async (filter) => {
      const ids = (await stored.find(filter).toArray()).map((document) => String(document._id));
      return [...(await engine.executions.getMany(ids)).values()];
    },
    countExecutions: (filter) => stored.countDocuments(filter),
    quiet: async (rootId, { owner, areEventsLost = false } = {}) => {
      const workflowId = rootWorkflowId(rootId, owner ?? (await engine.heads.get(rootId))?.userId ?? '');
      await eventually(
        `nothing goes on below ${rootId}`,
        async () => {
          const ended = await lastEnd(workflowId);
          if (ended === undefined) return false;
          if (!(await (areEventsLost ? isNoneWaiting(engine) : isAllHandled(engine, rootId)))) return false;
          // It has not begun again for what was handled since.
          return (await lastEnd(workflowId)) === ended;
        },
        FOR_EVER_MS,
      );
    },
    stop: async () => {
      await worker?.stop();
      await temporal.close();
      await connection.close();
      await engine.close();
      await parts.stop();
    },
  };
}
