/**
 * Makes a document's JSON another value by changing as little as possible: objects by key, arrays by value. Below the
 * root, objects and arrays are always shared types, so that concurrent edits of different parts of them merge.
 */
import * as Y from 'yjs';
import { DIFFERENCE_COMPARISONS_MAX, JSON_STRUCTS_MAX } from '../../limits.ts';
import { JSON_ROOT_KEY, rootOf } from '../content/document.ts';
import { toJsonValue } from '../content/json-document.ts';
import { isArray, isObject, type JsonValue } from '../content/json-value.ts';
import { tooManyParts } from '../content/size.ts';
import { alignUnits, type Pair } from './alignment.ts';
import { type Bag, Bags, likenessOf } from './likeness.ts';
import { fitHunks, placesIn } from './places.ts';
import { transactSparsely } from '../content/sparse-transaction.ts';
import { type Hunk, sequenceDifference, WorkBudget } from './sequence-difference.ts';

/** One transaction. `target` has been checked: see parseJson. Throws CONTENT_TOO_LARGE for more than JSON_STRUCTS_MAX. */
export function authorJson(doc: Y.Doc, target: JsonValue): void {
  if (countStructs(target) > JSON_STRUCTS_MAX) throw tooManyParts('JSON_STRUCTS_MAX');
  const root = rootOf(doc, 'json');
  const difference = new JsonDifference(placesIn(doc));
  transactSparsely(doc, () => {
    if (!root.has(JSON_ROOT_KEY)) root.set(JSON_ROOT_KEY, toShared(target));
    else difference.setKey(root, JSON_ROOT_KEY, target);
  });
}

class JsonDifference {
  readonly #budget = new WorkBudget(DIFFERENCE_COMPARISONS_MAX);
  readonly #kinds = new Bags();
  readonly #places: WorkBudget;
  readonly #numbers = new Map<string, number>();
  readonly #seen = new WeakMap<object, number>();
  readonly #bags = new WeakMap<object, Bag>();

  constructor(places: WorkBudget) {
    this.#places = places;
  }

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
    const shared = array.toArray();
    const current = shared.map(toJsonValue);
    const hunks = sequenceDifference(
      current.map((value) => this.#number(value)),
      target.map((value) => this.#number(value)),
      this.#budget,
    );
    // From the last on, so that the indexes of those before stay right.
    for (const hunk of fitHunks(hunks, this.#places).reverse()) {
      const pairs = this.#pairs(
        current.slice(hunk.at, hunk.at + hunk.deleted),
        target.slice(hunk.from, hunk.from + hunk.inserted),
      );
      this.#turnHunk(array, shared, target, { hunk, pairs });
    }
  }

  /** Where an object or array is another's, changed, it becomes it: what others change in it meanwhile is kept. */
  #turnHunk(
    array: Y.Array<unknown>,
    shared: readonly unknown[],
    target: readonly JsonValue[],
    { hunk, pairs }: { readonly hunk: Hunk; readonly pairs: readonly Pair[] },
  ): void {
    let end = hunk.deleted;
    let until = hunk.inserted;
    for (const { at, from } of [...pairs].reverse().concat({ at: -1, from: -1 })) {
      const place = hunk.at + at + 1;
      if (end > at + 1) array.delete(place, end - at - 1);
      const added = target.slice(hunk.from + from + 1, hunk.from + until);
      if (added.length > 0) array.insert(place, added.map(toShared));
      if (at >= 0) this.#turn(shared[hunk.at + at], target[hunk.from + from] as JsonValue);
      end = at;
      until = from;
    }
  }

  #pairs(old: readonly JsonValue[], next: readonly JsonValue[]): Pair[] {
    if (!this.#places.take(Math.min(old.length, next.length))) return [];
    const like = (at: number, from: number): number => this.#likeness(old[at] as JsonValue, next[from] as JsonValue);
    return alignUnits(old.length, next.length, like, this.#budget);
  }

  /** Negative if neither can be made the other. */
  #likeness(old: JsonValue, next: JsonValue): number {
    const areOfOneKind = (isArray(old) && isArray(next)) || (isObject(old) && isObject(next));
    return areOfOneKind ? OF_ONE_KIND + likenessOf(this.#bag(old), this.#bag(next)) : -1;
  }

  #bag(value: readonly JsonValue[] | { readonly [key: string]: JsonValue }): Bag {
    let bag = this.#bags.get(value);
    if (!bag) {
      const held = isArray(value)
        ? value.map((item) => this.#number(item))
        : Object.entries(value).map(([key, item]) => `${this.#number(item)}=${key}`);
      this.#bags.set(value, (bag = this.#kinds.of(held)));
    }
    return bag;
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

/** Also of those that have nothing in common: changing one in place keeps what others do in it. */
const OF_ONE_KIND = 0.05;

/** What Yjs keeps each by itself; plain values side by side in an array are one. */
function countStructs(value: JsonValue): number {
  if (isArray(value)) return value.reduce((sum: number, item) => sum + countStructs(item), 1);
  if (!isObject(value)) return 0;
  return Object.values(value).reduce((sum: number, item) => sum + 1 + countStructs(item), 1);
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
