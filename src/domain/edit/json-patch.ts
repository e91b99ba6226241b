/** RFC 6902 on plain values: nothing is changed in place, so an operation that fails leaves nothing half done. */
import { StudioError } from '../../errors.ts';
import { CONTENT_BYTES_MAX, CONTENT_DEPTH_MAX, JSON_PATCH_OPERATIONS_MAX } from '../../limits.ts';
import {
  canonicalJson,
  depthOf,
  emptyObject,
  isArray,
  isObject,
  type JsonObject,
  type JsonValue,
  parseJson,
} from '../content/json-value.ts';

/**
 * Returns the patched value. Throws CONTENT_INVALID for a patch that is malformed, names a place that is not there or
 * has a `test` that fails; `metadata.operation` is its index.
 */
export function applyJsonPatch(target: JsonValue, patch: string): JsonValue {
  const operations = parseJson(Buffer.from(patch, 'utf8'));
  if (!isArray(operations)) throw invalid('a JSON Patch is an array of operations');
  if (operations.length > JSON_PATCH_OPERATIONS_MAX) {
    throw new StudioError('LIMIT_EXCEEDED', `A JSON Patch may have at most ${JSON_PATCH_OPERATIONS_MAX} operations.`, {
      limit: 'JSON_PATCH_OPERATIONS_MAX',
    });
  }
  let value = target;
  for (const [index, operation] of operations.entries()) value = applyOne(value, operation, index);
  // Copies multiply: what came in by small steps may have become too deep or too large.
  if (depthOf(value) > CONTENT_DEPTH_MAX) throw invalid(`the result is nested deeper than ${CONTENT_DEPTH_MAX}`);
  if (Buffer.byteLength(canonicalJson(value)) > CONTENT_BYTES_MAX) {
    throw new StudioError('CONTENT_TOO_LARGE', `Content may have at most ${CONTENT_BYTES_MAX} bytes.`, {
      limit: 'CONTENT_BYTES_MAX',
    });
  }
  return value;
}

function applyOne(value: JsonValue, operation: JsonValue, index: number): JsonValue {
  if (!isObject(operation)) throw invalid('an operation is an object', index);
  const path = pointer(operation, 'path', index);
  const op = operation['op'];
  switch (typeof op === 'string' ? op : '') {
    case 'add':
      return add(value, path, operand(operation, index), index);
    case 'remove':
      return remove(value, path, index);
    case 'replace':
      read(value, path, index);
      return path.length === 0
        ? operand(operation, index)
        : add(remove(value, path, index), path, operand(operation, index), index);
    case 'move': {
      const from = pointer(operation, 'from', index);
      if (from.length < path.length && from.every((key, at) => key === path[at]))
        throw invalid('a value can not move into itself', index);
      const moved = read(value, from, index);
      return from.length === 0 ? value : add(remove(value, from, index), path, moved, index);
    }
    case 'copy':
      return add(value, path, bounded(read(value, pointer(operation, 'from', index), index), index), index);
    case 'test':
      if (canonicalJson(read(value, path, index)) === canonicalJson(operand(operation, index))) return value;
      throw invalid('its test failed', index);
    default:
      throw invalid('op is none of add, remove, replace, move, copy, test', index);
  }
}

/** Doubling by copies reaches any depth and size in few steps. */
function bounded(value: JsonValue, index: number): JsonValue {
  if (depthOf(value) > CONTENT_DEPTH_MAX) throw invalid(`the result is nested deeper than ${CONTENT_DEPTH_MAX}`, index);
  if (Buffer.byteLength(canonicalJson(value)) > CONTENT_BYTES_MAX) {
    throw new StudioError('CONTENT_TOO_LARGE', `Content may have at most ${CONTENT_BYTES_MAX} bytes.`, {
      limit: 'CONTENT_BYTES_MAX',
    });
  }
  return value;
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

function read(value: JsonValue, path: readonly string[], index: number): JsonValue {
  return path.reduce((inner, key) => child(inner, key, index), value);
}

function child(value: JsonValue, key: string, index: number): JsonValue {
  if (isArray(value)) return value[position(key, value.length - 1, index)] as JsonValue;
  if (isObject(value) && Object.hasOwn(value, key)) return value[key] as JsonValue;
  throw invalid('there is nothing at its path', index);
}

function add(value: JsonValue, path: readonly string[], added: JsonValue, index: number): JsonValue {
  const [key, ...rest] = path;
  if (key === undefined) return added;
  if (rest.length > 0) return set(value, key, add(child(value, key, index), rest, added, index), index);
  if (!isArray(value)) return set(value, key, added, index);
  const at = key === '-' ? value.length : position(key, value.length, index);
  return [...value.slice(0, at), added, ...value.slice(at)];
}

function remove(value: JsonValue, path: readonly string[], index: number): JsonValue {
  const [key, ...rest] = path;
  if (key === undefined) throw invalid('the whole document can not be removed', index);
  const inner = child(value, key, index);
  if (rest.length > 0) return set(value, key, remove(inner, rest, index), index);
  if (isArray(value)) return value.filter((_item, at) => at !== Number(key));
  const copy = copyOf(value as JsonObject);
  delete copy[key];
  return copy;
}

function set(value: JsonValue, key: string, inner: JsonValue, index: number): JsonValue {
  if (isArray(value)) return value.with(position(key, value.length - 1, index), inner);
  if (!isObject(value)) throw invalid('there is nothing at its path', index);
  const copy = copyOf(value);
  copy[key] = inner;
  return copy;
}

function position(key: string, last: number, index: number): number {
  if (!/^(?:0|[1-9]\d{0,9})$/.test(key) || Number(key) > last)
    throw invalid('its path names no place in an array', index);
  return Number(key);
}

function copyOf(object: JsonObject): Record<string, JsonValue> {
  const copy = emptyObject();
  for (const [key, value] of Object.entries(object)) copy[key] = value;
  return copy;
}

function invalid(why: string, index?: number): StudioError {
  const where = index === undefined ? '' : `operation ${index}: `;
  const metadata: Record<string, string> = index === undefined ? {} : { operation: String(index) };
  return new StudioError('CONTENT_INVALID', `The JSON Patch can't be applied: ${where}${why}.`, metadata);
}
