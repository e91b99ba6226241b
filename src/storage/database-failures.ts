/** A database that can't be reached is told to the caller as that, wherever it was noticed, and never as a fault of the studio. */
import { storageUnavailable } from '../domain/access/access.ts';
import { isDatabaseError } from './database-error.ts';

export function asToldToCallers(error: unknown): unknown {
  return isDatabaseError(error) ? storageUnavailable(error) : error;
}

/** The call as it is, but for that. */
export function tellingFailures<A extends readonly unknown[], R>(
  call: (...parameters: A) => Promise<R>,
): (...parameters: A) => Promise<R> {
  return async (...parameters) => {
    try {
      return await call(...parameters);
    } catch (error) {
      throw asToldToCallers(error);
    }
  };
}
