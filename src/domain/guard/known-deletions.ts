/**
 * Whether a document holds all that an update deletes, for updates without structs: what a client that only reads answers
 * a sync step 1 with, its whole delete set. That may come to megabytes for a document that was edited much, and is gone
 * through in one pass, without making anything of it.
 */
import * as Y from 'yjs';
import { UPDATE_DELETE_RANGES_MAX } from '../../limits.ts';
import { ByteReader } from './byte-reader.ts';

export function onlyDeletes(update: Uint8Array): boolean {
  return update[0] === 0;
}

/**
 * Throws UPDATE_MALFORMED. False, too, for more ranges than an update may have (G7), and for ranges that are not in order:
 * Yjs writes them so, and none over another.
 */
export function holdsDeletions(doc: Y.Doc, update: Uint8Array): boolean {
  const reader = new ByteReader(update, 1);
  let rangesLeft = UPDATE_DELETE_RANGES_MAX;
  for (let clients = reader.count(2); clients > 0; clients -= 1) {
    const client = reader.varUint();
    const structs = doc.store.clients.get(client) ?? [];
    const known = Y.getState(doc.store, client);
    let before = 0;
    let ranges = reader.count(2);
    rangesLeft -= ranges;
    if (rangesLeft < 0) return false;
    for (; ranges > 0; ranges -= 1) {
      const start = reader.varUint();
      const end = start + reader.varUint();
      if (start < before || end > known || !isDeleted(structs, start, end)) return false;
      before = end;
    }
  }
  return reader.left === 0;
}

/** All of a range that is known. */
function isDeleted(structs: readonly (Y.Item | Y.GC)[], start: number, end: number): boolean {
  if (start === end) return true;
  let at = Y.findIndexSS(structs as (Y.Item | Y.GC)[], start);
  for (let clock = start; clock < end; at += 1) {
    const struct = structs[at];
    if (!struct?.deleted) return false;
    clock = struct.id.clock + struct.length;
  }
  return true;
}
