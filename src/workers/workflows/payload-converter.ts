/**
 * How the studio's workflows read payloads. Those of a provider's workflow hold whatever its worker put there: sealed by
 * a codec of its own, say, or no JSON at all. The SDK decodes them before the workflow sees them, and an error there is
 * not one of the workflow: it would be activated again and again for ever (G9). So what can't be decoded becomes a value
 * that says so, also in the details of a failure.
 */
import {
  defaultPayloadConverter,
  type ConverterHint,
  type Payload,
  type PayloadConverter,
  type SerializationContext,
} from '@temporalio/common';
import type { Undecodable } from '../returned.ts';

export const payloadConverter: PayloadConverter = {
  toPayload: (value, context, hint) => defaultPayloadConverter.toPayload(value, context, hint),
  fromPayload<T>(payload: Payload, context?: SerializationContext, hint?: ConverterHint<T>): T {
    try {
      return defaultPayloadConverter.fromPayload<T>(payload, context, hint);
    } catch (error) {
      const undecodable: Undecodable = { studio_undecodable: error instanceof Error ? error.message : String(error) };
      return undecodable as T;
    }
  },
};
