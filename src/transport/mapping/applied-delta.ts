/** Requests to change a blob, one by one and as a stream, and how they ended. */
import { create } from '@bufbuild/protobuf';
import { StudioError } from '../../errors.ts';
import {
  ApplyDeltaRequestSchema,
  ApplyDeltaResponseSchema,
  ApplyDeltasResponseSchema,
} from '../../gen/memmie/studio/v1/delta_service_pb.ts';
import { statusMessage } from '../errors/error-mapping.ts';
import { blobMessage } from './blob.ts';
import { deltaMessage } from './delta.ts';
import { numberOf } from './number.ts';
import { patchOf } from './patch.ts';
import type { ApplyDelta, Committed, StreamedDelta } from '../../documents/contract.ts';
import type {
  ApplyDeltaRequest,
  ApplyDeltaResponse,
  ApplyDeltasRequest,
  ApplyDeltasResponse,
} from '../../gen/memmie/studio/v1/delta_service_pb.ts';
import type { RequestValidation } from '../rpc/validation.ts';

type Provenance = Pick<ApplyDeltaRequest, 'fromVersion' | 'previousDelta' | 'causedBy' | 'requestId'>;

export function provenanceOf(request: Provenance): Pick<ApplyDelta, keyof Provenance> {
  return {
    fromVersion: request.fromVersion === undefined ? undefined : numberOf(request.fromVersion, 'from_version'),
    previousDelta: request.previousDelta || undefined,
    causedBy: request.causedBy || undefined,
    requestId: request.requestId || undefined,
  };
}

export function applyDeltaOf(request: ApplyDeltaRequest): ApplyDelta {
  return { blobId: request.blobId, ...provenanceOf(request), patch: patchOf(request) };
}

/** A request that breaks its rules is answered so, and those after it go on. */
export async function* streamedDeltas(
  requests: AsyncIterable<ApplyDeltasRequest>,
  { validate }: Pick<RequestValidation, 'validate'>,
): AsyncIterable<StreamedDelta> {
  for await (const { reference, delta } of requests) {
    let request: StreamedDelta['request'];
    try {
      const message = delta ?? create(ApplyDeltaRequestSchema);
      validate(ApplyDeltaRequestSchema, message);
      request = applyDeltaOf(message);
    } catch (error) {
      request = StudioError.from(error);
    }
    yield { reference, request };
  }
}

export function appliedMessage({ delta, blob }: Committed): ApplyDeltaResponse {
  return create(ApplyDeltaResponseSchema, { delta: deltaMessage(delta, false), blob: blobMessage(blob) });
}

export function streamedMessage(reference: bigint, outcome: Committed | StudioError): ApplyDeltasResponse {
  return create(ApplyDeltasResponseSchema, {
    reference,
    outcome:
      outcome instanceof StudioError
        ? { case: 'error', value: statusMessage(outcome) }
        : { case: 'applied', value: appliedMessage(outcome) },
  });
}
