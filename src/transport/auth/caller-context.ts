import { createContextKey } from '@connectrpc/connect';
import { StudioError } from '../../errors.ts';
import type { ContextKey, ContextValues } from '@connectrpc/connect';
import type { Caller } from '../../domain/access/caller.ts';

/** Where authentication leaves who calls, and service implementations find it. */
export const callerKey: ContextKey<Caller | undefined> = createContextKey<Caller | undefined>(undefined, {
  description: 'the authenticated caller',
});

/** G8: an RPC that reached its implementation without a caller is refused there too. */
export function callerOf(context: { readonly values: ContextValues }): Caller {
  const caller = context.values.get(callerKey);
  if (!caller) throw new StudioError('TOKEN_MISSING', 'This call needs a token: Authorization: Bearer <JWT>.');
  return caller;
}
