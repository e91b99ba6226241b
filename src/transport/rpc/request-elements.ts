/**
 * G7: how many fields and elements a request has, counted before it becomes objects, which take a hundred times as long
 * and as much memory. One that has no more bytes than it may have elements is not looked at.
 */
import { ScalarType } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { StudioError } from '../../errors.ts';
import { REQUEST_ELEMENTS_MAX } from '../../limits.ts';
import type { DescField, DescMessage } from '@bufbuild/protobuf';

/** Throws LIMIT_EXCEEDED. Bytes that are no request are left to who reads them. */
export function requireFewElements(type: DescMessage, bytes: Uint8Array, isJson: boolean): void {
  if (bytes.byteLength <= REQUEST_ELEMENTS_MAX) return;
  const isOver = isJson ? hasManyValues(bytes) : hasManyFields(type, bytes);
  if (!isOver) return;
  throw new StudioError('LIMIT_EXCEEDED', `A request has at most ${REQUEST_ELEMENTS_MAX} fields and elements.`, {
    limit: 'REQUEST_ELEMENTS_MAX',
  });
}

/** Of a field: what is in it, or how its scalars are skipped. */
interface Slot {
  readonly layout: (() => Layout) | undefined;
  readonly wireType: WireType;
  readonly isList: boolean;
}

interface Layout {
  readonly slots: ReadonlyMap<number, Slot>;
  /** protobuf-es passes over nothing but the tag of what does not belong in an entry of a map. */
  readonly isEntry: boolean;
}

const layouts = new WeakMap<DescMessage, Layout>();

function layoutOf(type: DescMessage): Layout {
  let layout = layouts.get(type);
  if (!layout) {
    layout = { slots: new Map(type.fields.map((field) => [field.number, slotOf(field)])), isEntry: false };
    layouts.set(type, layout);
  }
  return layout;
}

function slotOf(field: DescField): Slot {
  const { message } = field;
  const isList = field.fieldKind === 'list';
  const value = {
    layout: message && (() => layoutOf(message)),
    wireType: wireTypeOf(field.scalar ?? ScalarType.INT32),
    isList,
  };
  if (field.fieldKind !== 'map') return value;
  const key = { layout: undefined, wireType: wireTypeOf(field.mapKey), isList: false };
  const entry: Layout = {
    slots: new Map([
      [1, key],
      [2, value],
    ]),
    isEntry: true,
  };
  return { ...value, layout: () => entry };
}

/** All others are varints. */
const WIRE_TYPES: Partial<Record<ScalarType, WireType>> = {
  [ScalarType.STRING]: WireType.LengthDelimited,
  [ScalarType.BYTES]: WireType.LengthDelimited,
  [ScalarType.DOUBLE]: WireType.Bit64,
  [ScalarType.FIXED64]: WireType.Bit64,
  [ScalarType.SFIXED64]: WireType.Bit64,
  [ScalarType.FLOAT]: WireType.Bit32,
  [ScalarType.FIXED32]: WireType.Bit32,
  [ScalarType.SFIXED32]: WireType.Bit32,
};

function wireTypeOf(scalar: ScalarType): WireType {
  return WIRE_TYPES[scalar] ?? WireType.Varint;
}

/** Goes by the declared types, as protobuf-es does, which takes a message for one whatever its wire type says. */
function hasManyFields(type: DescMessage, bytes: Uint8Array): boolean {
  const reader = new BinaryReader(bytes);
  const open = [{ layout: layoutOf(type), end: bytes.byteLength }];
  let count = 0;
  try {
    for (let current = open.at(-1); current; current = open.at(-1)) {
      if (reader.pos >= current.end) {
        open.pop();
        continue;
      }
      count += 1;
      if (count > REQUEST_ELEMENTS_MAX) return true;
      const [number, wireType] = reader.tag();
      const slot = current.layout.slots.get(number);
      if (!slot) {
        if (!current.layout.isEntry) reader.skip(wireType, number);
      } else if (slot.layout) {
        const length = reader.uint32();
        open.push({ layout: slot.layout(), end: reader.pos + length });
      } else if (slot.isList && wireType === WireType.LengthDelimited && slot.wireType !== wireType) {
        const end = reader.uint32() + reader.pos;
        for (; reader.pos < end && count <= REQUEST_ELEMENTS_MAX; count += 1) reader.skip(slot.wireType);
      } else reader.skip(slot.wireType);
    }
  } catch {
    // Who reads it gets as far as this, and no further.
    return false;
  }
  return count > REQUEST_ELEMENTS_MAX;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const OPENING_BRACE = 0x7b;

/** Counts what separates and begins values, outside of strings. */
function hasManyValues(json: Uint8Array): boolean {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  let count = 0;
  for (let i = 0; i < bytes.byteLength; i += 1) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      i = endOfString(bytes, i);
      if (i < 0) return false;
    } else if (byte === COMMA || byte === OPENING_BRACKET || byte === OPENING_BRACE) {
      count += 1;
      if (count > REQUEST_ELEMENTS_MAX) return true;
    }
  }
  return false;
}

/** Where the string that begins at `start` has its last quote; negative: nowhere. */
function endOfString(bytes: Buffer, start: number): number {
  for (let end = bytes.indexOf(QUOTE, start + 1); end >= 0; end = bytes.indexOf(QUOTE, end + 1)) {
    let before = end - 1;
    while (bytes[before] === BACKSLASH) before -= 1;
    // An even number of backslashes are each other's.
    if ((end - before) % 2 === 1) return end;
  }
  return -1;
}
