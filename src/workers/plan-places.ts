/** Which of the runs that are ready have a place, so that those of a provider that hangs do not hold up the others of a root. */
import type { WantedRun } from '../domain/derivation/waves.ts';
import { PLAN_ATTEMPTS_MAX, PLAN_RUNS_MAX } from '../limits.ts';

/**
 * Attempts may take minutes, built-ins do not. So attempts leave places to built-ins, and one provider takes at most half
 * of what the others leave it, but one at least. `going` are those that run.
 */
export function pickRuns(ready: readonly WantedRun[], going: readonly WantedRun[]): WantedRun[] {
  const byProvider = new Map<string, number>();
  let attempts = 0;
  const count = ({ provider }: WantedRun): void => {
    byProvider.set(provider.id, (byProvider.get(provider.id) ?? 0) + 1);
    attempts += 1;
  };
  for (const run of going) if (run.provider.type !== 'builtin') count(run);
  const picked: WantedRun[] = [];
  for (const run of ready) {
    if (picked.length >= PLAN_RUNS_MAX) break;
    if (run.provider.type !== 'builtin') {
      const own = byProvider.get(run.provider.id) ?? 0;
      const share = Math.max(1, Math.floor((PLAN_ATTEMPTS_MAX - (attempts - own)) / 2));
      if (attempts >= PLAN_ATTEMPTS_MAX || own >= share) continue;
      count(run);
    }
    picked.push(run);
  }
  return picked;
}
