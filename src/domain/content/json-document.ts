/** The JSON value a Y.Doc holds. */
import * as Y from 'yjs';
import { JSON_ROOT_KEY, rootOf } from './document.ts';
import { emptyObject, type JsonValue } from './json-value.ts';

/** What the root map holds under its one key: a shared type, a plain value, or undefined if it was never set. */
export function jsonRoot(doc: Y.Doc): unknown {
  return rootOf(doc, 'json').get(JSON_ROOT_KEY);
}

/** `null` for a document that nothing was ever written to. */
export function readJson(doc: Y.Doc): JsonValue {
  return toJsonValue(jsonRoot(doc));
}

export function toJsonValue(shared: unknown): JsonValue {
  if (shared instanceof Y.Array) return shared.toArray().map(toJsonValue);
  if (shared instanceof Y.Map) {
    const object = emptyObject();
    for (const [key, value] of shared.entries()) object[key] = toJsonValue(value);
    return object;
  }
  if (typeof shared === 'string' || typeof shared === 'boolean') return shared;
  if (typeof shared === 'number' && Number.isFinite(shared)) return shared;
  // The guard lets nothing else in.
  return null;
}
