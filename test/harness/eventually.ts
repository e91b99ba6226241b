import { setTimeout as sleep } from 'node:timers/promises';

export const EVENTUALLY_MS_MAX = 15_000;

/**
 * Tries until `attempt` gives something other than false or undefined, without throwing; then gives that. At the end
 * of the wait the last error is the reason, so assertions may stand inside.
 */
export async function eventually<T>(
  what: string,
  attempt: () => Promise<T> | T,
  timeoutMs = EVENTUALLY_MS_MAX,
): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await attempt();
      if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>;
      last = new Error(`it was ${String(value)}`);
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) break;
    await sleep(20);
  }
  const reason = last instanceof Error ? last.message : String(last);
  throw new Error(`Waited ${timeoutMs} ms in vain: ${what}: ${reason}`, { cause: last });
}
