/**
 * Makes a document's JSON another value by changing as little as possible: objects by key, arrays by value. Below the
 * root, objects and arrays are always shared types, so that concurrent edits of different parts of them merge.
 */
import * as Y from 'yjs';
import { JSON_DIFFERENCE_COMPARISONS_MAX } from '../../limits.ts';
import { JSON_ROOT_KEY, rootOf } from '../content/document.ts';
import { toJsonValue } from '../content/json-document.ts';
import { isArray, isObject, type JsonValue } from '../content/json-value.ts';
import { type Hunk, sequenceDifference, WorkBudget } from './sequence-difference.ts';

/** One transaction. `target` has been checked: see parseJson. */
export function authorJson(doc: Y.Doc, target: JsonValue): void {
  const root = rootOf(doc, 'json');
  const difference = new JsonDifference();
  doc.transact(() => {
    if (!root.has(JSON_ROOT_KEY)) root.set(JSON_ROOT_KEY, toShared(target));
    else difference.setKey(root, JSON_ROOT_KEY, target);
  });
}

class JsonDifference {
  readonly #budget = new WorkBudget(JSON_DIFFERENCE_COMPARISONS_MAX);
  readonly #numbers = new Map<string, number>();
  readonly #seen = new WeakMap<object, number>();

  setKey(map: Y.Map<unknown>, key: string, target: JsonValue): void {
    const current = map.get(key);
    if (this.#turn(current, target)) return;
    map.set(key, toShared(target));
  }

  /** Makes the shared value the target in place. False: it is of another kind and must be replaced. */
  #turn(current: unknown, target: JsonValue): boolean {
    if (current instanceof Y.Map && isObject(target)) {
      this.#turnMap(current, target);
      return true;
    }
    if (current instanceof Y.Array && isArray(target)) {
      this.#turnArray(current, target);
      return true;
    }
    if (current instanceof Y.AbstractType || typeof target === 'object') return current === null && target === null;
    return current === target;
  }

  #turnMap(map: Y.Map<unknown>, target: { readonly [key: string]: JsonValue }): void {
    for (const key of Array.from(map.keys())) if (!Object.hasOwn(target, key)) map.delete(key);
    for (const [key, value] of Object.entries(target)) {
      if (map.has(key)) this.setKey(map, key, value);
      else map.set(key, toShared(value));
    }
  }

  #turnArray(array: Y.Array<unknown>, target: readonly JsonValue[]): void {
    const current = array.toArray();
    const hunks = sequenceDifference(
      current.map((value) => this.#number(toJsonValue(value))),
      target.map((value) => this.#number(value)),
      this.#budget,
    );
    // From the last on, so that the indexes of those before stay right.
    for (const hunk of hunks.reverse()) this.#turnHunk(array, current, target, hunk);
  }

  /** Where an element stands against one of its kind, it becomes it: what others change in it meanwhile is kept. */
  #turnHunk(array: Y.Array<unknown>, current: readonly unknown[], target: readonly JsonValue[], hunk: Hunk): void {
    const paired = Math.min(hunk.deleted, hunk.inserted);
    const surplus = hunk.deleted - paired;
    if (surplus > 0) array.delete(hunk.at + paired, surplus);
    const added = target.slice(hunk.from + paired, hunk.from + hunk.inserted);
    if (added.length > 0) array.insert(hunk.at + paired, added.map(toShared));
    for (let offset = paired - 1; offset >= 0; offset--) {
      const value = target[hunk.from + offset] as JsonValue;
      if (this.#turn(current[hunk.at + offset], value)) continue;
      array.delete(hunk.at + offset, 1);
      array.insert(hunk.at + offset, [toShared(value)]);
    }
  }

  /** Equal values have equal numbers. */
  #number(value: JsonValue): number {
    if (typeof value !== 'object' || value === null) return this.#intern(JSON.stringify(value));
    const seen = this.#seen.get(value);
    if (seen !== undefined) return seen;
    const spelled = isArray(value)
      ? `[${value.map((item) => this.#number(item)).join(',')}]`
      : `{${Object.entries(value)
          .map(([key, item]) => `${JSON.stringify(key)}:${this.#number(item)}`)
          .sort()
          .join(',')}}`;
    const number = this.#intern(spelled);
    this.#seen.set(value, number);
    return number;
  }

  #intern(spelled: string): number {
    const known = this.#numbers.get(spelled);
    if (known !== undefined) return known;
    this.#numbers.set(spelled, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}

function toShared(value: JsonValue): unknown {
  if (isArray(value)) return toSharedArray(value);
  if (isObject(value)) return new Y.Map(Object.entries(value).map(([key, item]) => [key, toShared(item)]));
  // Zero has one sign in canonical JSON.
  return value === 0 ? 0 : value;
}

/** Yjs hands what is pushed to a function as its arguments, of which there can't be more than some 100,000. */
const PUSHED_VALUES_MAX = 10_000;

function toSharedArray(values: readonly JsonValue[]): Y.Array<unknown> {
  const array = new Y.Array<unknown>();
  for (let start = 0; start < values.length; start += PUSHED_VALUES_MAX) {
    array.push(values.slice(start, start + PUSHED_VALUES_MAX).map(toShared));
  }
  return array;
}
