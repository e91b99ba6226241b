/** JSON: objects by key, arrays by element. */
import {
  canonicalJson,
  emptyObject,
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
} from '../content/json-value.ts';
import { JsonLikeness } from './json-likeness.ts';
import type { Sides } from './merge-sequence.ts';
import { mergeUnits } from './merge-units.ts';
import type { Tally } from './tally.ts';

type Maybe = JsonValue | undefined;

/** Undefined: there is no value. */
export function mergeJson(base: Maybe, ours: Maybe, theirs: Maybe, tally: Tally): Maybe {
  if (isSame(base, ours)) return theirs;
  if (isSame(base, theirs) || isSame(ours, theirs)) return ours;
  if (isArray(ours) && isArray(theirs) && isArray(base)) return mergeArrays({ base, ours, theirs }, tally);
  if (!isObject(ours) || !isObject(theirs) || !isObject(base)) {
    tally.skipped += 1;
    return ours;
  }
  const merged = emptyObject();
  for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const value = mergeJson(own(base, key), own(ours, key), own(theirs, key), tally);
    if (value !== undefined) merged[key] = value;
  }
  return merged;
}

function mergeArrays(sides: Sides<JsonValue>, tally: Tally): JsonValue[] {
  const likeness = new JsonLikeness(sides);
  // Asked for each pair of items.
  const keys = new WeakMap<object, string>();
  const keyOf = (item: JsonValue): string => {
    if (typeof item !== 'object' || item === null) return canonicalJson(item);
    let key = keys.get(item);
    if (key === undefined) keys.set(item, (key = canonicalJson(item)));
    return key;
  };
  return mergeUnits(sides, {
    keyOf,
    isTelling: () => true,
    likeness: (one, other) => likeness.of(one, other),
    merge: (base, ours, theirs) => {
      const haveBothChanged =
        ours !== undefined && theirs !== undefined && [ours, theirs].every((item) => !isSame(base, item));
      if (haveBothChanged && !isSame(ours, theirs) && !likeness.isMergeable(base, ours, theirs)) {
        tally.skipped += 1;
        return ours;
      }
      return mergeJson(base, ours, theirs, tally);
    },
    tally,
  });
}

function own(object: JsonObject, key: string): Maybe {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isSame(one: Maybe, other: Maybe): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  return canonicalJson(one) === canonicalJson(other);
}
