/** JSON as blobs hold it: read strictly, so that what is written back is what came in. */
import canonicalize from 'canonicalize';
import { StudioError } from '../../errors.ts';
import { CONTENT_BYTES_MAX, CONTENT_DEPTH_MAX } from '../../limits.ts';
import { contentTooLarge } from './size.ts';
import { decodeText } from './text.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
/** Without a prototype, or straight from JSON.parse: `__proto__` is a key like any other. Look only at own keys. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function emptyObject(): Record<string, JsonValue> {
  return Object.create(null) as Record<string, JsonValue>;
}

/** RFC 8785. */
export function canonicalJson(value: JsonValue): string {
  return canonicalize(value) ?? 'null';
}

/**
 * Throws CONTENT_INVALID for anything that would not come out as it went in: bad UTF-8 or JSON, lone surrogates,
 * numbers a double can't hold, nesting beyond `depthMax`; CONTENT_TOO_LARGE beyond CONTENT_BYTES_MAX.
 */
export function parseJson(bytes: Uint8Array, depthMax = CONTENT_DEPTH_MAX): JsonValue {
  const text = decodeText(bytes);
  scan(text, depthMax);
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw invalid(`it is not JSON (${error instanceof Error ? error.message.slice(0, 200) : String(error)})`, error);
  }
  checkStrings(value);
  // The canonical form can be longer than what was sent: 1e20 has 21 digits.
  if (bytes.byteLength > CONTENT_BYTES_MAX / 8 && Buffer.byteLength(canonicalJson(value)) > CONTENT_BYTES_MAX) {
    throw contentTooLarge();
  }
  return value;
}

/** How many objects and arrays contain each other, the value itself included; 0 for a plain value. */
export function depthOf(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0;
  let deepest = 0;
  for (const child of isArray(value) ? value : Object.values(value)) deepest = Math.max(deepest, depthOf(child));
  return deepest + 1;
}

/** Nesting and numbers, on the text: parsing hides digits that get lost, and deep nesting must not reach recursion. */
function scan(text: string, depthMax: number): void {
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x22) index = endOfString(text, index);
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > depthMax) throw invalid(`it is nested deeper than ${depthMax}`);
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
    else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      const start = index;
      while (index + 1 < text.length && isNumberPart(text.charCodeAt(index + 1))) index += 1;
      checkNumber(text.slice(start, index + 1));
    }
  }
}

function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x5c) index += 1;
    else if (code === 0x22) return index;
  }
  return text.length;
}

function isNumberPart(code: number): boolean {
  return (
    (code >= 0x30 && code <= 0x39) || code === 0x2e || code === 0x2b || code === 0x2d || code === 0x45 || code === 0x65
  );
}

/** Below it a double holds fewer digits. */
const SMALLEST_NORMAL = 2 ** -1022;

/** A number is kept if the double nearest to it, written with as many digits, reads the same. */
function checkNumber(literal: string): void {
  // A double holds any 15 digits.
  if (literal.length <= 15 && !/[eE]/.test(literal)) return;
  const value = Number(literal);
  // Not a number at all: JSON.parse says so, better.
  if (Number.isNaN(value)) return;
  const digits = significantDigits(literal);
  if (!Number.isFinite(value)) throw invalid(`the number ${literal.slice(0, 40)} is too large`);
  if (digits === '' && value === 0) return;
  if (digits.length <= 15 && Math.abs(value) >= SMALLEST_NORMAL) return;
  if (value === 0 || digits.length > 100 || significantDigits(value.toPrecision(digits.length)) !== digits) {
    throw invalid(`the number ${literal.slice(0, 40)} has more digits than a double can hold`);
  }
}

function significantDigits(literal: string): string {
  const mantissa = literal.replace(/[eE].*$/, '').replace(/[-.]/g, '');
  // By hand: /0+$/ looks at a run of zeros within the digits once for each of its zeros.
  let start = 0;
  let end = mantissa.length;
  while (start < end && mantissa[start] === '0') start += 1;
  while (end > start && mantissa[end - 1] === '0') end -= 1;
  return mantissa.slice(start, end);
}

const LONE_SURROGATE = /[\ud800-\udfff]/u;

export function hasLoneSurrogate(text: string): boolean {
  return LONE_SURROGATE.test(text);
}

function checkStrings(value: JsonValue): void {
  if (typeof value === 'string') {
    if (hasLoneSurrogate(value)) throw invalid('a string has half of a surrogate pair');
  } else if (isArray(value)) value.forEach(checkStrings);
  else if (isObject(value)) {
    for (const [key, child] of Object.entries(value)) {
      if (hasLoneSurrogate(key)) throw invalid('a key has half of a surrogate pair');
      checkStrings(child);
    }
  }
}

function invalid(why: string, cause?: unknown): StudioError {
  return new StudioError('CONTENT_INVALID', `The content can't be kept as JSON: ${why}.`, {}, { cause });
}
