import { create } from '@bufbuild/protobuf';
import { ReceiptSchema } from '../../gen/memmie/studio/v1/receipt_pb.ts';
import type { Receipt } from '../../domain/blob.ts';
import type { Receipt as ReceiptMessage } from '../../gen/memmie/studio/v1/receipt_pb.ts';

export function receiptMessage(receipt: Receipt): ReceiptMessage {
  return create(ReceiptSchema, { blobId: receipt.blobId, version: BigInt(receipt.version) });
}
