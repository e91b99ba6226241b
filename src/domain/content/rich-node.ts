/** Rich content as plain values: what a ProseMirror document says, with the names Yjs keeps it under. */

export type RichNode = RichElement | RichText;

export interface RichElement {
  readonly kind: 'element';
  readonly name: string;
  /** Plain JSON values; those that are null or undefined count as absent. */
  readonly attributes: ReadonlyMap<string, unknown>;
  readonly children: readonly RichNode[];
}

/** What one shared text holds: perhaps nothing. */
export interface RichText {
  readonly kind: 'text';
  readonly runs: readonly RichRun[];
}

/** Characters with the same marks. */
export interface RichRun {
  readonly text: string;
  /** By their names in Yjs (see `markTypeOf`), in the order they were opened in. */
  readonly marks: ReadonlyMap<string, unknown>;
}

export function textOf(node: RichText): string {
  return node.runs.map((run) => run.text).join('');
}

export function hasSameMarks(a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a)
    if (!b.has(name) || JSON.stringify(value) !== JSON.stringify(b.get(name))) return false;
  return true;
}

/** Runs next to each other that have the same marks become one. Empty runs go. */
export function joinRuns(runs: readonly RichRun[]): RichRun[] {
  const joined: RichRun[] = [];
  for (const run of runs) {
    if (run.text === '') continue;
    const last = joined.at(-1);
    if (last && (last.marks === run.marks || hasSameMarks(last.marks, run.marks))) {
      joined[joined.length - 1] = { text: last.text + run.text, marks: last.marks };
    } else joined.push(run);
  }
  return joined;
}
