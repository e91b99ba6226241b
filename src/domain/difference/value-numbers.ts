/** Equal JSON values get equal numbers, so that long lists of large values are compared as lists of numbers. */
import { isArray, isObject, type JsonValue } from '../content/json-value.ts';

export class ValueNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #seen = new WeakMap<object, { readonly number: number; readonly size: number }>();

  of(value: JsonValue): number {
    if (!isArray(value) && !isObject(value)) return this.#intern(JSON.stringify(value));
    return this.#look(value).number;
  }

  /** Characters of the value as JSON. */
  sizeOf(value: JsonValue): number {
    if (!isArray(value) && !isObject(value)) return JSON.stringify(value).length;
    return this.#look(value).size;
  }

  #look(value: Exclude<JsonValue, string | number | boolean | null>): { number: number; size: number } {
    const seen = this.#seen.get(value);
    if (seen) return seen;
    let size = 2;
    const parts: string[] = [];
    if (isArray(value)) {
      for (const item of value) {
        parts.push(String(this.of(item)));
        size += this.sizeOf(item) + 1;
      }
    } else {
      for (const [key, item] of Object.entries(value)) {
        const name = JSON.stringify(key);
        parts.push(`${name}:${this.of(item)}`);
        size += name.length + this.sizeOf(item) + 2;
      }
      parts.sort();
    }
    const spelled = isArray(value) ? `[${parts.join(',')}]` : `{${parts.join(',')}}`;
    const looked = { number: this.#intern(spelled), size };
    this.#seen.set(value, looked);
    return looked;
  }

  #intern(spelled: string): number {
    const known = this.#numbers.get(spelled);
    if (known !== undefined) return known;
    this.#numbers.set(spelled, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}
