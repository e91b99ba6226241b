/**
 * Whether a range that is known is sent again as it was. It is not when two devices share a client id, or one lost what
 * it had sent: then the same clocks name two contents, and merging would lose one without a trace.
 */
import * as decoding from 'lib0/decoding';
import * as Y from 'yjs';
import { StudioError } from '../../errors.ts';
import { canonicalJson } from '../content/json-value.ts';
import { plainValue } from '../content/plain-value.ts';
import { isStruct, isTombstone, type Known } from './known.ts';
import { typeRefOf } from './placement.ts';
import { type Id, Ref, type Section, type Struct } from './update.ts';

/** Content as far as it can be compared: characters, or one value for each clock. */
type Comparable = { readonly text: string } | { readonly values: readonly unknown[] };

/** Throws CLIENT_ID_REUSED. What is deleted on either side has lost its content and is not compared. */
export function requireSame(section: Section, until: number, known: Known): void {
  // Many small structs may lie over one large one.
  let last: { readonly found: Found; readonly content: Comparable } | undefined;
  const contentOf = (found: Found): Comparable => {
    if (last?.found !== found) last = { found, content: ofFound(found) };
    return last.content;
  };
  for (const struct of section.structs) {
    if (struct.clock >= until) return;
    if (struct.ref === Ref.gc) continue;
    let sent: Comparable | undefined;
    const end = Math.min(struct.clock + struct.length, until);
    for (let clock = struct.clock; clock < end;) {
      const found = known.find(section.client, clock);
      const start = isStruct(found) ? found.clock : found.id.clock;
      const stop = Math.min(end, start + found.length);
      const isSame =
        (clock !== struct.clock || hasSameOrigin(struct, found, start)) &&
        (isTombstone(struct) ||
          isDead(found) ||
          (refOf(found) === struct.ref &&
            areSame((sent ??= ofStruct(struct)), clock - struct.clock, contentOf(found), clock - start, stop - clock)));
      if (!isSame) {
        throw new StudioError(
          'CLIENT_ID_REUSED',
          `Client id ${section.client} was used for other edits at clock ${clock}.`,
          {
            client_id: String(section.client),
            clock: String(clock),
          },
        );
      }
      clock = stop;
    }
  }
}

type Found = Struct | Y.Item | Y.GC;

function isDead(found: Found): boolean {
  return isStruct(found) ? isTombstone(found) : found.deleted;
}

function refOf(found: Found): number {
  return isStruct(found) ? found.ref : found instanceof Y.Item ? found.content.getRef() : Ref.gc;
}

function hasSameOrigin(struct: Struct, found: Found, start: number): boolean {
  if (isStruct(found) ? found.ref === Ref.gc : !(found instanceof Y.Item)) return true;
  // What Yjs has joined to the struct before it had that one as its origin.
  if (start < struct.clock) return isSameId(struct.origin, { client: struct.client, clock: struct.clock - 1 });
  return isSameId(struct.origin, (found as Struct | Y.Item).origin ?? undefined);
}

function isSameId(one: Id | undefined, other: Id | undefined): boolean {
  return (
    one === other ||
    (one !== undefined && other !== undefined && one.client === other.client && one.clock === other.clock)
  );
}

function areSame(one: Comparable, oneOffset: number, other: Comparable, otherOffset: number, length: number): boolean {
  if ('text' in one && 'text' in other) {
    const a = one.text.slice(oneOffset, oneOffset + length);
    const b = other.text.slice(otherOffset, otherOffset + length);
    return a === b || areSameButHalves(a, b);
  }
  if ('text' in one || 'text' in other) return false;
  for (let index = 0; index < length; index++) {
    if (spell(one.values[oneOffset + index]) !== spell(other.values[otherOffset + index])) return false;
  }
  return true;
}

/**
 * Yjs replaces both halves of a surrogate pair by U+FFFD when it must split a string between them, or send one alone;
 * a document that never had to still has the pair.
 */
function areSameButHalves(a: string, b: string): boolean {
  for (let index = 0; index < a.length; index++) {
    const one = a.charCodeAt(index);
    const other = b.charCodeAt(index);
    if (one !== other && !(isHalf(one) && isHalf(other))) return false;
  }
  return true;
}

function isHalf(code: number): boolean {
  return code === 0xfffd || (code >= 0xd800 && code <= 0xdfff);
}

function ofFound(found: Found): Comparable {
  return isStruct(found) ? ofStruct(found) : ofContent((found as Y.Item).content);
}

function ofStruct(struct: Struct): Comparable {
  if (struct.ref === Ref.string) return { text: struct.text };
  const decoder = decoding.createDecoder(struct.bytes.subarray(struct.contentStart, struct.end));
  switch (struct.ref) {
    case Ref.any:
    case Ref.json: {
      const count = decoding.readVarUint(decoder);
      const read = struct.ref === Ref.any ? decoding.readAny : readJsonValue;
      return { values: Array.from({ length: count }, () => read(decoder)) };
    }
    case Ref.binary:
      return { values: [decoding.readVarUint8Array(decoder)] };
    case Ref.embed:
      return { values: [JSON.parse(decoding.readVarString(decoder))] };
    case Ref.format:
      return { values: [[decoding.readVarString(decoder), JSON.parse(decoding.readVarString(decoder))]] };
    default: {
      decoding.readVarUint(decoder);
      const name = decoding.hasContent(decoder) ? decoding.readVarString(decoder) : '';
      return { values: [`${struct.typeRef} ${name}`] };
    }
  }
}

function readJsonValue(decoder: decoding.Decoder): unknown {
  const text = decoding.readVarString(decoder);
  return text === 'undefined' ? undefined : JSON.parse(text);
}

function ofContent(content: Y.Item['content']): Comparable {
  if (content instanceof Y.ContentString) return { text: content.str };
  if (content instanceof Y.ContentType) {
    const { type } = content as { type: Y.AbstractType<unknown> };
    const name = type instanceof Y.XmlElement ? type.nodeName : type instanceof Y.XmlHook ? type.hookName : '';
    return { values: [`${typeRefOf(type)} ${name}`] };
  }
  if (content instanceof Y.ContentFormat) {
    const { key, value } = content as { key: string; value: unknown };
    return { values: [[key, value]] };
  }
  return { values: content.getContent() };
}

function spell(value: unknown): string {
  return canonicalJson(plainValue(value));
}
