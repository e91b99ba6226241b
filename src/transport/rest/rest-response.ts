import { codeToString } from '@connectrpc/connect/protocol-connect';
import { Code } from '@connectrpc/connect';
import { metadataOfError, reasonOf } from '../errors/error-mapping.ts';
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';

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

/** How every door that speaks plain JSON says what went wrong. */
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

/** The etag of the one blob an answer holds. */
export function etagOf(body: JsonValue): string | undefined {
  const blob = isObject(body) ? body['blob'] : undefined;
  const etag = isObject(blob) ? blob['etag'] : undefined;
  return typeof etag === 'string' && /^[\x21\x23-\x7e]+$/.test(etag) ? etag : undefined;
}

/** Types whose content is read as UTF-8: text, JSON, and rich documents in each of their forms. */
const READABLE = /^(text\/|application\/([\w.+-]+\+)?json\b|application\/vnd\.studio\.prosemirror\+yjs\b)/i;

/** Puts `text` beside the base64 `content` of blobs that hold text, JSON or a rich document. */
export function withText(body: JsonValue): JsonValue {
  if (!isObject(body)) return body;
  const { blob, blobs } = body;
  if (isObject(blob)) body['blob'] = blobWithText(blob);
  if (Array.isArray(blobs)) body['blobs'] = blobs.map((each) => (isObject(each) ? blobWithText(each) : each));
  return body;
}

function blobWithText(blob: JsonObject): JsonObject {
  const { content, contentType } = blob;
  if (typeof content !== 'string' || typeof contentType !== 'string') return blob;
  if (!READABLE.test(contentType)) return blob;
  return { ...blob, text: Buffer.from(content, 'base64').toString('utf8') };
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
