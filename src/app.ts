/** `studio serve`: the engine with every door before it. */
import type { Logger } from 'pino';
import { collectDefaultMetrics, Counter, Gauge, Registry as Metrics } from 'prom-client';
import type { Config } from './config.ts';
import type { HistoryParts } from './documents/history/history-parts.ts';
import { openEngine } from './engine.ts';
import { within } from './domain/within.ts';
import { SettingError, StudioError } from './errors.ts';
import { DOORS_DRAIN_MS_MAX, DRAIN_MS_MAX } from './limits.ts';
import { Registry } from './providers/registry.ts';
import { createAuthenticator } from './transport/auth/authentication.ts';
import { createEditorDoors } from './transport/editor-doors.ts';
import { startTransport } from './transport/server.ts';
import { TemporalClient } from './workers/client.ts';

export interface RunningServer {
  readonly port: number;
  readonly grpcPort: number;
  /** Ends streams and sessions, lets calls finish, then lets go of every part. Within DRAIN_MS_MAX, whatever waits. */
  stop(): Promise<void>;
}

export async function startServe(
  config: Config,
  logger: Logger,
  { doorsMs = DOORS_DRAIN_MS_MAX }: { readonly doorsMs?: number } = {},
): Promise<RunningServer> {
  if (!config.temporalAddress)
    throw new SettingError('STUDIO_TEMPORAL_ADDRESS is not set; `studio dev` starts Temporal itself.');
  const authenticator = createAuthenticator(config);
  const engine = await openEngine(config, logger);
  const { documents, database, connection } = engine;
  const temporal = new TemporalClient({ address: config.temporalAddress, namespace: config.temporalNamespace }, logger);
  const providers = new Registry({
    providers: engine.providers,
    runs: engine.executions,
    documents,
    access: engine.access,
    starter: temporal,
    // Built-ins bring a Markdown parser along: a studio at rest does without it.
    rules: async () => {
      const { BUILTINS } = await import('./workers/builtins/index.ts');
      return { builtins: BUILTINS, workflowPrefixes: config.workflowQueuePrefixes };
    },
    now: () => new Date(),
  });
  const metrics = new Metrics();
  collectDefaultMetrics({ register: metrics });
  registerHistoryMetrics(metrics, engine.archive);
  const editors = createEditorDoors({
    documents,
    authenticator,
    logger,
    createType: config.syncCreate,
    awareness: engine.awareness,
    stateless: engine.stateless,
  });
  const checks = [
    { name: 'mongodb', check: () => database.ping() },
    {
      name: 'nats',
      check: async () => {
        if (!connection.healthy)
          throw new StudioError('EVENTS_UNAVAILABLE', 'NATS does not answer, or has no event stream.');
      },
    },
  ];
  const closeParts = async (untilMs?: number): Promise<void> => {
    await Promise.allSettled([within(temporal.close(), DOORS_DRAIN_MS_MAX, undefined), engine.close(untilMs)]);
  };
  try {
    const transport = await startTransport({
      config,
      logger,
      documents,
      sharing: engine.sharing,
      providers,
      events: engine.watcher,
      editors: editors.hub,
      retention: engine.retention,
      authenticator,
      checks,
      registry: metrics,
      upgrades: editors.routes,
    });
    engine.retentionPass.start();
    return {
      port: transport.port,
      grpcPort: transport.grpcPort,
      stop: async () => {
        const untilMs = performance.now() + DRAIN_MS_MAX;
        engine.closeSessions();
        await within(Promise.allSettled([editors.drain(), transport.drain()]), doorsMs, undefined);
        await closeParts(untilMs);
      },
    };
  } catch (error) {
    await closeParts();
    throw error;
  }
}

function registerHistoryMetrics(registry: Metrics, { quarantine, compaction }: HistoryParts): void {
  const counted = (name: string, help: string, count: () => number): void => {
    const collect = function (this: Counter): void {
      this.reset();
      this.inc(count());
    };
    registry.registerMetric(new Counter({ name, help, registers: [], collect }));
  };
  const collect = function (this: Gauge): void {
    this.set(quarantine.size);
  };
  const help = 'Blobs that this process knows it can not load.';
  registry.registerMetric(new Gauge({ name: 'studio_quarantined_blobs', help, registers: [], collect }));
  counted('studio_quarantines_total', 'Loads that failed for what is stored.', () => quarantine.entered);
  counted('studio_states_made_total', 'Stored states made and verified.', () => compaction.made);
  counted('studio_checkpoints_rejected_total', 'Stored states and runs found wrong.', () => compaction.rejected);
}
