/**
 * A Yjs update (encoding v1) as the guard reads it: what each struct says, and where in the bytes it says it. Nothing of
 * Yjs runs on it before it is checked; reading allocates in proportion to the bytes.
 */
import {
  UPDATE_BYTES_MAX,
  UPDATE_CLOCK_MAX,
  UPDATE_DELETE_RANGES_MAX,
  UPDATE_STRUCTS_MAX,
  UPDATE_VALUES_MAX,
} from '../../limits.ts';
import { ByteReader } from './byte-reader.ts';
import { readContent } from './content-reader.ts';
import { malformed, tooComplex } from './refusals.ts';
import type { Parent } from './placement.ts';

/** What a struct is: Yjs's numbers on the wire. */
export const Ref = {
  gc: 0,
  deleted: 1,
  json: 2,
  binary: 3,
  string: 4,
  embed: 5,
  format: 6,
  type: 7,
  any: 8,
  doc: 9,
  skip: 10,
} as const;

export interface Id {
  readonly client: number;
  readonly clock: number;
}

export interface Struct {
  readonly client: number;
  readonly clock: number;
  /** Clocks it takes, at least 1. */
  readonly length: number;
  readonly ref: number;
  readonly origin: Id | undefined;
  readonly rightOrigin: Id | undefined;
  /** Written only where neither origin is: a root's name, or the id of the type it is in. */
  readonly parent: string | Id | undefined;
  readonly parentSub: string | undefined;
  /** The bytes it lies in; kept for comparing and slicing. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
  /** Of Ref.string. */
  readonly text: string;
  /** Of Ref.type; -1 otherwise. */
  readonly typeRef: number;
  /** Of Ref.any and Ref.json: what kinds of values occur. */
  readonly valueFlags: number;
  /** Where it ends up: set when its turn to be integrated comes. Undefined before. */
  placed: Parent | undefined;
  /** The key it is under in its parent; undefined in a list. */
  key: string | undefined;
}

/** The structs of one client, in clock order, without a gap. */
export interface Section {
  readonly client: number;
  readonly clock: number;
  readonly end: number;
  readonly structs: readonly Struct[];
}

export interface DeleteRange {
  readonly client: number;
  readonly clock: number;
  /** Exclusive. */
  readonly end: number;
}

export interface Update {
  readonly bytes: Uint8Array;
  readonly sections: readonly Section[];
  readonly deletes: readonly DeleteRange[];
  /** Nothing in it is without effect: no client without structs, no deletion of nothing. */
  readonly isTidy: boolean;
}

/** What content may grow by: deletions only shrink it, however many bytes they take. */
export function structBytes(sections: readonly Section[]): number {
  let bytes = 0;
  for (const { structs } of sections) for (const { start, end } of structs) bytes += end - start;
  return bytes;
}

interface Limits {
  readonly structs: number;
  readonly deleteRanges: number;
  /** In one struct. */
  readonly values: number;
}

const FOREIGN: Limits = {
  structs: UPDATE_STRUCTS_MAX,
  deleteRanges: UPDATE_DELETE_RANGES_MAX,
  values: UPDATE_VALUES_MAX,
};
const UNLIMITED: Limits = { structs: Infinity, deleteRanges: Infinity, values: Infinity };

/** Throws UPDATE_MALFORMED or UPDATE_TOO_COMPLEX, nothing else, whatever the bytes are. */
export function readUpdate(bytes: Uint8Array): Update {
  if (bytes.byteLength > UPDATE_BYTES_MAX)
    throw tooComplex('UPDATE_BYTES_MAX', `is larger than ${UPDATE_BYTES_MAX} bytes`);
  return read(bytes, FOREIGN);
}

/**
 * One that the server made, or that is committed. Its content and COMMIT_BYTES_MAX bound it: whole content may come to
 * more than what others send, whether a blob is created with it or gets it later.
 */
export function readOwnUpdate(bytes: Uint8Array): Update {
  return read(bytes, UNLIMITED);
}

function read(bytes: Uint8Array, limits: Limits): Update {
  const reader = new ByteReader(bytes);
  const { sections, isTidy: areSectionsTidy } = readSections(reader, limits);
  const { deletes, isTidy: areDeletesTidy } = readDeletes(reader, limits);
  if (reader.left > 0) throw malformed('bytes follow its end');
  return { bytes, sections, deletes, isTidy: areSectionsTidy && areDeletesTidy };
}

function readSections(reader: ByteReader, limits: Limits): { sections: Section[]; isTidy: boolean } {
  let isTidy = true;
  const sections: Section[] = [];
  const clients = reader.count(3);
  const seen = clients > 1 ? new Set<number>() : undefined;
  let structsLeft = limits.structs;
  for (let left = clients; left > 0; left--) {
    const count = reader.count(2);
    const client = reader.varUint();
    const clock = reader.varUint();
    // Yjs would keep only the last of two.
    if (seen?.has(client)) throw malformed('a client occurs twice');
    seen?.add(client);
    structsLeft -= count;
    if (structsLeft < 0) throw tooComplex('UPDATE_STRUCTS_MAX', `has more than ${limits.structs} structs`);
    const structs: Struct[] = [];
    let end = clock;
    for (let index = 0; index < count; index++) {
      const struct = readStruct(reader, client, end, limits.values);
      end += struct.length;
      if (end > UPDATE_CLOCK_MAX) throw tooComplex('UPDATE_CLOCK_MAX', `has a clock above ${UPDATE_CLOCK_MAX}`);
      structs.push(struct);
    }
    if (count > 0) sections.push({ client, clock, end, structs });
    else isTidy = false;
  }
  return { sections, isTidy };
}

const HAS_ORIGIN = 0x80;
const HAS_RIGHT_ORIGIN = 0x40;
const HAS_PARENT_SUB = 0x20;

/** Reads one struct, whose client and clock the bytes before it gave. */
export function readStruct(reader: ByteReader, client: number, clock: number, valuesMax = Infinity): Struct {
  const start = reader.position;
  const info = reader.uint8();
  const ref = info & 0x1f;
  if (ref === Ref.skip) throw malformed('it skips structs');
  // Yjs's two readers disagree on what this would be.
  if (ref === Ref.gc && info !== 0) throw malformed('a collected struct has flags');
  let origin: Id | undefined;
  let rightOrigin: Id | undefined;
  let parent: string | Id | undefined;
  let parentSub: string | undefined;
  if (ref !== Ref.gc) {
    if ((info & HAS_ORIGIN) !== 0) origin = readId(reader);
    if ((info & HAS_RIGHT_ORIGIN) !== 0) rightOrigin = readId(reader);
    if (!origin && !rightOrigin) {
      parent = reader.varUint() === 1 ? reader.string() : readId(reader);
      if ((info & HAS_PARENT_SUB) !== 0) parentSub = reader.string();
    }
  }
  const contentStart = reader.position;
  const content = readContent(reader, ref, valuesMax);
  if (content.length === 0) throw malformed('a struct has no length');
  return {
    client,
    clock,
    length: content.length,
    ref,
    origin,
    rightOrigin,
    parent,
    parentSub,
    bytes: reader.bytes,
    start,
    contentStart,
    end: reader.position,
    text: content.text,
    typeRef: content.typeRef,
    valueFlags: content.valueFlags,
    placed: undefined,
    key: undefined,
  };
}

function readId(reader: ByteReader): Id {
  return { client: reader.varUint(), clock: reader.varUint() };
}

function readDeletes(reader: ByteReader, limits: Limits): { deletes: DeleteRange[]; isTidy: boolean } {
  let isTidy = true;
  const deletes: DeleteRange[] = [];
  for (let clients = reader.count(2); clients > 0; clients--) {
    const client = reader.varUint();
    const count = reader.count(2);
    if (deletes.length + count > limits.deleteRanges) {
      throw tooComplex('UPDATE_DELETE_RANGES_MAX', `has more than ${limits.deleteRanges} delete ranges`);
    }
    for (let index = 0; index < count; index++) {
      const clock = reader.varUint();
      const length = reader.varUint();
      if (length > 0) deletes.push({ client, clock, end: clock + length });
      else isTidy = false;
    }
    if (count === 0) isTidy = false;
  }
  return { deletes, isTidy };
}
