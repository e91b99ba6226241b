/** The trace, as each of its two authors lived it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import * as Y from 'yjs';

/** In code points; the text is ASCII. */
export interface Patch {
  readonly position: number;
  readonly deleted: number;
  readonly inserted: string;
}

/** One keystroke. */
export interface Keystroke {
  /** How many of the other author's keystrokes were in the text it was typed in; its author's earlier ones all were. */
  readonly known: number;
  readonly patches: readonly Patch[];
}

export interface Trace {
  /** By author, each in the order typed. */
  readonly authors: readonly [readonly Keystroke[], readonly Keystroke[]];
  readonly keystrokes: number;
  /** The text after all of them. */
  readonly endContent: string;
}

interface TraceFile {
  readonly endContent: string;
  readonly numAgents: number;
  readonly txns: readonly {
    readonly parents: readonly number[];
    readonly agent: 0 | 1;
    readonly patches: readonly (readonly [number, number, string])[];
  }[];
}

/** Above the ids that the studio gives to edits it makes: Yjs then breaks the trace's ties as `endContent` has them. */
export const EDITOR_CLIENT_ID = 2 ** 32 - 1;
const OTHER_CLIENT_ID = 1;
const TRACE_FILE = fileURLToPath(new URL('traces/friendsforever.json.gz', import.meta.url));

/** The whole trace, or its first `limit` keystrokes, whose text plain Yjs then says. */
export function loadTrace(limit?: number): Trace {
  const file = JSON.parse(gunzipSync(readFileSync(TRACE_FILE)).toString('utf8')) as TraceFile;
  const txns = file.txns.slice(0, limit);
  const authors: [Keystroke[], Keystroke[]] = [[], []];
  /** By transaction: how many of each author's are in the state after it. */
  const states: (readonly [number, number])[] = [];
  for (const { parents, agent, patches } of txns) {
    const state: [number, number] = [0, 0];
    for (const parent of parents) {
      const [first, second] = states[parent] ?? [0, 0];
      state[0] = Math.max(state[0], first);
      state[1] = Math.max(state[1], second);
    }
    if (state[agent] !== authors[agent].length) throw new Error('The trace has an author who unlearned an own edit.');
    authors[agent].push({
      known: state[agent === 0 ? 1 : 0],
      patches: patches.map(([position, deleted, inserted]) => ({ position, deleted, inserted })),
    });
    state[agent] += 1;
    states.push(state);
  }
  const isWhole = txns.length === file.txns.length;
  return { authors, keystrokes: txns.length, endContent: isWhole ? file.endContent : mergeWithYjs(authors) };
}

/** What two documents that only exchange updates as the trace says end up with. */
export function mergeWithYjs(authors: Trace['authors']): string {
  const writers = authors.map((keystrokes, author) => {
    const doc = new Y.Doc();
    doc.clientID = author === 0 ? OTHER_CLIENT_ID : EDITOR_CLIENT_ID;
    const updates: Uint8Array[] = [];
    doc.on('update', (update: Uint8Array, _origin: unknown, _doc: Y.Doc, transaction: Y.Transaction) => {
      if (transaction.local) updates.push(update);
    });
    return { doc, keystrokes, updates, typed: 0, seen: 0 };
  });
  const [first, second] = writers;
  if (!first || !second) throw new Error('The trace has two authors.');
  const step = (writer: typeof first, other: typeof first): boolean => {
    const keystroke = writer.keystrokes[writer.typed];
    if (!keystroke || keystroke.known > other.typed) return false;
    for (; writer.seen < keystroke.known; writer.seen += 1) apply(writer.doc, other.updates[writer.seen]);
    type(writer.doc, keystroke.patches);
    writer.typed += 1;
    return true;
  };
  for (let moved = true; moved;) {
    moved = false;
    while (step(first, second)) moved = true;
    while (step(second, first)) moved = true;
  }
  for (; first.seen < second.typed; first.seen += 1) apply(first.doc, second.updates[first.seen]);
  return textOf(first.doc).toJSON();
}

export function textOf(doc: Y.Doc): Y.Text {
  return doc.getText('content');
}

/** One transaction. */
export function type(doc: Y.Doc, patches: readonly Patch[]): void {
  const text = textOf(doc);
  doc.transact(() => {
    for (const { position, deleted, inserted } of patches) {
      if (deleted > 0) text.delete(position, deleted);
      if (inserted !== '') text.insert(position, inserted);
    }
  });
}

function apply(doc: Y.Doc, update: Uint8Array | undefined): void {
  if (!update) throw new Error('The trace knows of a keystroke that changed nothing.');
  Y.applyUpdate(doc, update);
}
