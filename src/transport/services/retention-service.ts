import { callerOf } from '../auth/caller-context.ts';
import { blobRetentionMessage, droppedRangeMessage, policyMessage, ruleOf } from '../mapping/retention.ts';
import type { ServiceImpl } from '@connectrpc/connect';
import type { Retention } from '../../documents/contract.ts';
import type { RetentionService } from '../../gen/memmie/studio/v1/retention_service_pb.ts';

export function createRetentionService(retention: Retention): ServiceImpl<typeof RetentionService> {
  return {
    async getRetentionPolicy(request, context) {
      const { policy, effective } = await retention.getPolicy(callerOf(context), request.blobId || undefined);
      return { policy: policy && policyMessage(policy), effectivePolicy: effective && policyMessage(effective) };
    },

    async setRetentionPolicy(request, context) {
      const rule = request.rule && ruleOf(request.rule);
      const policy = await retention.setPolicy(callerOf(context), request.blobId || undefined, rule);
      return { policy: policy && policyMessage(policy) };
    },

    async previewRetention(request, context) {
      const rule = request.rule && ruleOf(request.rule);
      const report = await retention.preview(callerOf(context), request.blobId, rule);
      return {
        retention: blobRetentionMessage(report),
        alreadyDropped: report.alreadyDropped.map((range) => droppedRangeMessage(range, range.droppedAt)),
      };
    },

    async applyRetention(request, context) {
      return { retention: blobRetentionMessage(await retention.apply(callerOf(context), request.blobId)) };
    },
  };
}
