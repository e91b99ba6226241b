/**
 * Named moments at which a test may stop a real process. Without a plan each is a no-op; a plan is a comma-separated
 * list of `name=action[@n]` (STUDIO_FAILPOINTS): `kill` sends this process SIGKILL, `error` throws, at the n-th
 * passage (default the first).
 */
export const FAILPOINTS = [
  'commit.before_insert',
  'commit.after_insert',
  'head.before_write',
  'events.before_publish',
  'worker.before_commit',
  'worker.after_commit',
  'checkpoint.before_write',
  'checkpoint.after_write',
  'checkpoint.after_verify',
  'checkpoint.after_register',
  'compaction.after_join',
  'compaction.after_unregister',
  'compaction.after_remove',
  'retention.before_state',
  'retention.after_state',
  'retention.after_tombstone',
  'retention.after_unregister',
  'retention.after_delete',
] as const;

export type FailpointName = (typeof FAILPOINTS)[number];

export class Failpoints {
  readonly #plan = new Map<string, { action: 'kill' | 'error'; at: number; passed: number }>();

  constructor(plan = '') {
    for (const entry of plan.split(',').filter(Boolean)) {
      const match = /^([a-z_.]+)=(kill|error)(?:@(\d+))?$/.exec(entry.trim());
      const name = match?.[1];
      if (!match || !FAILPOINTS.some((known) => known === name)) throw new Error(`Unknown failpoint "${entry}"`);
      this.#plan.set(String(name), { action: match[2] as 'kill' | 'error', at: Number(match[3] ?? 1), passed: 0 });
    }
  }

  pass(name: FailpointName): void {
    const planned = this.#plan.get(name);
    if (!planned || ++planned.passed !== planned.at) return;
    if (planned.action === 'kill') process.kill(process.pid, 'SIGKILL');
    throw new Error(`Failpoint ${name}`);
  }
}
