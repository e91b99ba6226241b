import type { Caller } from '../../domain/access/caller.ts';

const TIMER_MS_MAX = 2 ** 31 - 1;

/** Calls back when the caller's token stops being honoured; never, if it does not expire. Returns how to stop waiting. */
export function onExpiry(caller: Caller, expired: () => void): () => void {
  const at = caller.expiresAt?.getTime();
  if (at === undefined) return () => {};
  let timer: NodeJS.Timeout;
  // A timer holds less than 25 days: a later end is waited for in pieces.
  const arm = (): void => {
    const leftMs = at - Date.now();
    timer = leftMs > TIMER_MS_MAX ? setTimeout(arm, TIMER_MS_MAX) : setTimeout(expired, Math.max(leftMs, 0));
    timer.unref();
  };
  arm();
  return () => clearTimeout(timer);
}
