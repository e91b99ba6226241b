/** What ends a stream from our side: the studio stops, or the caller's token is no longer honoured. */
import { StudioError } from '../../errors.ts';
import { onExpiry } from '../auth/expiry.ts';
import type { Caller } from '../../domain/access/caller.ts';

export interface StreamEnding {
  /** Aborts with the caller's own signal too; its reason is what the stream ends with. */
  readonly signal: AbortSignal;
  /** From when on the caller is known. */
  expireWith(caller: Caller): void;
  readonly release: () => void;
}

export function createStreamEnding(callSignal: AbortSignal, draining: AbortSignal | undefined): StreamEnding {
  const controller = new AbortController();
  const follow = (): void => controller.abort(callSignal.reason);
  const drain = (): void => controller.abort(new StudioError('DRAINING', 'The studio is stopping; call again.'));
  let stopWaiting = (): void => {};
  // Linked by hand: AbortSignal.any keeps what it made from a signal that lives as long as the process.
  if (callSignal.aborted) follow();
  else callSignal.addEventListener('abort', follow);
  if (draining?.aborted) drain();
  else draining?.addEventListener('abort', drain);
  const release = (): void => {
    callSignal.removeEventListener('abort', follow);
    draining?.removeEventListener('abort', drain);
    stopWaiting();
  };
  // A call's own signal aborts when it is over, however that came: nothing of it stays behind.
  controller.signal.addEventListener('abort', release, { once: true });
  if (controller.signal.aborted) release();
  return {
    signal: controller.signal,
    expireWith: (caller) => {
      const expired = new StudioError('TOKEN_EXPIRED', 'The token has expired.');
      if (!controller.signal.aborted) stopWaiting = onExpiry(caller, () => controller.abort(expired));
    },
    release,
  };
}

/**
 * Passes messages on until the signal aborts, then throws its reason, even while the source is waiting for its next.
 * One listener for all of them, which ends the wait there is: raced against one promise, each message would stay with it
 * as long as the stream.
 */
export async function* untilEnded<T>(messages: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  const iterator = messages[Symbol.asyncIterator]();
  let endWait: (reason: unknown) => void = () => {};
  const end = (): void => endWait(signal.reason);
  signal.addEventListener('abort', end);
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        endWait = reject;
        iterator.next().then(resolve, reject);
        if (signal.aborted) end();
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', end);
    // Not awaited: a source that is waiting settles this only when it wakes.
    void iterator.return?.().catch(() => {});
  }
}
