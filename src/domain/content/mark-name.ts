/**
 * The names Yjs keeps marks under. A mark that may overlap others of its type (comments, say) is kept by y-prosemirror
 * under its type, `--` and a hash of the mark, since one name holds one value.
 */
import { createHash } from 'node:crypto';
import * as buffer from 'lib0/buffer';

const HASHED = /^([^]*)--[a-zA-Z0-9+/=]{8}$/;
const HASH_BYTES = 6;

export function markTypeOf(name: string): string {
  return HASHED.exec(name)?.[1] ?? name;
}

export function isHashed(name: string): boolean {
  return HASHED.test(name);
}

/** As y-prosemirror makes it, of the mark as ProseMirror's `Mark.toJSON` gives it. */
export function hashedMarkName(type: string, attributes: unknown): string {
  const hasAttributes = typeof attributes !== 'object' || attributes === null || Object.keys(attributes).length > 0;
  const mark = hasAttributes ? { type, attrs: attributes } : { type };
  const digest = createHash('sha256').update(buffer.encodeAny(mark)).digest();
  for (let index = HASH_BYTES; index < digest.length; index++) {
    digest[index % HASH_BYTES] = (digest[index % HASH_BYTES] ?? 0) ^ (digest[index] ?? 0);
  }
  return `${type}--${digest.subarray(0, HASH_BYTES).toString('base64')}`;
}
