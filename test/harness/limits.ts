/** Bounds of the test harness. Units come last; the harness's own tests shorten some through the environment. */
export const TEST_TIMEOUT_MS = 60_000;
/** Hooks may install and start servers. */
export const HOOK_TIMEOUT_MS = 180_000;
export const FILE_TIMEOUT_MS = 10 * 60_000;
/** A file whose tests are all settled has this long to let go of its handles. */
export const FILE_EXIT_GRACE_MS = 10_000;
/** Processes of a file may still be on their way out when it ends. */
export const LEFTOVER_GRACE_MS = 3_000;
/** One that SIGKILL does not end by then (it waits for a disk) is left, and told. */
export const KILL_MS_MAX = 10_000;
export const FILES_AT_ONCE = 2;
export const FILE_OUTPUT_BYTES_MAX = 2 * 1024 * 1024;
export const STUDIO_READY_MS_MAX = 60_000;
export const STUDIO_STOP_MS_MAX = 20_000;
export const STUDIO_LOG_BYTES_MAX = 1024 * 1024;

export function limitFromEnvironment(name: string, fallback: number): number {
  const value = Number(process.env[name]);
  return Number.isFinite(value) && value > 0 ? value : fallback;
}
