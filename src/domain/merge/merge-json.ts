/** JSON: objects by key, arrays by element. */
import {
  canonicalJson,
  emptyObject,
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
} from '../content/json-value.ts';
import { bagOf, likenessOf } from '../edit/likeness.ts';
import { mergeHeirs } from './merge-heirs.ts';
import { mergeSequence, type Sides } from './merge-sequence.ts';
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
  return mergeSequence(sides, {
    keyOf: canonicalJson,
    keepsBothInsertions: true,
    budget: tally.budget,
    resolve: (changed) =>
      mergeHeirs(changed, {
        keyOf: canonicalJson,
        likeness: (one, other) => likeness(one, other),
        merge: (base, ours, theirs) => mergeJson(base, ours, theirs, tally),
        budget: tally.budget,
      }),
  });
}

/** Plain values have nothing to know them by but their place. */
const BY_PLACE = 0.05;

function likeness(one: JsonValue, other: JsonValue): number {
  const areOfOneKind = isArray(one) === isArray(other) && isObject(one) === isObject(other);
  return areOfOneKind ? BY_PLACE + likenessOf(bagOf(heldBy(one)), bagOf(heldBy(other))) : -1;
}

function heldBy(value: JsonValue): string[] {
  if (isArray(value)) return value.map(canonicalJson);
  return isObject(value) ? Object.entries(value).map(([key, item]) => `${key}=${canonicalJson(item)}`) : [];
}

function own(object: JsonObject, key: string): Maybe {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isSame(one: Maybe, other: Maybe): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  return canonicalJson(one) === canonicalJson(other);
}
