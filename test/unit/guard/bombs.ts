/** Updates that are small, or whole, and cost out of proportion to what they are. */
import * as encoding from 'lib0/encoding';
import { string, write, type WrittenStruct } from './updates.ts';

/** A text of that many structs, which no two neighbours of can be joined. */
export function shreddedText(structs: number): Uint8Array {
  const halves = [1, 2].map((client) => ({
    client,
    clock: 0,
    structs: Array.from({ length: structs / 2 }, (_, index): WrittenStruct => {
      if (client === 2) return string('b', { origin: [1, index] });
      return string('a', index === 0 ? { parent: 'content' } : { origin: [2, index - 1] });
    }),
  }));
  return write(halves);
}

/** Of one client, all at the start, each before another character of client 1: each is put in order with all others. */
export function fan(structs: number, client = 3): Uint8Array {
  return write([
    {
      client,
      clock: 0,
      structs: Array.from({ length: structs }, (_, index) => string('x', { right: [1, index] })),
    },
  ]);
}

/** At the start of a text, with no neighbour named: Yjs looks through all of it for each. */
export function adrift(structs: number, client = 3): Uint8Array {
  return write([
    { client, clock: 0, structs: Array.from({ length: structs }, () => string('x', { parent: 'content' })) },
  ]);
}

export function deletions(client: number, ranges: readonly (readonly [clock: number, length: number])[]): Uint8Array {
  const encoder = encoding.createEncoder();
  for (const number of [0, 1, client, ranges.length]) encoding.writeVarUint(encoder, number);
  for (const range of ranges) for (const number of range) encoding.writeVarUint(encoder, number);
  return encoding.toUint8Array(encoder);
}

/** One client's text, typed from left to right: as many structs as characters, and nothing hostile. */
export function typed(characters: number, client: number, at: { readonly parent: string } | undefined): Uint8Array {
  const structs = Array.from({ length: characters }, (_, index) =>
    string('t', index === 0 ? (at ?? { origin: [1, 0] }) : { origin: [client, index - 1] }),
  );
  return write([{ client, clock: 0, structs }]);
}
