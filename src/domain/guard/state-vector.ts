/** State vectors as strangers send them: what a document has of each client. */
import * as encoding from 'lib0/encoding';
import type * as Y from 'yjs';
import { STATE_VECTOR_BYTES_MAX } from '../../limits.ts';
import { ByteReader } from './byte-reader.ts';
import { malformed, tooComplex } from './refusals.ts';

/**
 * The vector again, of the clients the document has: Yjs would make a map of all that are named, half a gigabyte of 8
 * MB. Throws UPDATE_MALFORMED or UPDATE_TOO_COMPLEX.
 */
export function knownStateVector(bytes: Uint8Array, doc: Y.Doc): Uint8Array {
  if (bytes.byteLength > STATE_VECTOR_BYTES_MAX)
    throw tooComplex('STATE_VECTOR_BYTES_MAX', `names a state of more than ${STATE_VECTOR_BYTES_MAX} bytes`);
  const reader = new ByteReader(bytes);
  const clocks = new Map<number, number>();
  for (let left = reader.count(2); left > 0; left--) {
    const client = reader.varUint();
    const clock = reader.varUint();
    if (doc.store.clients.has(client)) clocks.set(client, clock);
  }
  if (reader.left > 0) throw malformed('bytes follow the end of its state vector');
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, clocks.size);
  for (const entry of clocks) for (const number of entry) encoding.writeVarUint(encoder, number);
  return encoding.toUint8Array(encoder);
}
