/** The one detail an error carries: google.rpc.ErrorInfo, with a reason of error.proto's closed set. */
import { create } from '@bufbuild/protobuf';
import { ErrorInfoSchema, file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.ts';
import type { MessageShape } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';
import type { Reason } from '../../errors.ts';

export const ERROR_DOMAIN = 'studio.memmie';

/** For reflection: clients that decode details look for their type there. */
export const errorDetailsFile = file_google_rpc_error_details;

type ErrorInfo = MessageShape<typeof ErrorInfoSchema>;

export function errorDetail(
  reason: Reason,
  metadata: Readonly<Record<string, string>>,
): { desc: typeof ErrorInfoSchema; value: ErrorInfo } {
  const value = create(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN, metadata: { ...metadata } });
  return { desc: ErrorInfoSchema, value };
}

/** Absent for an error with a code alone, such as that of an unknown service in a health check. */
export function readDetail(error: ConnectError): Pick<ErrorInfo, 'reason' | 'metadata'> | undefined {
  const detail = error.findDetails(ErrorInfoSchema).find(({ domain }) => domain === ERROR_DOMAIN);
  return detail && { reason: detail.reason, metadata: detail.metadata };
}
