import { Operation as OperationMessage } from '../../gen/memmie/studio/v1/operation_pb.ts';
import type { Operation } from '../../domain/delta.ts';

const OPERATIONS: Readonly<Record<Operation, OperationMessage>> = {
  create: OperationMessage.CREATE,
  update: OperationMessage.UPDATE,
  transform: OperationMessage.TRANSFORM,
  delete: OperationMessage.DELETE,
  undelete: OperationMessage.UNDELETE,
  revert: OperationMessage.REVERT,
};

export function operationOf(operation: Operation): OperationMessage {
  return OPERATIONS[operation];
}

/** Undefined for a number that is none of ours: enums are open. */
export function operationFrom(message: OperationMessage): Operation | undefined {
  return (Object.keys(OPERATIONS) as Operation[]).find((operation) => OPERATIONS[operation] === message);
}
