/** What a refused call throws. */
import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { status, type ServiceError } from '@grpc/grpc-js';
import { ErrorInfoSchema } from '../gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../gen/google/rpc/status_pb.ts';

const ERROR_DOMAIN = 'studio.memmie';
const STATUS_DETAILS = 'grpc-status-details-bin';

/** `message` is the studio's one sentence. */
export class StudioCallError extends Error {
  override readonly name = 'StudioCallError';
  /** The gRPC code's name: `NOT_FOUND`, `UNAVAILABLE`, … */
  readonly code: keyof typeof status;
  /** One of error.proto's reasons, such as `BLOB_NOT_FOUND`; empty when the answer did not come from the studio. */
  readonly reason: string;
  /** Values the message speaks of: `field`, `limit`, `blob_id`, … */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(error: ServiceError) {
    super(error.details || error.message, { cause: error });
    const info = readErrorInfo(error);
    this.code = (status[error.code] as keyof typeof status | undefined) ?? 'UNKNOWN';
    this.reason = info?.reason ?? '';
    this.metadata = info?.metadata ?? {};
  }
}

function readErrorInfo(error: ServiceError): { reason: string; metadata: Record<string, string> } | undefined {
  // An error raised on this side, such as a deadline, may come without metadata.
  const details = (error.metadata as ServiceError['metadata'] | undefined)?.get(STATUS_DETAILS)[0];
  if (!(details instanceof Uint8Array)) return undefined;
  for (const detail of fromBinary(StatusSchema, details).details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info?.domain === ERROR_DOMAIN) return { reason: info.reason, metadata: info.metadata };
  }
  return undefined;
}
