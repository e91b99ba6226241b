import { create } from '@bufbuild/protobuf';
import {
  AttributedRangeSchema,
  AttributionGrain,
  RichPlaceSchema,
  TextRangeSchema,
} from '../../gen/memmie/studio/v1/attribution_pb.ts';
import { timestampOf } from './time.ts';
import type { Attributed } from '../../documents/contract.ts';
import type { Grain, Place } from '../../domain/attribution/ranges.ts';
import type { AttributedRange } from '../../gen/memmie/studio/v1/attribution_pb.ts';

export function attributedMessage(attributed: Attributed): AttributedRange {
  return create(AttributedRangeSchema, {
    place: placeMessage(attributed.place),
    userId: attributed.userId,
    providerId: attributed.providerId,
    version: BigInt(attributed.version),
    firstVersion: BigInt(attributed.firstVersion),
    deltaId: attributed.deltaId,
    appliedAt: timestampOf(attributed.appliedAt),
  });
}

function placeMessage(place: Place): AttributedRange['place'] {
  switch (place.kind) {
    case 'text':
      return { case: 'text', value: create(TextRangeSchema, place.text) };
    case 'pointer':
      return { case: 'pointer', value: place.pointer };
    case 'rich': {
      const { path, attribute, text } = place;
      return { case: 'rich', value: create(RichPlaceSchema, { path: [...path], attribute, text }) };
    }
  }
}

export function grainOf(grain: AttributionGrain): Grain {
  return grain === AttributionGrain.AUTHOR ? 'author' : 'delta';
}
