/**
 * G7: a deadline beyond CALL_DEADLINE_MS_MAX is refused with a reason, alike on every door. Its finder hands it to the
 * call's interceptors, since neither library would put the reason into its answer.
 */
import { createContextKey } from '@connectrpc/connect';
import { StudioError } from '../../errors.ts';
import { CALL_DEADLINE_MS_MAX } from '../../limits.ts';
import type { ContextValues } from '@connectrpc/connect';

const refusalKey = createContextKey<StudioError | undefined>(undefined);

/** Throws what the call's deadline is refused for. */
export function requireDeadline(contextValues: ContextValues): void {
  const refusal = contextValues.get(refusalKey);
  if (refusal) throw refusal;
}

export function refuseDeadline(contextValues: ContextValues): void {
  const message = `A deadline is at most ${CALL_DEADLINE_MS_MAX / 3_600_000} hours away.`;
  contextValues.set(refusalKey, new StudioError('FIELD_INVALID', message, { limit: 'CALL_DEADLINE_MS_MAX' }));
}

const UNITS_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1 };
const TIMEOUT_HEADERS = ['grpc-timeout', 'connect-timeout-ms'];

/**
 * The headers of a call without a timeout that is too long, which is then refused; connect itself would say nothing but
 * INVALID_ARGUMENT. What is no timeout is left to it.
 */
export function withinDeadline(headers: Headers, contextValues: ContextValues): Headers {
  const long = TIMEOUT_HEADERS.filter((name) => timeoutMs(headers.get(name)) > CALL_DEADLINE_MS_MAX);
  if (long.length === 0) return headers;
  refuseDeadline(contextValues);
  const kept = new Headers(headers);
  for (const name of long) kept.delete(name);
  return kept;
}

/** Of `168H` as gRPC has it, and of `1000` as Connect has it; microseconds and less are never too long. */
function timeoutMs(value: string | null): number {
  const [, count, unit = 'm'] = /^(\d{1,10})([HMSm])?$/.exec(value ?? '') ?? [];
  return Number(count ?? 0) * (UNITS_MS[unit] ?? 0);
}
