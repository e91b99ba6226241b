/** Questions on JSON values of which the one side may be large, the other small. */
import { isArray, isObject, type JsonValue } from '../content/json-value.ts';

/** Without recursion: what is asked about may be nested very deep. */
export function isDeeperThan(value: JsonValue, depth: number): boolean {
  const open: { readonly value: JsonValue; readonly depth: number }[] = [{ value, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    if (typeof next.value !== 'object' || next.value === null) continue;
    if (next.depth + 1 > depth) return true;
    for (const inner of isArray(next.value) ? next.value : Object.values(next.value)) {
      if (typeof inner === 'object' && inner !== null) open.push({ value: inner, depth: next.depth + 1 });
    }
  }
  return false;
}

/** RFC 6902, section 4.6. Costs no more than `expected` is large. */
export function isSameJson(value: JsonValue | undefined, expected: JsonValue): boolean {
  if (isArray(expected)) {
    return (
      isArray(value) &&
      value.length === expected.length &&
      expected.every((item, index) => isSameJson(value[index], item))
    );
  }
  if (!isObject(expected)) return value === expected;
  if (!isObject(value)) return false;
  const keys = Object.keys(expected);
  return (
    keys.every((key) => Object.hasOwn(value, key) && isSameJson(value[key], expected[key] as JsonValue)) &&
    !hasMoreKeys(value, keys.length)
  );
}

function hasMoreKeys(value: { readonly [key: string]: JsonValue }, count: number): boolean {
  return Object.keys(value).length > count;
}
