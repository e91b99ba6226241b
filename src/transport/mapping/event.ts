import { create } from '@bufbuild/protobuf';
import { StudioError } from '../../errors.ts';
import { EventSchema, EventType as EventTypeMessage } from '../../gen/memmie/studio/v1/event_pb.ts';
import { operationOf } from './operation.ts';
import { timestampOf } from './time.ts';
import type { EventType, StudioEvent } from '../../events/contract.ts';
import type { Event as EventMessage } from '../../gen/memmie/studio/v1/event_pb.ts';

const TYPES: Readonly<Record<EventType, EventTypeMessage>> = {
  'blob.created': EventTypeMessage.BLOB_CREATED,
  'blob.updated': EventTypeMessage.BLOB_UPDATED,
  'blob.deleted': EventTypeMessage.BLOB_DELETED,
  'delta.applied': EventTypeMessage.DELTA_APPLIED,
};

export function eventMessage(event: StudioEvent): EventMessage {
  return create(EventSchema, {
    id: event.id,
    type: TYPES[event.type],
    blobId: event.blobId,
    deltaId: event.deltaId,
    version: BigInt(event.version),
    operation: operationOf(event.operation),
    owner: event.owner,
    userId: event.userId,
    providerId: event.providerId,
    contentType: event.contentType,
    rootId: event.rootId,
    causedBy: event.causedBy,
    time: timestampOf(event.time),
  });
}

/** Throws FIELD_INVALID for a type that is not one. */
export function eventTypeOf(type: EventTypeMessage): EventType {
  for (const [name, message] of Object.entries(TYPES)) if (message === type) return name as EventType;
  throw new StudioError('FIELD_INVALID', 'types has one that this studio does not know.', {
    field: 'types',
    rule: 'enum.defined_only',
  });
}
