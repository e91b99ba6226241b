import { setMaxListeners } from 'node:events';
import { createCallInterceptors } from './rpc/call-interceptors.ts';
import { createCallMetrics } from './rpc/call-metrics.ts';
import { createEventsSocket } from './events/events-socket.ts';
import { registerHealth } from './rpc/health.ts';
import { ReceivedBytes } from './http/received-bytes.ts';
import { startListener } from './port/listener.ts';
import { startNativeGrpc } from './grpc/native-grpc.ts';
import { createProbes } from './port/probes.ts';
import { registerReflection } from './rpc/reflection.ts';
import { createRest } from './rest/rest.ts';
import { REST_ROUTES } from './rest/rest-routes.ts';
import { createRpcHandler } from './rpc/rpc-handler.ts';
import { collectServices } from './rpc/service-collector.ts';
import { registerServices } from './services/register.ts';
import { encodeTextByBuffer } from './rpc/text-encoding.ts';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { Sharing } from '../access/contract.ts';
import type { Documents, Retention } from '../documents/contract.ts';
import type { EventWatcher } from '../events/contract.ts';
import type { Providers } from '../providers/contract.ts';
import type { Authenticator } from './auth/authentication.ts';
import type { ReadinessCheck } from './port/probes.ts';
import type { EditorHub } from './sync/editor-hub.ts';
import type { UpgradeRoute } from './port/upgrades.ts';

export interface TransportOptions {
  readonly config: Pick<Config, 'host' | 'port' | 'grpcPort' | 'allowedOrigins'>;
  readonly logger: Logger;
  readonly documents: Documents;
  readonly sharing: Sharing;
  readonly providers: Providers;
  readonly events: EventWatcher;
  readonly editors: EditorHub;
  readonly retention: Retention;
  readonly authenticator: Authenticator;
  /** What `/readyz` asks. */
  readonly checks: readonly ReadinessCheck[];
  readonly registry: Registry;
  /** WebSocket doors beside `/api/v1/studio/events`. */
  readonly upgrades: readonly UpgradeRoute[];
}

export interface Transport {
  readonly port: number;
  readonly grpcPort: number;
  /** Says NOT_SERVING, ends streams with DRAINING, lets calls finish within DOORS_DRAIN_MS_MAX, closes every socket. */
  drain(): Promise<void>;
}

/** Opens every door over the same service implementations. Rejects when a port can't be had; nothing is left open then. */
export async function startTransport(options: TransportOptions): Promise<Transport> {
  const { config, logger, authenticator, registry, events } = options;
  encodeTextByBuffer();
  const draining = new AbortController();
  // Every open stream listens for it; more than ten are no leak.
  setMaxListeners(0, draining.signal);
  const interceptors = createCallInterceptors({
    authenticator,
    logger,
    metrics: createCallMetrics(registry),
    draining: draining.signal,
  });
  const collected = collectServices((router) => {
    registerServices(router, options);
    registerHealth(router, () => collected.services, draining.signal);
    registerReflection(router, () => collected.services);
  });
  const { methods } = collected;
  const received = new ReceivedBytes();
  const native = await startNativeGrpc({
    host: config.host,
    port: config.grpcPort,
    methods,
    interceptors,
    authenticator,
    received,
  });
  try {
    const listener = await startListener({
      host: config.host,
      port: config.port,
      allowedOrigins: config.allowedOrigins,
      draining: draining.signal,
      logger,
      handlers: [
        createRpcHandler({ methods, interceptors, authenticator, received, logger }),
        createRest({ routes: REST_ROUTES, methods, interceptors, authenticator, received }),
        createProbes({ checks: options.checks, registry, draining: draining.signal }),
      ],
      upgrades: [createEventsSocket({ authenticator, events, logger, draining: draining.signal }), ...options.upgrades],
    });
    return {
      port: listener.port,
      grpcPort: native.port,
      drain: async () => {
        draining.abort();
        await Promise.all([listener.drain(), native.drain()]);
      },
    };
  } catch (error) {
    await native.drain();
    throw error;
  }
}
