/** Updates with less in them: what is new of a struct, and only what is new of an update. */
import * as encoding from 'lib0/encoding';
import { ByteReader } from './byte-reader.ts';
import { skipValues } from './content-reader.ts';
import { type DeleteRange, readStruct, Ref, type Section, type Struct } from './update.ts';

/** The struct from `offset` clocks on, as Yjs would write it. */
export function sliceStruct(struct: Struct, offset: number): Struct {
  const encoder = encoding.createEncoder();
  const { client, rightOrigin, ref } = struct;
  if (ref === Ref.gc) encoding.writeUint8(encoder, Ref.gc);
  else {
    encoding.writeUint8(encoder, ref | 0x80 | (rightOrigin ? 0x40 : 0));
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, struct.clock + offset - 1);
    if (rightOrigin) {
      encoding.writeVarUint(encoder, rightOrigin.client);
      encoding.writeVarUint(encoder, rightOrigin.clock);
    }
  }
  if (ref === Ref.string) {
    // Between the halves of a surrogate pair the second becomes U+FFFD, as it does when Yjs splits there.
    encoding.writeVarString(encoder, struct.text.slice(offset));
  } else {
    encoding.writeVarUint(encoder, struct.length - offset);
    if (ref === Ref.any || ref === Ref.json) {
      const reader = new ByteReader(struct.bytes, struct.contentStart);
      reader.varUint();
      skipValues(reader, ref, offset);
      encoding.writeUint8Array(encoder, struct.bytes.subarray(reader.position, struct.end));
    }
  }
  return readStruct(new ByteReader(encoding.toUint8Array(encoder)), client, struct.clock + offset);
}

export function writeUpdate(sections: readonly Section[], deletes: readonly DeleteRange[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, sections.length);
  for (const { client, clock, structs } of sections) {
    encoding.writeVarUint(encoder, structs.length);
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
    for (const struct of structs) encoding.writeUint8Array(encoder, struct.bytes.subarray(struct.start, struct.end));
  }
  writeDeletes(encoder, deletes);
  return encoding.toUint8Array(encoder);
}

function writeDeletes(encoder: encoding.Encoder, deletes: readonly DeleteRange[]): void {
  const byClient = new Map<number, DeleteRange[]>();
  for (const range of deletes) {
    const ranges = byClient.get(range.client);
    if (ranges) ranges.push(range);
    else byClient.set(range.client, [range]);
  }
  encoding.writeVarUint(encoder, byClient.size);
  for (const [client, ranges] of byClient) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, ranges.length);
    for (const { clock, end } of ranges) {
      encoding.writeVarUint(encoder, clock);
      encoding.writeVarUint(encoder, end - clock);
    }
  }
}
