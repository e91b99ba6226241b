import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { StatusSchema, type Status } from '../../gen/google/rpc/status_pb.ts';
import { errorDetail } from '../errors/error-detail.ts';
import { toConnectError } from '../errors/error-mapping.ts';
import { numberOf } from './number.ts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { StudioError } from '../../errors.ts';
import type { SubscribeResponseSchema, SyncResponseSchema } from '../../gen/memmie/studio/v1/sync_service_pb.ts';
import type { Known } from '../sync-streams/stream-session.ts';
import type { Sent } from '../sync-streams/frame-queue.ts';
import type { Frame } from '../sync-streams/frames.ts';

type SharedFrame = Exclude<Frame, { kind: 'rejected' | 'closed' }>;
type SharedMessage = Extract<
  NonNullable<MessageInitShape<typeof SyncResponseSchema>['message']>,
  NonNullable<MessageInitShape<typeof SubscribeResponseSchema>['message']>
>;

/** The state vector of a client that has nothing. */
const NOTHING = Uint8Array.of(0);

export function knownOf(opening: { readonly stateVector: Uint8Array; readonly afterVersion: bigint }): Known {
  const stateVector = opening.stateVector.byteLength > 0 ? opening.stateVector : NOTHING;
  return { stateVector, afterVersion: numberOf(opening.afterVersion, 'after_version') };
}

export function syncResponse(sent: Sent | 'keep_alive'): MessageInitShape<typeof SyncResponseSchema> {
  if (sent === 'keep_alive') return { message: { case: 'keepAlive', value: {} } };
  const { blobId, frame } = sent;
  if (frame.kind === 'closed') return { blobId, message: { case: 'closed', value: { error: statusOf(frame.error) } } };
  if (frame.kind === 'rejected') {
    const { reference, error } = frame;
    return { blobId, message: { case: 'rejected', value: { reference, error: statusOf(error) } } };
  }
  return { blobId, message: sharedMessage(frame, '') };
}

/** Undefined for what Subscribe does not say: Push answers it, or the call fails with it. */
export function subscribeResponse(
  sent: Sent | 'keep_alive',
  session: string,
): MessageInitShape<typeof SubscribeResponseSchema> | undefined {
  if (sent === 'keep_alive') return { message: { case: 'keepAlive', value: {} } };
  if (sent.frame.kind === 'rejected' || sent.frame.kind === 'closed') return undefined;
  return { message: sharedMessage(sent.frame, session) };
}

function sharedMessage(frame: SharedFrame, session: string): SharedMessage {
  switch (frame.kind) {
    case 'opened': {
      const { update, stateVector, readOnly } = frame;
      const value = { version: BigInt(frame.version), update, stateVector, readOnly, session };
      return { case: 'opened', value };
    }
    case 'update':
      return { case: 'update', value: { update: frame.update, version: BigInt(frame.version) } };
    case 'committed': {
      const { reference, seen } = frame;
      return { case: 'committed', value: { reference, version: BigInt(frame.version), seen } };
    }
    case 'awareness':
      return { case: 'awareness', value: frame.update };
    case 'access':
      return { case: 'access', value: { readOnly: frame.readOnly } };
  }
}

/** An error inside a message, as gRPC has it at the end of a call. */
function statusOf(error: StudioError): Status {
  const { desc, value } = errorDetail(error.reason, error.metadata);
  return create(StatusSchema, {
    code: toConnectError(error).code,
    message: error.message,
    details: [anyPack(desc, value)],
  });
}
