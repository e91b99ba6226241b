/** Which items of a list stand for each other: by an id that all have, else by what they say. */
import { isArray, isObject, type JsonObject, type JsonValue } from '../content/json-value.ts';
import { type Bag, Bags, likenessOf, wordsOf } from '../edit/likeness.ts';
import type { WorkBudget } from '../edit/sequence-difference.ts';
import { UNKNOWN_LIKENESS } from './merge-heirs.ts';
import type { Sides } from './merge-sequence.ts';
import { areMergeable, MERGEABLE_LIKENESS_MIN } from './text-likeness.ts';

/** Plain values have nothing to know them by but their place. */
const BY_PLACE = 0.05;
/** Less alike, they are different items. */
const ONE_ITEM_LIKENESS_MIN = 0.4;
/** Keys that hold an id wherever each item has another one there. */
const ID_KEYS = ['id', '_id', 'uuid', 'key'];

export class JsonLikeness {
  readonly #items: Sides<JsonValue>;
  readonly #sizeOf: (item: JsonValue) => number;
  readonly #characters: WorkBudget;
  readonly #kinds = new Bags();
  readonly #bags = new WeakMap<object, Bag>();
  #idKey: string | undefined;
  #usual: ReadonlySet<string> | undefined;

  /** `sizeOf`: the characters of an item; `characters`: how many may be read. */
  constructor(items: Sides<JsonValue>, sizeOf: (item: JsonValue) => number, characters: WorkBudget) {
    this.#items = items;
    this.#sizeOf = sizeOf;
    this.#characters = characters;
  }

  /** Negative if they are different items. */
  of(one: JsonValue, other: JsonValue): number {
    if (isArray(one) !== isArray(other) || isObject(one) !== isObject(other)) return -1;
    if (!isCompound(one) || !isCompound(other)) return BY_PLACE;
    this.#usual ??= this.#prepare();
    if (this.#idKey !== undefined && isObject(one) && isObject(other)) {
      return one[this.#idKey] === other[this.#idKey] ? 1 : -1;
    }
    const [a, b] = [this.#bagOf(one), this.#bagOf(other)];
    if (!a || !b) return UNKNOWN_LIKENESS;
    if (a.total + b.total === 0) return BY_PLACE;
    const alike = likenessOf(a, b);
    return alike >= ONE_ITEM_LIKENESS_MIN ? alike : -1;
  }

  /** Whether both sides' changes of an item can be put together. */
  isMergeable(base: JsonValue, ours: JsonValue, theirs: JsonValue): boolean {
    this.#usual ??= this.#prepare();
    if (this.#idKey !== undefined) return true;
    const of = (one: JsonValue, other: JsonValue): number => this.of(one, other);
    return of(ours, theirs) >= 0 && areMergeable(base, ours, theirs, MERGEABLE_LIKENESS_MIN, of);
  }

  /** What most items say tells none of them. */
  #prepare(): ReadonlySet<string> {
    const { base } = this.#items;
    this.#idKey = idKeyOf(this.#items);
    const counts = new Map<string, number>();
    if (!this.#characters.take(base.reduce<number>((size, item) => size + this.#sizeOf(item), 0))) return new Set();
    for (const item of base) for (const said of new Set(saidBy(item))) counts.set(said, (counts.get(said) ?? 0) + 1);
    const most = Math.max(2, base.length / 2);
    return new Set([...counts].filter(([, count]) => count >= most).map(([said]) => said));
  }

  #bagOf(item: readonly JsonValue[] | JsonObject): Bag | undefined {
    let bag = this.#bags.get(item);
    if (!bag) {
      if (!this.#characters.take(this.#sizeOf(item))) return undefined;
      this.#bags.set(item, (bag = this.#kinds.of(this.#tellingOf(item))));
    }
    return bag;
  }

  *#tellingOf(item: JsonValue): Iterable<string> {
    for (const said of saidBy(item)) if (!this.#usual?.has(said)) yield said;
  }
}

function isCompound(value: JsonValue): value is readonly JsonValue[] | JsonObject {
  return isArray(value) || isObject(value);
}

/** Undefined: not each item has one of its own. */
export function idKeyOf({ base, ours, theirs }: Sides<JsonValue>): string | undefined {
  return ID_KEYS.find((key) => [base, ours, theirs].every((items) => isIdOf(items, key)));
}

function isIdOf(items: readonly JsonValue[], key: string): boolean {
  const ids = new Set<JsonValue>();
  for (const item of items) {
    const id = isObject(item) && Object.hasOwn(item, key) ? item[key] : undefined;
    if (typeof id !== 'string' && typeof id !== 'number') return false;
    ids.add(id);
  }
  return ids.size === items.length;
}

/** By word, with the keys they are under. Yes, no and nothing say too little to know a thing by. */
function* saidBy(value: JsonValue, under = ''): Iterable<string> {
  if (isArray(value)) for (const item of value) yield* saidBy(item, `${under}[]`);
  else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) yield* saidBy(item, `${under}.${JSON.stringify(key)}`);
  } else if (typeof value === 'string') for (const word of wordsOf(value)) yield `${under}:${word}`;
  else if (typeof value === 'number') yield `${under}=${value}`;
}
