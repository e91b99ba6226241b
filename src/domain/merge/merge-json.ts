/** JSON: objects by key, arrays by element. */
import { emptyObject, isArray, isObject, type JsonObject, type JsonValue } from '../content/json-value.ts';
import { ValueNumbers } from '../difference/value-numbers.ts';
import { idKeyOf, JsonLikeness } from './json-likeness.ts';
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

function mergeArrays(given: Sides<JsonValue>, tally: Tally, numbers: ValueNumbers): JsonValue[] {
  const sides = { ...given, theirs: withoutTwins(given, tally, numbers) };
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

/** Where both put in an item of one id, people's is the one. */
function withoutTwins(sides: Sides<JsonValue>, tally: Tally, numbers: ValueNumbers): readonly JsonValue[] {
  const idKey = idKeyOf(sides);
  if (idKey === undefined) return sides.theirs;
  const idOf = (item: JsonValue): Maybe => (isObject(item) ? own(item, idKey) : undefined);
  const known = new Set(sides.base.map(idOf));
  const added = new Map(sides.ours.map((item) => [idOf(item), item]));
  return sides.theirs.filter((item) => {
    const twin = known.has(idOf(item)) ? undefined : added.get(idOf(item));
    if (twin !== undefined && !areSame(twin, item, numbers)) tally.skipped += 1;
    return twin === undefined;
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
