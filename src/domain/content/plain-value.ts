/** Plain values as Yjs may hold them (JSON, undefined, bigint, bytes, numbers that are not finite), made JSON. */
import { canonicalJson, emptyObject, type JsonValue } from './json-value.ts';

/** What JSON lacks becomes an object with one key that says what it was. */
export function plainValue(value: unknown): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $number: String(value) };
  if (typeof value === 'bigint') return { $bigint: String(value) };
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value === 'object') {
    const object = emptyObject();
    for (const [key, inner] of Object.entries(value)) object[key] = plainValue(inner);
    return object;
  }
  return { $undefined: true };
}

/** Strings as they are, anything else as JSON. */
export function canonicalAttribute(value: JsonValue): string {
  return typeof value === 'string' ? value : canonicalJson(value);
}
