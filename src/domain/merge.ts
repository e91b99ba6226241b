/**
 * Three-way merge of a derived blob's content: `base` is the provider's previous output, `ours` what people have made
 * of it, `theirs` the provider's new output. A plain difference merged as a CRDT is not enough: where both fix "teh"
 * it gives "thee", and a paragraph somebody deleted comes back.
 */
import { diff3Merge } from 'node-diff3';
import { shapeOf } from './content/shape.ts';

/** Where both changed the same unit, people's stays. A change that is in `ours` already is taken once. */
export function mergeThreeWay(contentType: string, base: Uint8Array, ours: Uint8Array, theirs: Uint8Array): Uint8Array {
  if (Buffer.compare(base, ours) === 0) return theirs;
  if (Buffer.compare(base, theirs) === 0 || Buffer.compare(ours, theirs) === 0) return ours;
  switch (shapeOf(contentType)) {
    case 'text':
      return encode(mergeText(decode(base), decode(ours), decode(theirs)));
    case 'json':
      return encode(JSON.stringify(mergeJson(parse(base), parse(ours), parse(theirs))));
    case 'rich':
    case 'yjs':
    case 'binary':
      return ours;
  }
}

/** By line, and where two changes meet in the same lines, by word. */
function mergeText(base: string, ours: string, theirs: string): string {
  return mergeUnits(base, ours, theirs, splitLines, (o, a, b) => mergeUnits(o, a, b, splitWords, (_base, own) => own));
}

function mergeUnits(
  base: string,
  ours: string,
  theirs: string,
  split: (text: string) => string[],
  resolve: (base: string, ours: string, theirs: string) => string,
): string {
  const regions = diff3Merge(split(ours), split(base), split(theirs), { excludeFalseConflicts: true });
  return regions
    .map((region) => {
      if (region.ok) return region.ok.join('');
      if (!region.conflict) return '';
      return resolve(region.conflict.o.join(''), region.conflict.a.join(''), region.conflict.b.join(''));
    })
    .join('');
}

function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function splitWords(text: string): string[] {
  return text.match(/\s+|[^\s]+/gu) ?? [];
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** By key; anything that is not an object on all three sides is one unit. */
function mergeJson(base: Json | undefined, ours: Json | undefined, theirs: Json | undefined): Json | undefined {
  if (isSame(base, ours)) return theirs;
  if (isSame(base, theirs) || isSame(ours, theirs)) return ours;
  if (!isObject(ours) || !isObject(theirs) || !isObject(base)) return ours;
  const merged: Record<string, Json> = Object.create(null) as Record<string, Json>;
  for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const value = mergeJson(own(base, key), own(ours, key), own(theirs, key));
    if (value !== undefined) merged[key] = value;
  }
  return merged;
}

function own(object: { readonly [key: string]: Json }, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => isSame(item, b[index] as Json));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame(own(a, key), own(b, key)))
  );
}

function parse(bytes: Uint8Array): Json {
  return JSON.parse(decode(bytes)) as Json;
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function encode(text: string | undefined): Uint8Array {
  return Buffer.from(text ?? 'null', 'utf8');
}
