/** What leads from one JSON value to another, as an RFC 6902 patch: objects by key, arrays by value. */
import { DIFFERENCE_COMPARISONS_MAX, JSON_PATCH_OPERATIONS_MAX } from '../../limits.ts';
import { isArray, isObject, type JsonObject, type JsonValue } from '../content/json-value.ts';
import { type Hunk, sequenceDifference, WorkBudget } from '../edit/sequence-difference.ts';
import { ValueNumbers } from './value-numbers.ts';

export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: JsonValue }
  | { readonly op: 'remove'; readonly path: string };

/** How deep a patch may reach into the values when it would otherwise have too many operations, tried in this order. */
const REACHES = [Number.MAX_SAFE_INTEGER, 8, 4, 2, 1];

/**
 * Applied to `old` it gives `next`. At most JSON_PATCH_OPERATIONS_MAX operations: where finer ones would be more, larger
 * values are replaced whole. A value whose parts would take more to spell than itself is replaced whole too.
 */
export function jsonPatchBetween(old: JsonValue, next: JsonValue): PatchOperation[] {
  const numbers = new ValueNumbers();
  for (const reach of REACHES) {
    const operations = new PatchWriter(numbers, reach).between(old, next, '', 0);
    if (!isTooLong(operations)) return operations;
  }
  return [{ op: 'replace', path: '', value: next }];
}

export function escapeToken(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

class PatchWriter {
  readonly #numbers: ValueNumbers;
  readonly #reach: number;
  readonly #budget = new WorkBudget(DIFFERENCE_COMPARISONS_MAX);

  constructor(numbers: ValueNumbers, reach: number) {
    this.#numbers = numbers;
    this.#reach = reach;
  }

  between(old: JsonValue, next: JsonValue, path: string, depth: number): PatchOperation[] {
    if (this.#numbers.of(old) === this.#numbers.of(next)) return [];
    const whole: PatchOperation[] = [{ op: 'replace', path, value: next }];
    if (depth >= this.#reach) return whole;
    let parts: PatchOperation[] | undefined;
    if (isObject(old) && isObject(next)) parts = this.#objects(old, next, path, depth);
    else if (isArray(old) && isArray(next)) parts = this.#arrays(old, next, path, depth);
    return parts && this.#size(parts) < this.#size(whole) ? parts : whole;
  }

  /** Undefined, here and of arrays: too many for any patch. Spelling all out takes seconds where they are millions. */
  #objects(old: JsonObject, next: JsonObject, path: string, depth: number): PatchOperation[] | undefined {
    const operations: PatchOperation[] = [];
    for (const key of Object.keys(old)) {
      if (!Object.hasOwn(next, key)) operations.push({ op: 'remove', path: `${path}/${escapeToken(key)}` });
    }
    for (const [key, value] of Object.entries(next)) {
      if (isTooLong(operations)) return undefined;
      const inner = `${path}/${escapeToken(key)}`;
      if (!Object.hasOwn(old, key)) operations.push({ op: 'add', path: inner, value });
      else for (const each of this.between(old[key] ?? null, value, inner, depth + 1)) operations.push(each);
    }
    return isTooLong(operations) ? undefined : operations;
  }

  #arrays(
    old: readonly JsonValue[],
    next: readonly JsonValue[],
    path: string,
    depth: number,
  ): PatchOperation[] | undefined {
    const hunks = sequenceDifference(
      old.map((value) => this.#numbers.of(value)),
      next.map((value) => this.#numbers.of(value)),
      this.#budget,
    );
    const operations: PatchOperation[] = [];
    // From the last on, so that the indexes of those before stay right.
    for (const hunk of hunks.reverse()) {
      if (isTooLong(operations)) return undefined;
      for (const each of this.#hunk(old, next, hunk, path, depth)) operations.push(each);
    }
    return isTooLong(operations) ? undefined : operations;
  }

  /** Where there are too many, not all of them. */
  #hunk(
    old: readonly JsonValue[],
    next: readonly JsonValue[],
    hunk: Hunk,
    path: string,
    depth: number,
  ): PatchOperation[] {
    const operations: PatchOperation[] = [];
    const paired = Math.min(hunk.deleted, hunk.inserted);
    for (let offset = hunk.deleted - 1; offset >= paired && !isTooLong(operations); offset--) {
      operations.push({ op: 'remove', path: `${path}/${hunk.at + offset}` });
    }
    for (let offset = paired; offset < hunk.inserted && !isTooLong(operations); offset++) {
      operations.push({ op: 'add', path: `${path}/${hunk.at + offset}`, value: next[hunk.from + offset] ?? null });
    }
    for (let offset = 0; offset < paired && !isTooLong(operations); offset++) {
      const inner = `${path}/${hunk.at + offset}`;
      const [before, after] = [old[hunk.at + offset] ?? null, next[hunk.from + offset] ?? null];
      for (const each of this.between(before, after, inner, depth + 1)) operations.push(each);
    }
    return operations;
  }

  /** Characters of the operations as JSON, about. */
  #size(operations: readonly PatchOperation[]): number {
    let size = 0;
    for (const operation of operations) {
      size += 30 + operation.path.length;
      if (operation.op !== 'remove') size += this.#numbers.sizeOf(operation.value) + 9;
    }
    return size;
  }
}

function isTooLong(operations: readonly PatchOperation[]): boolean {
  return operations.length > JSON_PATCH_OPERATIONS_MAX;
}
