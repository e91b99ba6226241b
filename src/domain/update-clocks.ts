/** Yjs state vectors as bytes. */
import * as Y from 'yjs';

/**
 * What a document knew before `update`, given what it knows now: of every client whose structs the update brings, its
 * clock where they begin. `update` must be what the document emitted when it last changed; of several, taken out one
 * after the other in any order, what it knew before all of them.
 */
export function vectorBefore(vector: Uint8Array, update: Uint8Array): Uint8Array {
  const before = Y.decodeStateVector(vector);
  for (const [client, clock] of Y.parseUpdateMeta(update).from) {
    if (clock === 0) before.delete(client);
    else if (clock < (before.get(client) ?? 0)) before.set(client, clock);
  }
  return Y.encodeStateVector(before);
}

/** Where `vector` knows more of a client than `other` does: the client, and up to which clock. */
export function clocksBeyond(vector: Uint8Array, other: Uint8Array): [client: number, clock: number][] {
  const known = Y.decodeStateVector(other);
  return [...Y.decodeStateVector(vector)].filter(([client, clock]) => clock > (known.get(client) ?? 0));
}

/** By client, where the structs begin that the update brings. Empty: it only deletes. */
export function firstClocks(update: Uint8Array): ReadonlyMap<number, number> {
  return Y.parseUpdateMeta(update).from;
}
