/** A person's paper, keystroke by keystroke, as the updates an editor would send. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import * as Y from 'yjs';

interface Trace {
  readonly startContent: string;
  readonly endContent: string;
  readonly txns: readonly { readonly patches: readonly (readonly [number, number, string])[] }[];
}

export interface Edits {
  /** One Yjs update for each edit, in order. */
  readonly updates: readonly Uint8Array[];
  readonly content: string;
  /** Of all of it, as one update. */
  readonly snapshot: Uint8Array;
  readonly stateVector: Uint8Array;
}

const TRACE = fileURLToPath(new URL('../traces/automerge-paper.json.gz', import.meta.url));

/** The first `share` of it. */
export function makeEdits(share: number): Edits {
  const trace = JSON.parse(gunzipSync(readFileSync(TRACE)).toString()) as Trace;
  const count = Math.max(2_000, Math.min(trace.txns.length, Math.round(trace.txns.length * share)));
  const doc = new Y.Doc();
  const text = doc.getText('content');
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  if (trace.startContent !== '') throw new Error('The trace is expected to start with nothing.');
  for (const { patches } of trace.txns.slice(0, count)) {
    doc.transact(() => {
      for (const [position, deleted, inserted] of patches) {
        if (deleted > 0) text.delete(position, deleted);
        if (inserted !== '') text.insert(position, inserted);
      }
    });
  }
  const content = text.toJSON();
  if (count === trace.txns.length && content !== trace.endContent)
    throw new Error('The trace does not end as it says.');
  const made = { updates, content, snapshot: Y.encodeStateAsUpdate(doc), stateVector: Y.encodeStateVector(doc) };
  doc.destroy();
  return made;
}
