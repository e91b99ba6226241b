import { TOKEN_REFRESH_AHEAD_MS } from '../../limits.ts';
import { onExpiry } from '../auth/expiry.ts';
import type { Caller } from '../../domain/access/caller.ts';

export interface TokenWatcher {
  /** Soon the token is no longer honoured: now is the time for another. */
  onTokenAging(): void;
  onTokenExpired(): void;
}

/** G8: waits for the end of one caller's token. Returns how to stop waiting. */
export function watchToken(caller: Caller, watcher: TokenWatcher): () => void {
  const endsAtMs = caller.expiresAt?.getTime();
  if (endsAtMs === undefined) return () => {};
  const leftMs = endsAtMs - Date.now();
  const agesAt = new Date(endsAtMs - Math.min(TOKEN_REFRESH_AHEAD_MS, leftMs / 2));
  let stop = onExpiry({ ...caller, expiresAt: agesAt }, () => {
    stop = onExpiry(caller, () => watcher.onTokenExpired());
    watcher.onTokenAging();
  });
  return () => stop();
}
