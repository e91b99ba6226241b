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
