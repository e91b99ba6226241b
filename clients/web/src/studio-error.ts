/** What a refused call throws, and why a document was closed. */
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorInfoSchema } from '../gen/google/rpc/error_details_pb.ts';
import { AWARENESS_BYTES_MAX, PUSH_BYTES_MAX } from './limits.ts';
import type { Status } from '../gen/google/rpc/status_pb.ts';

const ERROR_DOMAIN = 'studio.memmie';

/** What trying again can't mend, unless with a reason that says otherwise. */
const FINAL_CODES = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.FailedPrecondition,
  Code.OutOfRange,
  Code.Unimplemented,
  Code.DataLoss,
]);
const FINAL_REASONS = new Set(['CONTENT_TOO_LARGE', 'UPDATE_TOO_COMPLEX']);
const MISSING_REASONS = new Set(['UPDATE_DEPENDS_ON_MISSING', 'UPDATE_DELETES_UNKNOWN']);

const CODES = new Map<number, Code>(
  Object.values(Code).flatMap((code): [number, Code][] => (typeof code === 'number' ? [[code, code]] : [])),
);

/** `message` is the studio's one sentence, or what the network said. */
export class StudioError extends Error {
  override readonly name = 'StudioError';
  readonly code: Code;
  /** One of error.proto's reasons, such as `BLOB_NOT_FOUND`; empty when the answer did not come from the studio. */
  readonly reason: string;
  /** Values the message speaks of: `field`, `limit`, `blob_id`, … */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(
    message: string,
    code: Code,
    info: { readonly reason: string; readonly metadata: Readonly<Record<string, string>> } | undefined,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.reason = info?.reason ?? '';
    this.metadata = info?.metadata ?? {};
  }

  static from(error: unknown): StudioError {
    if (error instanceof StudioError) return error;
    const failed = ConnectError.from(error);
    const info = failed.findDetails(ErrorInfoSchema).find(({ domain }) => domain === ERROR_DOMAIN);
    return new StudioError(failed.rawMessage, failed.code, info, { cause: error });
  }

  /** An error inside a message of a stream. */
  static fromStatus(status: Status | undefined): StudioError {
    if (!status) return new StudioError('The studio gave no reason.', Code.Unknown, undefined);
    const details = status.details.map((detail) => anyUnpack(detail, ErrorInfoSchema));
    const info = details.find((detail) => detail?.domain === ERROR_DOMAIN);
    return new StudioError(status.message, CODES.get(status.code) ?? Code.Unknown, info);
  }

  /** Worth trying again with another token. */
  get isUnauthenticated(): boolean {
    return this.code === Code.Unauthenticated;
  }

  /** The update builds on something that the studio lacks and this client may have. */
  get isMissing(): boolean {
    return MISSING_REASONS.has(this.reason);
  }

  /** As the answer to a push: the caller may read the document and not change it, which may change while it is open. */
  get isWriteDenied(): boolean {
    return this.reason === 'ACCESS_DENIED';
  }

  /** Time does not mend it. What did not come from the studio (a network, a proxy) always may. */
  get isFinal(): boolean {
    return FINAL_REASONS.has(this.reason) || (this.reason !== '' && FINAL_CODES.has(this.code));
  }
}

export function silenceError(): StudioError {
  return new StudioError('The studio has not been heard of for too long.', Code.Unavailable, undefined);
}

export function streamEnded(): StudioError {
  return new StudioError('The studio ended the stream.', Code.Unavailable, undefined);
}

export function unansweredError(): StudioError {
  return new StudioError('The studio has given no answer yet to what was pushed.', Code.Unavailable, undefined);
}

/** As the studio refuses it, where it hears of it: a message twice that size it does not read at all. */
export function tooLargeError(): StudioError {
  const message = `What is to be pushed at once is over ${PUSH_BYTES_MAX} bytes.`;
  return new StudioError(message, Code.ResourceExhausted, {
    reason: 'UPDATE_TOO_COMPLEX',
    metadata: { limit: 'UPDATE_BYTES_MAX' },
  });
}

export function presenceError(): StudioError {
  const message = `The presence of this client is over ${AWARENESS_BYTES_MAX} bytes, and not sent.`;
  return new StudioError(message, Code.ResourceExhausted, undefined);
}

export function stuckError(): StudioError {
  const message = 'The document holds changes that build on some which neither it nor the studio has.';
  return new StudioError(message, Code.FailedPrecondition, undefined);
}
