/** Errors as callers see them: one gRPC code, one sentence, and an ErrorInfo that names the reason. */
import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { StudioError } from '../../errors.ts';
import { ERROR_MESSAGE_BYTES_MAX, ERROR_VALUE_BYTES_MAX } from '../../limits.ts';
import { StatusSchema } from '../../gen/google/rpc/status_pb.ts';
import { cutText } from './cut-text.ts';
import { errorDetail, readDetail } from './error-detail.ts';
import type { Reason } from '../../errors.ts';
import type { Status } from '../../gen/google/rpc/status_pb.ts';

const CODES: Readonly<Record<string, Code>> = Object.fromEntries(
  Object.values(Code)
    .filter((code): code is Code => typeof code === 'number')
    .map((code) => [codeToString(code), code]),
);

/** What errors that connect itself raises are called: a message too large, a deadline, a method not built. */
const REASONS_OF_CODES: Partial<Record<Code, Reason>> = {
  [Code.Canceled]: 'CANCELLED',
  [Code.InvalidArgument]: 'FIELD_INVALID',
  [Code.DeadlineExceeded]: 'DEADLINE_EXCEEDED',
  [Code.ResourceExhausted]: 'LIMIT_EXCEEDED',
  [Code.Unimplemented]: 'NOT_IMPLEMENTED',
  [Code.Internal]: 'INTERNAL',
};

/** Anything thrown, as it may leave the studio. A ConnectError that already carries details passes as it is. */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) {
    const reason = REASONS_OF_CODES[error.code];
    if (error.details.length === 0 && reason) error.details.push(errorDetail(reason, {}));
    const message = cutText(error.rawMessage, ERROR_MESSAGE_BYTES_MAX);
    if (message === error.rawMessage) return error;
    const short = new ConnectError(message, error.code, error.metadata, undefined, error.cause);
    short.details = error.details;
    return short;
  }
  const studio = StudioError.from(error);
  const code = CODES[studio.code] ?? Code.Internal;
  const message = cutText(studio.message, ERROR_MESSAGE_BYTES_MAX);
  const values = Object.entries(studio.metadata).map(([name, value]) => [name, cutText(value, ERROR_VALUE_BYTES_MAX)]);
  const detail = errorDetail(studio.reason, Object.fromEntries(values) as Record<string, string>);
  return new ConnectError(message, code, undefined, [detail], error);
}

/** An error as a part of an answer: what the call itself would have failed with. */
export function statusMessage(error: unknown): Status {
  const { code, rawMessage, details } = toConnectError(error);
  const packed = details.flatMap((detail) =>
    'desc' in detail ? [anyPack(detail.desc, create(detail.desc, detail.value))] : [],
  );
  return create(StatusSchema, { code, message: rawMessage, details: packed });
}

/** The reason an error carries; absent for one that is not in our set, such as an unknown service of the health check. */
export function reasonOf(error: ConnectError): string | undefined {
  return readDetail(error)?.reason;
}

export function metadataOfError(error: ConnectError): Record<string, string> {
  return { ...readDetail(error)?.metadata };
}
