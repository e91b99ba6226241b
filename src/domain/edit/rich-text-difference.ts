/** What must change in a rich text to make it another: characters as in plain text, marks by ranges. */
import type * as Y from 'yjs';
import { type RichRun, type RichText, textOf } from '../content/rich-node.ts';
import { type MarkNames, toAttributes } from './mark-names.ts';
import { type DifferenceLimits, textDifference } from './text-difference.ts';

type Operation =
  | { readonly kind: 'retain'; length: number; readonly attributes: Record<string, unknown> | undefined }
  | { readonly kind: 'delete'; length: number }
  | { readonly kind: 'insert'; readonly text: string; readonly attributes: Record<string, unknown> };

/** `shared` together hold what `current` says: one text to an editor. */
export function turnText(
  shared: readonly Y.XmlText[],
  current: RichText,
  target: RichText,
  names: MarkNames,
  limits: DifferenceLimits,
): void {
  const operations: Operation[] = [];
  const old = new RunCursor(current.runs);
  const next = new RunCursor(target.runs);
  const retain = (length: number): void => {
    for (let left = length; left > 0;) {
      const taken = Math.min(left, old.left, next.left);
      const attributes = names.changes(old.run.marks, next.run);
      const last = operations.at(-1);
      if (last?.kind === 'retain' && !last.attributes && !attributes) last.length += taken;
      else operations.push({ kind: 'retain', length: taken, attributes });
      old.skip(taken);
      next.skip(taken);
      left -= taken;
    }
  };
  for (const { at, deleted, insert } of textDifference(textOf(current), textOf(target), limits)) {
    retain(at - old.position);
    if (deleted > 0) operations.push({ kind: 'delete', length: deleted });
    old.skip(deleted);
    for (let from = 0; from < insert.length;) {
      const taken = Math.min(insert.length - from, next.left);
      const attributes = toAttributes(names.marksOf(next.run));
      operations.push({ kind: 'insert', text: insert.slice(from, from + taken), attributes });
      next.skip(taken);
      from += taken;
    }
  }
  while (old.left > 0) retain(old.left);
  distribute(shared, limits.places.take(operations.length) ? operations : replacement(current, target, names));
}

function replacement(current: RichText, target: RichText, names: MarkNames): Operation[] {
  const inserts = target.runs.map((run): Operation => ({
    kind: 'insert',
    text: run.text,
    attributes: toAttributes(names.marksOf(run)),
  }));
  return [{ kind: 'delete', length: textOf(current).length }, ...inserts];
}

/** Gives each shared text its part of the operations. */
function distribute(shared: readonly Y.XmlText[], operations: readonly Operation[]): void {
  const pending = [...operations].reverse();
  for (const [index, text] of shared.entries()) {
    const delta: object[] = [];
    let changes = false;
    let left = index === shared.length - 1 ? Infinity : text.length;
    while (pending.length > 0) {
      const operation = pending.at(-1) as Operation;
      if (operation.kind === 'insert') {
        pending.pop();
        changes = true;
        delta.push({ insert: operation.text, attributes: operation.attributes });
        continue;
      }
      if (left === 0) break;
      const length = Math.min(left, operation.length);
      if (operation.kind === 'delete') delta.push({ delete: length });
      else delta.push({ retain: length, attributes: operation.attributes });
      changes ||= operation.kind === 'delete' || operation.attributes !== undefined;
      left -= length;
      if (length === operation.length) pending.pop();
      else pending[pending.length - 1] = { ...operation, length: operation.length - length };
    }
    if (changes) text.applyDelta(delta);
  }
}

class RunCursor {
  readonly #runs: readonly RichRun[];
  #index = 0;
  #offset = 0;
  position = 0;

  constructor(runs: readonly RichRun[]) {
    this.#runs = runs;
  }

  /** Only where something is left. */
  get run(): RichRun {
    return this.#runs[this.#index] as RichRun;
  }

  /** Of the run; 0 at the end of the text. */
  get left(): number {
    return (this.#runs[this.#index]?.text.length ?? 0) - this.#offset;
  }

  skip(length: number): void {
    this.position += length;
    this.#offset += length;
    for (let run = this.#runs[this.#index]; run && this.#offset >= run.text.length; run = this.#runs[this.#index]) {
      this.#offset -= run.text.length;
      this.#index += 1;
    }
  }
}
