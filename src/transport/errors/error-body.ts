/** How every door that speaks plain JSON says what went wrong. */
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { Code } from '@connectrpc/connect';
import { StudioError } from '../../errors.ts';
import { metadataOfError, reasonOf, toConnectError } from './error-mapping.ts';
import { sendJson } from '../http/http.ts';
import type { ConnectError } from '@connectrpc/connect';
import type { HttpResponse } from '../http/http.ts';

/** As google.rpc.Code lists them, and Connect too. */
const HTTP_STATUSES: Readonly<Record<Code, number>> = {
  [Code.Canceled]: 499,
  [Code.Unknown]: 500,
  [Code.InvalidArgument]: 400,
  [Code.DeadlineExceeded]: 504,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.PermissionDenied]: 403,
  [Code.ResourceExhausted]: 429,
  [Code.FailedPrecondition]: 400,
  [Code.Aborted]: 409,
  [Code.OutOfRange]: 400,
  [Code.Unimplemented]: 501,
  [Code.Internal]: 500,
  [Code.Unavailable]: 503,
  [Code.DataLoss]: 500,
  [Code.Unauthenticated]: 401,
};

export function httpStatus(error: ConnectError): number {
  return HTTP_STATUSES[error.code];
}

export interface ErrorBody {
  readonly code: string;
  readonly reason: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export function errorBody(error: ConnectError): ErrorBody {
  return {
    code: codeToString(error.code),
    reason: reasonOf(error) ?? 'INTERNAL',
    message: error.rawMessage,
    metadata: metadataOfError(error),
  };
}

/** `status`: what HTTP calls it, where that says more than the reason's own. */
export function sendError(response: HttpResponse, error: unknown, status?: number): void {
  const failure = toConnectError(error);
  sendJson(response, status ?? httpStatus(failure), errorBody(failure));
}

/** What is answered where there is nothing. */
export function nothingHere(): StudioError {
  return new StudioError('NOT_IMPLEMENTED', 'There is nothing at this path.');
}
