/** RFC 7396. */
import { emptyObject, isObject, type JsonValue, parseJson } from '../content/json-value.ts';

/** Returns the patched value; `target` is not changed. Throws CONTENT_INVALID for a patch that is not JSON. */
export function applyMergePatch(target: JsonValue, patch: string): JsonValue {
  return merge(target, parseJson(Buffer.from(patch, 'utf8')));
}

function merge(target: JsonValue, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const merged = emptyObject();
  if (isObject(target)) for (const [key, value] of Object.entries(target)) merged[key] = value;
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key] ?? null, value);
  }
  return merged;
}
