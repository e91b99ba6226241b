/** RFC 6902. */
import { StudioError } from '../../errors.ts';
import {
  CONTENT_BYTES_MAX,
  CONTENT_DEPTH_MAX,
  JSON_PATCH_COPIED_BYTES_MAX,
  JSON_PATCH_OPERATIONS_MAX,
} from '../../limits.ts';
import { canonicalJson, isArray, isObject, type JsonObject, type JsonValue, parseJson } from '../content/json-value.ts';
import { contentTooLarge } from '../content/size.ts';
import { isSameJson, isDeeperThan } from './json-shape.ts';

/**
 * Returns the patched value. Consumes `target`: it is changed in place, and left half changed by a patch that fails.
 * Throws CONTENT_INVALID for a patch that is malformed, names a place that is not there or has a `test` that fails
 * (`metadata.operation` is its index), CONTENT_TOO_LARGE, LIMIT_EXCEEDED.
 */
export function applyJsonPatch(target: JsonValue, patch: string): JsonValue {
  const operations = parseJson(Buffer.from(patch, 'utf8'), CONTENT_DEPTH_MAX + 2);
  if (!isArray(operations)) throw invalid('a JSON Patch is an array of operations');
  if (operations.length > JSON_PATCH_OPERATIONS_MAX) {
    throw new StudioError('LIMIT_EXCEEDED', `A JSON Patch may have at most ${JSON_PATCH_OPERATIONS_MAX} operations.`, {
      limit: 'JSON_PATCH_OPERATIONS_MAX',
    });
  }
  const patched = new PatchedValue(target);
  for (const [index, operation] of operations.entries()) patched.apply(operation, index);
  // Operations multiply: what came in by small steps may have become too deep or too large.
  if (isDeeperThan(patched.value, CONTENT_DEPTH_MAX)) {
    throw invalid(`the result is nested deeper than ${CONTENT_DEPTH_MAX}`);
  }
  if (Buffer.byteLength(canonicalJson(patched.value)) > CONTENT_BYTES_MAX) throw contentTooLarge();
  return patched.value;
}

type Container = JsonValue[] | Record<string, JsonValue>;

class PatchedValue {
  value: JsonValue;
  #copiedBytes = 0;

  constructor(value: JsonValue) {
    this.value = value;
  }

  apply(operation: JsonValue, index: number): void {
    if (!isObject(operation)) throw invalid('an operation is an object', index);
    const path = pointer(operation, 'path', index);
    const op = operation['op'];
    switch (typeof op === 'string' ? op : '') {
      case 'add':
        return this.#add(path, operand(operation, index), index);
      case 'remove':
        return this.#remove(path, index);
      case 'replace': {
        const value = operand(operation, index);
        this.#read(path, index);
        return this.#set(path, value, index);
      }
      case 'move': {
        const from = pointer(operation, 'from', index);
        if (from.length < path.length && from.every((key, at) => key === path[at]))
          throw invalid('a value can not move into itself', index);
        const moved = this.#read(from, index);
        if (from.length === 0) return undefined;
        this.#remove(from, index);
        return this.#add(path, moved, index);
      }
      case 'copy':
        return this.#add(path, this.#copy(this.#read(pointer(operation, 'from', index), index), index), index);
      case 'test':
        if (isSameJson(this.#read(path, index), operand(operation, index))) return undefined;
        throw invalid('its test failed', index);
      default:
        throw invalid('op is none of add, remove, replace, move, copy, test', index);
    }
  }

  /** One of its own, as either may be changed later. Doubling by copies would reach any depth and size in few steps. */
  #copy(value: JsonValue, index: number): JsonValue {
    if (isDeeperThan(value, CONTENT_DEPTH_MAX)) {
      throw invalid(`the result is nested deeper than ${CONTENT_DEPTH_MAX}`, index);
    }
    const spelled = JSON.stringify(value);
    this.#copiedBytes += Buffer.byteLength(spelled);
    if (this.#copiedBytes > JSON_PATCH_COPIED_BYTES_MAX) throw contentTooLarge();
    return JSON.parse(spelled) as JsonValue;
  }

  #read(path: readonly string[], index: number): JsonValue {
    return path.reduce((inner, key) => child(inner, key, index), this.value);
  }

  /** What holds the place that the path names; undefined for the whole document. */
  #parent(path: readonly string[], index: number): Container | undefined {
    if (path.length === 0) return undefined;
    const parent = this.#read(path.slice(0, -1), index);
    if (!isArray(parent) && !isObject(parent)) throw invalid('there is nothing at its path', index);
    return parent as Container;
  }

  #add(path: readonly string[], value: JsonValue, index: number): void {
    const parent = this.#parent(path, index);
    const key = path.at(-1) ?? '';
    if (!Array.isArray(parent)) return this.#set(path, value, index);
    parent.splice(key === '-' ? parent.length : position(key, parent.length, index), 0, value);
  }

  #set(path: readonly string[], value: JsonValue, index: number): void {
    const parent = this.#parent(path, index);
    const key = path.at(-1) ?? '';
    if (!parent) this.value = value;
    else if (Array.isArray(parent)) parent[position(key, parent.length - 1, index)] = value;
    // Assigning "__proto__" would set the prototype.
    else Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
  }

  #remove(path: readonly string[], index: number): void {
    const parent = this.#parent(path, index);
    const key = path.at(-1) ?? '';
    if (!parent) throw invalid('the whole document can not be removed', index);
    child(parent, key, index);
    if (Array.isArray(parent)) parent.splice(Number(key), 1);
    else delete parent[key];
  }
}

function pointer(operation: JsonObject, field: 'path' | 'from', index: number): readonly string[] {
  const text = Object.hasOwn(operation, field) ? operation[field] : undefined;
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/')) || /~(?![01])/.test(text)) {
    throw invalid(`${field} is not a JSON Pointer`, index);
  }
  return text === ''
    ? []
    : text
        .slice(1)
        .split('/')
        .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function operand(operation: JsonObject, index: number): JsonValue {
  const value = Object.hasOwn(operation, 'value') ? operation['value'] : undefined;
  if (value === undefined) throw invalid('value is missing', index);
  return value;
}

function child(value: JsonValue, key: string, index: number): JsonValue {
  if (isArray(value)) return value[position(key, value.length - 1, index)] as JsonValue;
  if (isObject(value) && Object.hasOwn(value, key)) return value[key] as JsonValue;
  throw invalid('there is nothing at its path', index);
}

function position(key: string, last: number, index: number): number {
  if (!/^(?:0|[1-9]\d{0,9})$/.test(key) || Number(key) > last)
    throw invalid('its path names no place in an array', index);
  return Number(key);
}

function invalid(why: string, index?: number): StudioError {
  const where = index === undefined ? '' : `operation ${index}: `;
  const metadata: Record<string, string> = index === undefined ? {} : { operation: String(index) };
  return new StudioError('CONTENT_INVALID', `The JSON Patch can't be applied: ${where}${why}.`, metadata);
}
