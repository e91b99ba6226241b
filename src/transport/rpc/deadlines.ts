/** G7: a deadline beyond CALL_DEADLINE_MS_MAX, or one that is none, is refused with a reason, alike on every door. */
import { StudioError } from '../../errors.ts';
import { CALL_DEADLINE_MS_MAX } from '../../limits.ts';
import { refuseCall } from './refusals.ts';
import type { ContextValues } from '@connectrpc/connect';

export function refuseDeadline(contextValues: ContextValues): void {
  const message = `A deadline is at most ${CALL_DEADLINE_MS_MAX / 3_600_000} hours away.`;
  refuseCall(contextValues, new StudioError('FIELD_INVALID', message, { limit: 'CALL_DEADLINE_MS_MAX' }));
}

const UNITS_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1 };
/** `168H` as gRPC has it, and `1000` as Connect has it. */
const TIMEOUTS: Readonly<Record<string, RegExp>> = {
  'grpc-timeout': /^(\d{1,8})([HMSmun])$/,
  'connect-timeout-ms': /^(\d{1,10})$/,
};

/** Leaves out of `headers` what the call is refused for; connect itself would answer it without a reason. */
export function keepDeadline(headers: Headers, contextValues: ContextValues): void {
  for (const [name, pattern] of Object.entries(TIMEOUTS)) {
    const value = headers.get(name);
    if (value === null) continue;
    const [, count, unit = 'm'] = pattern.exec(value) ?? [];
    // Microseconds and less are never too long.
    if (count !== undefined && Number(count) * (UNITS_MS[unit] ?? 0) <= CALL_DEADLINE_MS_MAX) continue;
    headers.delete(name);
    if (count !== undefined) refuseDeadline(contextValues);
    else refuseCall(contextValues, new StudioError('FIELD_INVALID', `${name} is no timeout.`, { field: name }));
  }
}
