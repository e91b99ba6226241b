/** What every RPC passes, whatever door it came through, the outermost first: observe, refuse, authenticate, end. */
import { ConnectError } from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { StudioError } from '../../errors.ts';
import { OPEN_STREAMS_MAX } from '../../limits.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { abortable } from './abortable.ts';
import { callerKey } from '../auth/caller-context.ts';
import { reasonOf, toConnectError } from '../errors/error-mapping.ts';
import { isOpenService } from './open-services.ts';
import { requireUnrefused } from './refusals.ts';
import { createStreamEnding, untilEnded } from './stream-endings.ts';
import type { Interceptor, StreamResponse, UnaryResponse } from '@connectrpc/connect';
import type { Logger } from 'pino';
import type { Authenticator } from '../auth/authentication.ts';
import type { CallMetrics } from './call-metrics.ts';

export interface CallOptions {
  readonly authenticator: Authenticator;
  readonly metrics: CallMetrics;
  readonly logger: Logger;
  readonly draining: AbortSignal;
  /** Default: OPEN_STREAMS_MAX. */
  readonly openStreamsMax?: number;
}

export function createCallInterceptors(options: CallOptions): Interceptor[] {
  return [observeCalls(options), admitCalls(options)];
}

/** Every call ends in one debug line and one observation; what failed for no reason a caller could have is logged whole. */
function observeCalls({ metrics, logger }: CallOptions): Interceptor {
  return (next) => async (request) => {
    const startMs = performance.now();
    const method = `${request.service.typeName}/${request.method.name}`;
    const settle = (error?: unknown): unknown => {
      const ms = performance.now() - startMs;
      const failure = error === undefined ? undefined : toConnectError(unlessEnded(error, request.signal));
      const code = failure ? codeToString(failure.code) : 'ok';
      metrics.observe(method, code, ms / 1000);
      const isOurs = code === 'internal' || code === 'unknown';
      if (!isOurs && !logger.isLevelEnabled('debug')) return failure;
      const userId = request.contextValues.get(callerKey)?.userId;
      const line = { method, code, reason: failure && reasonOf(failure), ms: Math.round(ms * 10) / 10, userId };
      if (isOurs) logger.error({ ...line, err: failure?.cause ?? error }, 'a call failed');
      else logger.debug(line, 'call');
      return failure;
    };
    let response: UnaryResponse | StreamResponse;
    try {
      response = await next(request);
    } catch (error) {
      throw settle(error);
    }
    if (response.stream) return { ...response, message: observed(response.message, settle) };
    settle();
    return response;
  };
}

/** What fails after its caller left or its deadline passed failed for that reason, and is no fault to be logged. */
function unlessEnded(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof StudioError || error instanceof ConnectError || !signal.aborted) return error;
  if (signal.reason instanceof ConnectError) return signal.reason;
  return new StudioError('CANCELLED', 'The caller went away.', {}, { cause: error });
}

async function* observed<T>(messages: AsyncIterable<T>, settle: (error?: unknown) => unknown): AsyncIterable<T> {
  let outcome: { error: unknown } | 'done' | undefined;
  try {
    yield* messages;
    outcome = 'done';
  } catch (error) {
    outcome = { error: settle(error) };
    throw outcome.error;
  } finally {
    if (outcome === 'done') settle();
    else if (!outcome) settle(new StudioError('CANCELLED', 'The caller went away.'));
  }
}

/**
 * Nobody without a token, nothing new while the studio stops, no call that was refused before,
 * and none beyond its deadline or its caller's token.
 */
function admitCalls({ authenticator, draining, openStreamsMax = OPEN_STREAMS_MAX }: CallOptions): Interceptor {
  let openStreams = 0;
  /** G7: for a stream of nobody, until its call is over. */
  const takePlace = (signal: AbortSignal): void => {
    if (openStreams >= openStreamsMax) {
      const limit = 'OPEN_STREAMS_MAX';
      throw new StudioError('LIMIT_EXCEEDED', 'There are as many streams without a token here as may be.', { limit });
    }
    if (signal.aborted) return;
    openStreams += 1;
    signal.addEventListener('abort', () => (openStreams -= 1), { once: true });
  };
  return (next) => async (request) => {
    const isHealth = request.service.typeName === Health.typeName;
    if (draining.aborted && !isHealth) throw new StudioError('DRAINING', 'The studio is stopping; call again.');
    const caller = isOpenService(request.service.typeName)
      ? undefined
      : await authenticator.authenticate(request.header.get('authorization') ?? undefined);
    if (caller) request.contextValues.set(callerKey, caller);
    requireUnrefused(request.contextValues);
    // A unary call is left to finish while the studio drains. Past its deadline it is answered, though it may go on.
    if (!request.stream) return abortable(next(request), request.signal);

    if (!caller) takePlace(request.signal);
    const ending = createStreamEnding(request.signal, isHealth ? undefined : draining);
    if (caller) ending.expireWith(caller);
    try {
      const response = await abortable(next({ ...request, signal: ending.signal }), ending.signal);
      if (!response.stream) return response;
      return { ...response, message: released(untilEnded(response.message, ending.signal), ending.release) };
    } catch (error) {
      ending.release();
      throw error;
    }
  };
}

async function* released<T>(messages: AsyncIterable<T>, release: () => void): AsyncIterable<T> {
  try {
    yield* messages;
  } finally {
    release();
  }
}
