/** The content of one struct, checked to be readable by Yjs, without making anything of it but strings. */
import { CONTENT_DEPTH_MAX } from '../../limits.ts';
import { nestsDeeper } from '../content/json-depth.ts';
import { hasLoneSurrogate } from '../content/json-value.ts';
import type { ByteReader } from './byte-reader.ts';
import { forbidden, malformed, tooComplex } from './refusals.ts';

/** What occurs among plain values beside null, booleans, finite numbers and strings. */
export const ValueFlag = {
  /** Objects and arrays. */
  container: 1,
  undefined: 2,
  /** Big integers, bytes, numbers that are not finite: JSON has none of them. */
  exotic: 4,
} as const;

export interface ContentFacts {
  readonly length: number;
  readonly text: string;
  readonly typeRef: number;
  readonly valueFlags: number;
}

/** Elements and hooks have a name on the wire. */
const NAMED_TYPES: ReadonlySet<number> = new Set([3, 5]);
const TYPES_MAX = 6;

/** `valuesMax`: of plain values in it. */
export function readContent(reader: ByteReader, ref: number, valuesMax: number): ContentFacts {
  switch (ref) {
    case 0:
    case 1:
      return plain(reader.varUint());
    case 2:
      return readJsonValues(reader, valuesMax);
    case 3:
      reader.byteString();
      return plain(1);
    case 4: {
      const text = reader.string();
      return { length: text.length, text, typeRef: -1, valueFlags: 0 };
    }
    case 5:
      checkJson(reader.string());
      return plain(1);
    case 6:
      reader.string();
      checkJson(reader.string());
      return plain(1);
    case 7: {
      const typeRef = reader.varUint();
      if (typeRef > TYPES_MAX) throw malformed('a shared type is of no known kind');
      if (NAMED_TYPES.has(typeRef)) reader.string();
      return { length: 1, text: '', typeRef, valueFlags: 0 };
    }
    case 8:
      return readAnyValues(reader, valuesMax);
    case 9:
      throw forbidden('UPDATE_CONTENT_FORBIDDEN', 'documents within documents are not kept');
    default:
      throw malformed('a struct is of no known kind');
  }
}

function plain(length: number): ContentFacts {
  return { length, text: '', typeRef: -1, valueFlags: 0 };
}

function readAnyValues(reader: ByteReader, valuesMax: number): ContentFacts {
  const length = countValues(reader, valuesMax);
  let valueFlags = 0;
  for (let index = 0; index < length; index++) valueFlags |= skipAny(reader, 0);
  return { length, text: '', typeRef: -1, valueFlags };
}

function readJsonValues(reader: ByteReader, valuesMax: number): ContentFacts {
  const length = countValues(reader, valuesMax);
  let valueFlags = 0;
  for (let index = 0; index < length; index++) {
    const text = reader.string();
    if (text === 'undefined') valueFlags |= ValueFlag.undefined;
    else if (checkJson(text)) valueFlags |= ValueFlag.container;
  }
  return { length, text: '', typeRef: -1, valueFlags };
}

/** One byte on the wire may be a value that takes eight in memory and four when written out. */
function countValues(reader: ByteReader, valuesMax: number): number {
  const count = reader.count(1);
  if (count > valuesMax) throw tooComplex('UPDATE_VALUES_MAX', `has more than ${valuesMax} values in a row`);
  return count;
}

/** Moves past one value in lib0's "any" encoding. Returns the flags of all that is in it. */
function skipAny(reader: ByteReader, depth: number): number {
  switch (reader.uint8()) {
    case 127:
      return ValueFlag.undefined;
    case 126:
    case 121:
    case 120:
      return 0;
    case 125:
      reader.varInt();
      return 0;
    case 124:
      return skipFloat(reader, 4);
    case 123:
      return skipFloat(reader, 8);
    case 122:
      reader.skip(8);
      return ValueFlag.exotic;
    case 119:
      reader.string();
      return 0;
    case 118:
      return skipObject(reader, depth + 1);
    case 117:
      return skipArray(reader, depth + 1);
    case 116:
      reader.byteString();
      return ValueFlag.exotic;
    default:
      throw malformed('a value is of no known kind');
  }
}

function skipFloat(reader: ByteReader, bytes: 4 | 8): number {
  const view = new DataView(
    reader.bytes.buffer,
    reader.bytes.byteOffset + reader.position,
    Math.min(bytes, reader.left),
  );
  reader.skip(bytes);
  const value = bytes === 4 ? view.getFloat32(0) : view.getFloat64(0);
  return Number.isFinite(value) ? 0 : ValueFlag.exotic;
}

function skipObject(reader: ByteReader, depth: number): number {
  checkDepth(depth);
  let flags: number = ValueFlag.container;
  for (let left = reader.count(2); left > 0; left--) {
    // Yjs assigns it, which sets the prototype instead of a key.
    if (reader.string() === '__proto__')
      throw forbidden('UPDATE_CONTENT_FORBIDDEN', '"__proto__" is not kept as a key of plain objects');
    flags |= skipAny(reader, depth);
  }
  return flags;
}

function skipArray(reader: ByteReader, depth: number): number {
  checkDepth(depth);
  let flags: number = ValueFlag.container;
  for (let left = reader.count(1); left > 0; left--) flags |= skipAny(reader, depth);
  return flags;
}

function checkDepth(depth: number): void {
  if (depth > CONTENT_DEPTH_MAX) throw tooDeep();
}

function tooDeep(): Error {
  return tooComplex('CONTENT_DEPTH_MAX', `has values nested deeper than ${CONTENT_DEPTH_MAX}`);
}

/** Throws unless Yjs can parse it. Returns whether it is an object or array. */
function checkJson(text: string): boolean {
  // The commonest mark values, without a parser.
  if (text === 'null' || text === 'true' || text === '{}') return text === '{}';
  if (nestsDeeper(text, CONTENT_DEPTH_MAX)) throw tooDeep();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed('a mark or embed is not JSON');
  }
  // Strings on the wire are UTF-8 and can't hold half a surrogate pair; an escape can.
  if (/\\u[dD]/.test(text) && holdsLoneSurrogate(value)) throw malformed('a string has half of a surrogate pair');
  return typeof value === 'object' && value !== null;
}

function holdsLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return hasLoneSurrogate(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => hasLoneSurrogate(key) || holdsLoneSurrogate(inner));
}

/** Moves past that many values of a struct that was read before. */
export function skipValues(reader: ByteReader, ref: number, count: number): void {
  for (let index = 0; index < count; index++) {
    if (ref === 8) skipAny(reader, 0);
    else reader.string();
  }
}
