import { create } from '@bufbuild/protobuf';
import { DerivationSchema } from '../../gen/memmie/studio/v1/derivation_pb.ts';
import { receiptMessage } from './receipt.ts';
import type { Derivation } from '../../domain/blob.ts';
import type { Derivation as DerivationMessage } from '../../gen/memmie/studio/v1/derivation_pb.ts';

export function derivationMessage(derivation: Derivation): DerivationMessage {
  return create(DerivationSchema, {
    providerId: derivation.providerId,
    providerVersion: BigInt(derivation.providerVersion),
    inputs: derivation.inputs.map(receiptMessage),
    executionKey: derivation.executionKey,
    outputHash: derivation.outputHash,
  });
}
