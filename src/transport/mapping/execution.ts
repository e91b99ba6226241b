import { create } from '@bufbuild/protobuf';
import { ExecutionSchema, ExecutionStatus as StatusMessage } from '../../gen/memmie/studio/v1/execution_pb.ts';
import { receiptMessage } from './receipt.ts';
import { timestampOf } from './time.ts';
import type { Execution, ExecutionStatus } from '../../domain/derivation/provider.ts';
import type { Execution as ExecutionMessage } from '../../gen/memmie/studio/v1/execution_pb.ts';

const STATUSES: Readonly<Record<ExecutionStatus, StatusMessage>> = {
  running: StatusMessage.RUNNING,
  succeeded: StatusMessage.SUCCEEDED,
  failed: StatusMessage.FAILED,
  cancelled: StatusMessage.CANCELLED,
  skipped: StatusMessage.SKIPPED,
};

export function executionStatus(status: ExecutionStatus): StatusMessage {
  return STATUSES[status];
}

export function executionMessage(execution: Execution): ExecutionMessage {
  return create(ExecutionSchema, {
    id: execution.id,
    key: execution.key,
    userId: execution.userId,
    providerId: execution.providerId,
    providerVersion: BigInt(execution.providerVersion),
    inputs: execution.inputs.map(receiptMessage),
    output: execution.output && receiptMessage(execution.output),
    status: executionStatus(execution.status),
    attempts: execution.attempts,
    error: execution.error && { reason: execution.error.reason, message: execution.error.message },
    workflowId: execution.workflowId,
    causedBy: execution.causedBy,
    startedAt: timestampOf(execution.startedAt),
    finishedAt: timestampOf(execution.finishedAt),
  });
}
