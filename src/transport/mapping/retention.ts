import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  BlobRetentionSchema,
  DroppedRangeSchema,
  RetentionPolicySchema,
} from '../../gen/memmie/studio/v1/retention_pb.ts';
import { millisecondsOf, timestampOf } from './time.ts';
import type { RetentionReport } from '../../documents/contract.ts';
import type { DroppedRange, RetentionPolicy, RetentionRule } from '../../domain/retention.ts';
import type {
  BlobRetention as BlobRetentionMessage,
  DroppedRange as DroppedRangeMessage,
  RetentionPolicy as RetentionPolicyMessage,
} from '../../gen/memmie/studio/v1/retention_pb.ts';
import type { RetentionRule as RetentionRuleMessage } from '../../gen/memmie/studio/v1/retention_service_pb.ts';

export function policyMessage(policy: RetentionPolicy): RetentionPolicyMessage {
  return create(RetentionPolicySchema, {
    thinAfter: durationFromMs(policy.thinAfterMs),
    keepDaily: policy.keepDaily,
    setBy: policy.setBy,
    setAt: timestampOf(policy.setAt),
  });
}

export function ruleOf(rule: RetentionRuleMessage): RetentionRule {
  return { thinAfterMs: millisecondsOf(rule.thinAfter), keepDaily: rule.keepDaily };
}

export function blobRetentionMessage({ blobId, ranges }: RetentionReport): BlobRetentionMessage {
  return create(BlobRetentionSchema, { blobId, ranges: ranges.map((range) => droppedRangeMessage(range)) });
}

export function droppedRangeMessage(range: DroppedRange, droppedAt?: Date): DroppedRangeMessage {
  return create(DroppedRangeSchema, {
    firstVersion: BigInt(range.first),
    lastVersion: BigInt(range.last),
    commits: BigInt(range.commits),
    bytes: BigInt(range.bytes),
    droppedAt: timestampOf(droppedAt),
  });
}
