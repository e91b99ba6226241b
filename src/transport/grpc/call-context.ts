/** What connect hands to a method's implementation, made for a native gRPC call. */
import { Code, ConnectError, createContextValues } from '@connectrpc/connect';
import type { HandlerContext, MethodImplSpec } from '@connectrpc/connect';

export interface CallContext extends HandlerContext {
  /** The call is over, for this reason or because it was answered. */
  abort(reason?: ConnectError): void;
}

/** Shared, since an error costs more than what else there is to do here. */
const ANSWERED = new ConnectError('The call has been answered.', Code.Canceled);

/** As connect's own, with one signal where that chains three. */
export function createCallContext(
  spec: MethodImplSpec,
  call: { readonly url: string; readonly deadlineMs: number; readonly requestHeader: Headers },
): CallContext {
  const ending = new AbortController();
  const hasDeadline = Number.isFinite(call.deadlineMs);
  const remaining = (): number => call.deadlineMs - Date.now();
  const late = hasDeadline
    ? setTimeout(
        () => ending.abort(new ConnectError('the operation timed out', Code.DeadlineExceeded)),
        Math.max(0, remaining()),
      )
    : undefined;
  return {
    service: spec.method.parent,
    method: spec.method,
    protocolName: 'grpc',
    requestMethod: 'POST',
    url: call.url,
    signal: ending.signal,
    timeoutMs: () => (hasDeadline ? remaining() : undefined),
    requestHeader: call.requestHeader,
    responseHeader: new Headers(),
    responseTrailer: new Headers(),
    values: createContextValues(),
    abort: (reason = ANSWERED) => {
      clearTimeout(late);
      ending.abort(reason);
    },
  };
}
