/** Updates written byte by byte: what no Yjs client would send. */
import * as encoding from 'lib0/encoding';

export interface WrittenStruct {
  readonly ref: number;
  readonly origin?: readonly [number, number];
  readonly right?: readonly [number, number];
  readonly parent?: string | readonly [number, number];
  readonly sub?: string;
  readonly content: (encoder: encoding.Encoder) => void;
}

export interface WrittenSection {
  readonly client: number;
  readonly clock: number;
  readonly structs: readonly WrittenStruct[];
  /** Says so many structs follow, whatever follows. */
  readonly count?: number;
}

export type WrittenDeletes = readonly (readonly [client: number, clock: number, length: number])[];

export function write(sections: readonly WrittenSection[], deletes: WrittenDeletes = []): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, sections.length);
  for (const section of sections) {
    encoding.writeVarUint(encoder, section.count ?? section.structs.length);
    encoding.writeVarUint(encoder, section.client);
    encoding.writeVarUint(encoder, section.clock);
    for (const struct of section.structs) writeStruct(encoder, struct);
  }
  encoding.writeVarUint(encoder, deletes.length);
  for (const [client, clock, length] of deletes) {
    for (const number of [client, 1, clock, length]) encoding.writeVarUint(encoder, number);
  }
  return encoding.toUint8Array(encoder);
}

function writeStruct(encoder: encoding.Encoder, { ref, origin, right, parent, sub, content }: WrittenStruct): void {
  const info = ref | (origin ? 0x80 : 0) | (right ? 0x40 : 0) | (sub === undefined ? 0 : 0x20);
  encoding.writeUint8(encoder, info);
  for (const id of [origin, right]) if (id) for (const number of id) encoding.writeVarUint(encoder, number);
  if (typeof parent === 'string') {
    encoding.writeVarUint(encoder, 1);
    encoding.writeVarString(encoder, parent);
  } else if (parent) for (const number of [0, ...parent]) encoding.writeVarUint(encoder, number);
  if (sub !== undefined && !origin && !right) encoding.writeVarString(encoder, sub);
  content(encoder);
}

export function string(text: string, at: Omit<WrittenStruct, 'ref' | 'content'>): WrittenStruct {
  return { ...at, ref: 4, content: (encoder) => encoding.writeVarString(encoder, text) };
}

export function values(items: readonly unknown[], at: Omit<WrittenStruct, 'ref' | 'content'>): WrittenStruct {
  const content = (encoder: encoding.Encoder): void => {
    encoding.writeVarUint(encoder, items.length);
    for (const item of items) encoding.writeAny(encoder, item as null);
  };
  return { ...at, ref: 8, content };
}

export function type(typeRef: number, at: Omit<WrittenStruct, 'ref' | 'content'>): WrittenStruct {
  const content = (encoder: encoding.Encoder): void => {
    encoding.writeVarUint(encoder, typeRef);
    if (typeRef === 3 || typeRef === 5) encoding.writeVarString(encoder, 'p');
  };
  return { ...at, ref: 7, content };
}

/** Of kinds whose content is one number: collected (0), deleted (1), skipped (10). */
export function run(ref: number, length: number, at: Omit<WrittenStruct, 'ref' | 'content'> = {}): WrittenStruct {
  return { ...at, ref, content: (encoder) => encoding.writeVarUint(encoder, length) };
}
