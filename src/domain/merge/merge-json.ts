/** JSON: objects by key, arrays by element. */
import { emptyObject, isArray, isObject, type JsonObject, type JsonValue } from '../content/json-value.ts';
import { ValueNumbers } from '../difference/value-numbers.ts';
import { JsonLikeness } from './json-likeness.ts';
import type { Sides } from './merge-sequence.ts';
import { mergeUnits } from './merge-units.ts';
import type { Tally } from './tally.ts';

type Maybe = JsonValue | undefined;

/** Undefined: there is no value. */
export function mergeJson(base: Maybe, ours: Maybe, theirs: Maybe, tally: Tally, numbers = new ValueNumbers()): Maybe {
  const isSame = (one: Maybe, other: Maybe): boolean => areSame(one, other, numbers);
  if (isSame(base, ours)) return theirs;
  if (isSame(base, theirs) || isSame(ours, theirs)) return ours;
  if (isArray(ours) && isArray(theirs) && isArray(base)) return mergeArrays({ base, ours, theirs }, tally, numbers);
  if (!isObject(ours) || !isObject(theirs) || !isObject(base)) {
    tally.skipped += 1;
    return ours;
  }
  const merged = emptyObject();
  for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const value = mergeJson(own(base, key), own(ours, key), own(theirs, key), tally, numbers);
    if (value !== undefined) merged[key] = value;
  }
  return merged;
}

function mergeArrays(sides: Sides<JsonValue>, tally: Tally, numbers: ValueNumbers): JsonValue[] {
  const likeness = new JsonLikeness(sides, (item) => numbers.sizeOf(item), tally.characters);
  const isSame = (one: Maybe, other: Maybe): boolean => areSame(one, other, numbers);
  return mergeUnits(sides, {
    keyOf: (item) => numbers.of(item),
    isTelling: () => true,
    likeness: (one, other) => likeness.of(one, other),
    merge: (base, ours, theirs) => {
      const haveBothChanged =
        ours !== undefined && theirs !== undefined && [ours, theirs].every((item) => !isSame(base, item));
      if (haveBothChanged && !isSame(ours, theirs) && !likeness.isMergeable(base, ours, theirs)) {
        tally.skipped += 1;
        return ours;
      }
      return mergeJson(base, ours, theirs, tally, numbers);
    },
    tally,
  });
}

function own(object: JsonObject, key: string): Maybe {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function areSame(one: Maybe, other: Maybe, numbers: ValueNumbers): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  return numbers.of(one) === numbers.of(other);
}
